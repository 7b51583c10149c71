//! `segue device` as a process, against the real server with real files.

use crate::harness::{Device, Dialect, Server, TestDatabase, run, segue, silence};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A server with two tracks and an account.
struct Home {
    server: Server,
    database: TestDatabase,
    music: PathBuf,
}

impl Home {
    async fn new() -> Self {
        let database = TestDatabase::new(Dialect::Sqlite);
        let music = database.folder.path().join("music");
        fs::create_dir(&music).expect("a folder");
        for (name, length_s) in [("one", 20), ("two", 21)] {
            silence(&music.join(format!("{name}.wav")), length_s);
        }
        let scanned = segue(&database).arg("scan").arg("--music").arg(&music).output().expect("the program runs");
        assert!(scanned.status.success(), "{scanned:?}");
        let server = Server::start(&database).await;
        server.user(&database, "anna").await;
        Self { server, database, music }
    }

    fn command(&self, name: &str) -> Command {
        Device::command(&self.server.base, &self.database, "anna", name)
    }

    fn device(&self, name: &str) -> Device {
        Device::start(&self.server, &self.database, "anna", name)
    }

    /// Checks that the loaded bytes that a device reports are those of the file.
    fn is_whole(&self, title: &str, loaded: &Value) {
        let bytes = fs::read(self.music.join(format!("{title}.wav"))).expect("the file");
        let sha256 = segue::media::digest::Digest(Sha256::digest(&bytes).into()).to_string();
        assert_eq!((&loaded["sha256"], &loaded["bytes"]), (&Value::from(sha256), &Value::from(bytes.len())));
    }

    /// The id of the track with this title.
    async fn track(&self, title: &str) -> String {
        let login = self.server.log_in("anna", "anna-password").await;
        let page = login.get("/v1/tracks").await.json();
        let tracks = page["items"].as_array().expect("a page of tracks");
        let track = tracks.iter().find(|track| track["name"] == title).expect("the file is in the catalogue");
        track["id"].as_str().expect("an id").to_owned()
    }
}

fn any(_event: &Value) -> bool {
    true
}

/// A proxy to a server that discards the rest of the first track after some bytes, and keeps the connection open.
/// Returns its address.
fn swallowing(server: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let server = server.trim_start_matches("http://").to_owned();
    let is_first = Arc::new(AtomicBool::new(true));
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let far = TcpStream::connect(&server).expect("the server is there");
            let (from, to) = (near.try_clone().expect("a socket"), far.try_clone().expect("a socket"));
            let (swallows, is_first) = (Arc::new(AtomicBool::new(false)), is_first.clone());
            let asked = swallows.clone();
            thread::spawn(move || {
                carry(from, to, |bytes, _| {
                    let is_track = bytes.windows(7).any(|window| window == b"/stream");
                    asked.fetch_or(is_track && is_first.swap(false, Ordering::SeqCst), Ordering::SeqCst);
                    true
                });
            });
            thread::spawn(move || carry(far, near, |_, carried| carried < 100_000 || !swallows.load(Ordering::SeqCst)));
        }
    });
    address
}

/// Copies bytes from one socket to another until the end, those for which `passes` returns true.
fn carry(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8], usize) -> bool) {
    let (mut buffer, mut carried) = ([0; 16_384], 0);
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if passes(&buffer[..length], carried) && to.write_all(&buffer[..length]).is_err() {
            return;
        }
        carried += length;
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
fn a_device_that_cannot_start_prints_one_line_with_the_reason() {
    run(async {
        let home = Home::new().await;
        let wrong = home.command("Hall").env("SEGUE_PASSWORD", "a guess").output().expect("it runs");
        assert_fails(&wrong, "the name or the password is wrong");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let closed = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let nobody = Device::command(&closed, &home.database, "anna", "Hall").output().expect("it runs");
        assert_fails(&nobody, "cannot be reached");
        let mut running = home.device("Hall");
        running.event("welcome", any).await;
        assert_fails(&home.command("Hall").output().expect("it runs"), "runs already");
        let name = home.command(&"x".repeat(65)).output().expect("it runs");
        assert_fails(&name, "1 to 64 characters");
        // Bad arguments are refused by the parser with exit code 2.
        let other = Device::command("ftp://music.example", &home.database, "anna", "Hall").output().expect("it runs");
        let told = String::from_utf8_lossy(&other.stderr);
        assert!(other.status.code() == Some(2) && told.contains("http://HOST:PORT or https://HOST:PORT"), "{told}");
    });
}

#[test]
fn a_download_that_stalls_is_continued_by_a_new_request() {
    run(async {
        let home = Home::new().await;
        let way = swallowing(&home.server.base);
        let mut kitchen = Device::spawn(&mut Device::command(&way, &home.database, "anna", "Kitchen"));
        kitchen.event("welcome", any).await;
        kitchen.tell(&format!("play {}", home.track("one").await));
        let loaded = kitchen.event("audio", |event| event["state"] == "loaded").await;
        home.is_whole("one", &loaded);
    });
}

#[test]
fn a_track_is_played_from_standard_input_and_its_hash_is_right() {
    run(async {
        let home = Home::new().await;
        let (mut kitchen, mut phone) = (home.device("Kitchen"), home.device("Phone"));
        kitchen.event("welcome", any).await;
        phone.event("welcome", any).await;
        let track = home.track("one").await;
        kitchen.tell(&format!("play {track}"));
        let loaded = kitchen.event("audio", |event| event["state"] == "loaded").await;
        home.is_whole("one", &loaded);
        let seen = |event: &Value| event["status"] == "playing" && event["media_id"] == track.as_str();
        assert!(phone.event("position", seen).await["position_ms"].is_i64());

        let mark = kitchen.mark();
        phone.tell("seek 15000");
        let answer = phone.event("answered", |event| event["command"] == "seek 15000").await;
        assert_eq!(answer["accepted"], true, "{answer}");
        let is = |state: &'static str| move |event: &Value| event["event"] == "audio" && event["state"] == state;
        let sounding = kitchen.first(mark, "it sounds from there", is("sounding")).await.event;
        assert_eq!(sounding["position_ms"], 15_000);
        // The second download: now the server has a hash to compare with.
        let loaded = kitchen.first(mark, "the bytes come again", is("loaded")).await.event;
        assert_eq!(loaded["verified"], true);

        let mark = kitchen.mark();
        phone.tell("pause");
        kitchen.first(mark, "it is silent", is("silent")).await;
        phone.tell("transfer Phone play");
        phone.event("audio", |event| event["state"] == "sounding").await;
        for (line, told) in [("dance", "there is no command"), ("transfer Attic", "there is no device")] {
            phone.tell(line);
            let event = phone.event("error", any).await;
            assert!(event["message"].as_str().is_some_and(|message| message.contains(told)), "{event}");
        }
        phone.tell("play 00000000000000ff");
        let answer = phone.event("answered", |event| event["accepted"] == false).await;
        assert_eq!(answer["code"], "invalid", "{answer}");
        phone.tell("quit");
        assert!(phone.end().await.success());
        let alone = |event: &Value| event["devices"].as_array().is_some_and(|devices| devices.len() == 1);
        kitchen.event("devices", alone).await;
    });
}

#[test]
fn a_device_that_is_started_again_is_the_same_as_another_instance() {
    run(async {
        let home = Home::new().await;
        let mut device = home.device("Kitchen");
        let first = device.event("welcome", any).await;
        let level = |event: &Value| event["devices"][0]["volume"]["level"].clone();
        assert_eq!(level(&device.event("devices", any).await), 100);
        device.tell(&format!("play {}", home.track("one").await));
        device.event("audio", |audio| audio["state"] == "sounding").await;
        device.tell("volume 30");
        device.event("devices", |event| level(event) == 30).await;
        device.signal("TERM");
        assert!(device.end().await.success(), "it says farewell and ends well");
        let mut device = home.device("Kitchen");
        let second = device.event("welcome", any).await;
        assert_eq!(first["device_id"], second["device_id"]);
        assert_ne!(first["instance"], second["instance"]);
        assert_eq!(level(&device.event("devices", any).await), 30, "it is no louder than it was");
        let mut other = home.device("Hall");
        assert_ne!(other.event("welcome", any).await["device_id"], first["device_id"]);
    });
}

#[test]
fn the_end_of_standard_input_ends_it_only_with_the_option() {
    run(async {
        let home = Home::new().await;
        let mut device = Device::spawn(home.command("Kitchen").arg("--exit-with-stdin"));
        device.event("welcome", any).await;
        device.close_input();
        assert!(device.end().await.success());
        let mut stays = home.device("Hall");
        stays.event("welcome", any).await;
        stays.close_input();
        for _ in 0..5 {
            stays.event("position", any).await;
        }
    });
}

#[test]
fn a_lost_connection_to_the_server_is_shown_and_restored() {
    run(async {
        let home = Home::new().await;
        let mut device = home.device("Kitchen");
        let first = device.event("welcome", any).await;
        let Home { database, server, .. } = home;
        let address = server.base.trim_start_matches("http://").to_owned();
        drop(server);
        let down = device.event("link", |event| event["state"] == "down").await;
        assert!(down["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{down}");
        let _server = Server::start_at(&database, &address, &[]).await;
        assert_eq!(device.event("welcome", any).await["device_id"], first["device_id"]);
    });
}
