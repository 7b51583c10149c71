//! The whole API is asked by schemathesis, which makes requests from its description, right and wrong ones: each answer
//! has to be as described, a wrong request has to be refused, and a right one has to be accepted.

use crate::{
    harness::{Dialect, Server, TestDatabase, python, run, segue, silence, until},
    house::say,
};
use awc::http::Method;
use serde_json::json;
use std::process::Command;

const EXCEPTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/conforms/schemathesis.toml");
/// The requests of an operation that are made at random; the same in each run. Those at the edges of its fields come on top.
const EXAMPLES: &str = "15";

#[test]
fn each_answer_is_as_the_description_says() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let music = database.folder.path().join("music");
        std::fs::create_dir(&music).expect("a folder");
        for name in ["one.wav", "two.wav", "three.wav"] {
            silence(&music.join(name), 1);
        }
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--music"]).arg(&music);
        let server = Server::run(command).await;
        let anna = server.admin(&database, "anna").await;
        let mut tracks = Vec::new();
        until("the music is in the catalogue", async || {
            let page = anna.get("/v1/tracks").await.json();
            let items = page["items"].as_array().cloned().unwrap_or_default();
            tracks = items.iter().filter_map(|track| track["id"].as_str().map(str::to_owned)).collect();
            tracks.len() == 3
        })
        .await;
        // Lists that are not empty.
        anna.post("/v1/me/playlists", &json!({"name": "Some"})).await;
        anna.put(&format!("/v1/me/tracks?ids={}", tracks.join(",")), &json!(null)).await;
        anna.send(Method::PUT, "/v1/me/player/queue", &json!({"tracks": tracks})).await;

        let schemathesis = std::path::PathBuf::from(python().get_program()).with_file_name("schemathesis");
        let mut command = Command::new(schemathesis);
        command.current_dir(database.folder.path()).args(["--config-file", EXCEPTIONS]);
        command.arg("run").arg(format!("{}/openapi.json", server.base));
        command.args(["--header", &format!("Authorization: Bearer {}", anna.token)]);
        command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES]);
        command.args(["--generation-deterministic", "--no-shrink"]);
        command.args(["--continue-on-failure", "--suppress-health-check", "all", "--workers", "1"]);
        command.args(["--request-timeout", "300", "--warnings", "off", "--no-color"]);
        let output = command.output().expect("schemathesis runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        let count = told.lines().find(|line| line.contains(" generated")).unwrap_or_default();
        say(&format!("schemathesis:{count}"));
    });
}
