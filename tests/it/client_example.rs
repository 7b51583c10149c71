//! The example of the crate for clients is built and plays against a server.

use crate::harness::run;
use crate::house::House;
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Builds the example as the server was built, and returns its program.
fn player() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_segue")).parent().expect("it lies in a folder");
    let profile = folder.file_name().expect("it has a name").to_string_lossy().replace("debug", "dev");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--workspace", "--example", "player", "--profile", &profile])
        .arg("--target-dir")
        .arg(folder.parent().expect("it lies below the folder of targets"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the example does not build");
    folder.join("examples/player")
}

/// Kills what it holds when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended need not be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_plays_what_it_is_told_to() {
    run(async {
        let program = player();
        let house = House::open(2_000).await;
        let anna = house.server.log_in("anna", "anna-password").await;
        let address = house.server.base.strip_prefix("http://").expect("it speaks HTTP");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args([address, &anna.token, &house.tracks[0]]);
        let mut running = Running(command.stdout(Stdio::piped()).spawn().expect("the example starts"));
        let output = BufReader::new(running.0.stdout.take().expect("its output is piped"));
        let mut printed = output.lines().map(|line| line.expect("it prints text"));
        let playing = printed.find(|line| line.starts_with("Some(Playing) at "));
        assert!(playing.is_some(), "the example ended before it played");
        let shown = anna.get("/v1/me/player").await.json();
        assert_eq!(shown["playback"]["status"], "playing", "{shown}");
        assert_eq!(shown["playback"]["item"]["media_id"], house.tracks[0].as_str(), "{shown}");
        let active = &shown["playback"]["active"]["device_id"];
        let devices = shown["devices"]["devices"].as_array().expect("a list");
        assert!(devices.iter().any(|device| device["id"] == *active && device["name"] == "Example"), "{shown}");
    });
}
