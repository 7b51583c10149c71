//! The first line, signals, and outputs that nobody reads.

use crate::harness::{Dialect, Log, Server, TestDatabase, run, segue, until};
use awc::Client;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io,
    process::{Child, Command, Stdio},
};

#[test]
fn the_first_line_says_what_runs_where() {
    run(async {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let mut database = TestDatabase::new(dialect);
            if dialect == Dialect::Postgres {
                database.url.push_str("&password=secret");
            }
            let mut command = segue(&database);
            command.args(["serve", "--listen", "127.0.0.1:0"]);
            let log = Log::of(&mut command, &database);
            let server = Server::run(command).await;
            let text = log.text();
            let first = text.lines().next().expect("a line");
            let (kind, folder) = match dialect {
                Dialect::Sqlite => ("database=sqlite:/", database.folder.path().display()),
                Dialect::Postgres => ("postgres:///", database.folder.path().display()),
            };
            let version = format!("segue starts version={}", env!("CARGO_PKG_VERSION"));
            for part in [" INFO ", &version, kind, &format!(" data_dir={folder}"), " listen=127.0.0.1:0"] {
                assert!(first.contains(part), "{part}: {first}");
            }
            assert!(!text.contains("secret"), "{text}");
            let bound = server.base.strip_prefix("http://").expect("HTTP");
            log.line("the port it was given", |line| line.contains(&format!("listening address={bound}"))).await;
        }
    });
}

#[test]
fn as_json_the_reason_for_the_end_is_a_line_of_the_log() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("it has one").to_string();
    let file = database.folder.path().join("json.toml");
    fs::write(&file, "log_format = \"json\"\nlisten = 7").expect("written");
    let file = file.to_str().expect("text");
    let json = &["--log-format", "json"][..];
    for (format, arguments, reason) in [
        (json, &["--listen", &taken][..], "cannot be listened on"),
        (json, &["--listen", &taken, "--log", "off"], "cannot be listened on"),
        (json, &["--listen", "nowhere", "--lease-ms", "1"], "\n  lease_ms is from 100"),
        (json, &["--config", "/nowhere.toml"], "the settings file /nowhere.toml cannot be read"),
        (json, &["--database-url", "sqlite:/proc/none/segue.db"], "the database /proc/none/segue.db cannot be used"),
        (&[], &["--config", file], "listen is a text in quotes"),
    ] {
        let output = segue(&database).arg("serve").args(format).args(arguments).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        let parsed = told.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {line}"))
        });
        let lines: Vec<Value> = parsed.collect();
        let last = lines.last().expect("it says why");
        assert_eq!((&last["level"], &last["target"]), (&json!("ERROR"), &json!("segue")), "{last}");
        assert!(last["time"].is_string(), "{last}");
        assert!(last["message"].as_str().is_some_and(|message| message.contains(reason)), "{last}");
    }
}

/// A child that is killed with its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().expect("the server is our child");
        self.0.wait().expect("a killed process ends");
    }
}

/// The end for writing of a pipe that nobody reads.
fn broken_pipe() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has it").into()
}

async fn answers(address: &str) -> bool {
    let asked = Client::default().get(format!("http://{address}/readyz")).send().await;
    asked.is_ok_and(|reply| reply.status() == 200)
}

#[test]
fn a_standard_output_that_takes_nothing_does_not_end_the_server() {
    run(async {
        let outputs: [fn() -> Stdio; 2] = [broken_pipe, full_disk];
        for output in outputs {
            let database = TestDatabase::new(Dialect::Sqlite);
            let mut command = segue(&database);
            command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(output());
            let log = Log::of(&mut command, &database);
            let mut server = Killed(command.spawn().expect("it starts"));
            let line = log.line("it listens", |line| line.contains("listening address=")).await;
            let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
            until("it answers", async || answers(address).await).await;
            assert!(server.0.try_wait().expect("it is our child").is_none(), "it runs on");
        }
    });
}

#[test]
fn a_standard_error_that_takes_nothing_does_not_end_the_server_either() {
    run(async {
        let outputs: [fn() -> Stdio; 2] = [broken_pipe, full_disk];
        for output in outputs {
            let database = TestDatabase::new(Dialect::Sqlite);
            let mut command = segue(&database);
            command.args(["serve", "--listen", "127.0.0.1:0", "--log", "debug", "--log-requests"]).stderr(output());
            let server = Server::run(command).await;
            for _ in 0..3 {
                assert_eq!(server.get("/v1/me").await.status, 401);
            }
            assert_eq!(server.get("/readyz").await.status, 200);
        }
    });
}

#[test]
fn a_hang_up_ends_nothing_and_is_logged() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let log = Log::of(&mut command, &database);
        let server = Server::run(command).await;
        server.signal("HUP");
        log.line("it is logged", |line| line.contains("SIGHUP: there is nothing to reload")).await;
        assert_eq!(server.get("/readyz").await.status, 200);
    });
}

#[test]
fn a_command_whose_output_is_not_read_fails_as_before() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let run = |output: Stdio| Command::status(segue(&database).arg("config").stdout(output)).expect("it runs");
    assert!(run(broken_pipe()).success(), "whoever reads has had enough");
    assert!(!run(full_disk()).success(), "what could not be written is no success");
}
