//! `segue device` as a person or a program runs it, against the real server with real files.

use crate::harness::{Dialect, Server, TestDatabase, run, segue};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
};

/// Lines that are read at most until the wanted one comes.
const LINES: usize = 2_000;
/// Length of the tracks, in seconds.
const TRACK_S: u32 = 20;

/// A server with two tracks and an account.
struct Home {
    database: TestDatabase,
    server: Server,
    music: PathBuf,
}

impl Home {
    async fn new() -> Self {
        let database = TestDatabase::new(Dialect::Sqlite);
        let music = database.folder.path().join("music");
        fs::create_dir(&music).expect("a folder");
        for (name, level) in [("one", 100), ("two", 200)] {
            write_wav(&music.join(format!("{name}.wav")), level);
        }
        let scanned = segue(&database).arg("scan").arg("--music").arg(&music).output().expect("the program runs");
        assert!(scanned.status.success(), "{scanned:?}");
        let server = Server::start(&database).await;
        server.user(&database, "anna").await;
        Self { database, server, music }
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = segue(&self.database);
        command.args(["device", "--json", "--server", &self.server.base, "--user", "anna", "--name", name]);
        command.args(arguments).env("SEGUE_PASSWORD", "anna-password");
        command.env("XDG_STATE_HOME", self.database.folder.path().join("state"));
        command
    }

    fn device(&self, name: &str) -> Device {
        Device::start(&mut self.command(name, &[]))
    }

    /// The id of the track of that file.
    fn track(&self, title: &str) -> String {
        let sql = format!("SELECT printf('%016x', id) FROM tracks WHERE title = '{title}'");
        let path = self.database.folder.path().join("segue.db");
        let script = "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])";
        let output = Command::new("python3").args(["-c", script]).arg(path).arg(sql).output().expect("python3 runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("an id").trim().to_owned()
    }
}

/// Silence of a level: 8 kHz, 8 bit, mono.
fn write_wav(path: &Path, level: u8) {
    let format =
        hound::WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 8, sample_format: hound::SampleFormat::Int };
    let mut file = hound::WavWriter::create(path, format).expect("a file");
    for _ in 0..TRACK_S * 8_000 {
        file.write_sample(i32::from(level) - 128).expect("a sample");
    }
    file.finalize().expect("a whole file");
}

/// A device that runs; killed when dropped.
struct Device {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Device {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the device starts");
        let input = child.stdin.take().expect("its input is piped");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        Self { child, input, output }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("the device listens");
    }

    /// The next event; none when the device has ended.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let bytes = self.output.read_line(&mut line).expect("the device writes UTF-8");
        (bytes > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// The next event of that name for which it holds.
    #[track_caller]
    fn event(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..LINES {
            let event = self.next().unwrap_or_else(|| panic!("it ended before {name}"));
            if event["event"] == name && holds(&event) {
                return event;
            }
        }
        panic!("{name} never came");
    }

    #[track_caller]
    fn audio(&mut self, state: &str) -> Value {
        self.event("audio", |event| event["state"] == state)
    }

    #[track_caller]
    fn welcome(&mut self) -> Value {
        self.event("welcome", |_| true)
    }

    /// Whether it ended with success; what it still says is read.
    fn end(&mut self) -> bool {
        while self.next().is_some() {}
        self.child.wait().expect("the device is our child").success()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "the signal was not delivered");
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        self.child.wait().expect("the device is our child");
    }
}

#[track_caller]
fn assert_fails(output: &Output, told: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(told), "{text}");
}

#[test]
fn what_keeps_it_from_starting_is_one_clear_line() {
    run(async {
        let home = Home::new().await;
        let wrong = home.command("Hall", &[]).env("SEGUE_PASSWORD", "a guess").output().expect("it runs");
        assert_fails(&wrong, "the name or the password is wrong");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let closed = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let mut nobody = segue(&home.database);
        nobody.args(["device", "--json", "--user", "anna", "--server", &closed]).env("SEGUE_PASSWORD", "x");
        nobody.env("XDG_STATE_HOME", home.database.folder.path());
        assert_fails(&nobody.output().expect("it runs"), "cannot be reached");
        let mut running = home.device("Hall");
        running.welcome();
        assert_fails(&home.command("Hall", &[]).output().expect("it runs"), "runs already");
        let name = home.command(&"x".repeat(65), &[]).output().expect("it runs");
        assert_fails(&name, "1 to 64 characters");
        // What the arguments say is checked by the parser, which has an exit code of its own.
        let mut secure = segue(&home.database);
        secure.args(["device", "--json", "--user", "anna", "--server", "https://music.example"]);
        let secure = secure.env("SEGUE_PASSWORD", "x").output().expect("it runs");
        let told = String::from_utf8_lossy(&secure.stderr);
        assert!(!secure.status.success() && told.contains("speaks http only"), "{told}");
    });
}

#[test]
fn a_track_is_played_from_standard_input_and_its_hash_is_right() {
    run(async {
        let home = Home::new().await;
        let (mut kitchen, mut phone) = (home.device("Kitchen"), home.device("Phone"));
        kitchen.welcome();
        phone.welcome();
        let track = home.track("one");
        kitchen.say(&format!("play {track}"));
        let loaded = kitchen.audio("loaded");
        let bytes = fs::read(home.music.join("one.wav")).expect("the file");
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&loaded["sha256"], &loaded["bytes"]), (&Value::from(sha256), &Value::from(bytes.len())));
        let seen = |event: &Value| event["status"] == "playing" && event["media_id"] == track.as_str();
        assert!(phone.event("position", seen)["position_ms"].is_i64());

        phone.say("seek 15000");
        let answer = phone.event("answered", |event| event["command"] == "seek 15000");
        assert_eq!(answer["accepted"], true, "{answer}");
        assert_eq!(kitchen.audio("sounding")["position_ms"], 15_000);
        // The same bytes once more: now there is something to compare them with.
        assert_eq!(kitchen.audio("loaded")["verified"], true);

        phone.say("pause");
        kitchen.audio("silent");
        phone.say("transfer Phone play");
        phone.audio("sounding");
        for (line, told) in [("dance", "there is no command"), ("transfer Attic", "there is no device")] {
            phone.say(line);
            let event = phone.event("error", |_| true);
            assert!(event["message"].as_str().is_some_and(|message| message.contains(told)), "{event}");
        }
        phone.say("play 00000000000000ff");
        let answer = phone.event("answered", |event| event["accepted"] == false);
        assert_eq!(answer["code"], "invalid", "{answer}");
        phone.say("quit");
        assert!(phone.end());
        let alone = |event: &Value| event["devices"].as_array().is_some_and(|devices| devices.len() == 1);
        kitchen.event("devices", alone);
    });
}

#[test]
fn a_device_that_is_started_again_is_the_same_in_another_life() {
    run(async {
        let home = Home::new().await;
        let mut device = home.device("Kitchen");
        let first = device.welcome();
        device.signal("TERM");
        assert!(device.end(), "it says farewell and ends well");
        let mut device = home.device("Kitchen");
        let second = device.welcome();
        assert_eq!(first["device_id"], second["device_id"]);
        assert_ne!(first["instance"], second["instance"]);
        let mut other = home.device("Hall");
        assert_ne!(other.welcome()["device_id"], first["device_id"]);
    });
}

#[test]
fn the_end_of_standard_input_ends_it_only_when_asked_to() {
    run(async {
        let home = Home::new().await;
        let mut device = Device::start(&mut home.command("Kitchen", &["--exit-with-stdin"]));
        device.welcome();
        let closed = Command::new("true").stdin(Stdio::piped()).spawn().expect("it runs").stdin.take();
        drop(std::mem::replace(&mut device.input, closed.expect("its input is piped")));
        assert!(device.end());
        let mut stays = home.command("Hall", &[]);
        stays.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = stays.spawn().expect("the device starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let samples = lines.by_ref().filter(|line| line.as_ref().is_ok_and(|line| line.contains("\"position\"")));
        assert_eq!(samples.take(5).count(), 5, "it goes on");
        child.kill().expect("it is our child");
        child.wait().expect("a killed process ends");
    });
}

#[test]
fn a_server_that_is_lost_is_shown_and_found_again() {
    run(async {
        let home = Home::new().await;
        let mut device = home.device("Kitchen");
        let first = device.welcome();
        let port = home.server.base.rsplit(':').next().expect("a port").to_owned();
        let Home { database, server, .. } = home;
        drop(server);
        let down = device.event("link", |event| event["state"] == "down");
        assert!(down["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{down}");
        let _server = Server::start_with(&database, &["--listen", &format!("127.0.0.1:{port}")]).await;
        assert_eq!(device.welcome()["device_id"], first["device_id"]);
    });
}
