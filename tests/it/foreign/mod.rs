//! A client that was written from `actors/PROTOCOL.md` alone, in Python (`client.py`), beside `segue device`: they list
//! each other, transfer to and fro, set each other's volumes, and go on over a kill of the server.

mod chaos;

use crate::{
    harness::{Device, Dialect, Server, TestDatabase, python, run, segue, silence, until},
    house::{is_shown, kind, lists},
};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/foreign/client.py");

/// The command of the client. It keeps its id and volume in a file beside the database.
fn client(server: &Server, database: &TestDatabase) -> Command {
    client_at(server, "Foreign", &database.folder.path().join("foreign.json"))
}

/// The command of a client of this name, which keeps its id and volume in the file `state`. It ends with this test.
fn client_at(server: &Server, name: &str, state: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(python().get_program()).arg(CLIENT);
    command.args([&server.base, "anna", name]).arg(state).env("SEGUE_PASSWORD", "anna-password");
    command
}

/// A server with two tracks of 200 s, and their ids.
async fn with_music(database: &TestDatabase) -> (Server, Vec<String>) {
    let music = database.folder.path().join("music");
    std::fs::create_dir(&music).expect("a folder");
    for name in ["one.wav", "two.wav"] {
        silence(&music.join(name), 200);
    }
    let server = start(database, "127.0.0.1:0").await;
    let mut tracks = Vec::new();
    {
        let anna = server.user(database, "anna").await;
        until("the music is in the catalogue", async || {
            let page = anna.get("/v1/tracks").await.json();
            let items = page["items"].as_array().cloned().unwrap_or_default();
            tracks = items.iter().filter_map(|track| track["id"].as_str().map(str::to_owned)).collect();
            tracks.len() == 2
        })
        .await;
    }
    (server, tracks)
}

async fn start(database: &TestDatabase, address: &str) -> Server {
    let mut command = segue(database);
    command.args(["serve", "--listen", address, "--music"]).arg(database.folder.path().join("music"));
    Server::run(command).await
}

fn tell(device: &mut Device, said: &Value) {
    device.tell(&said.to_string());
}

/// Waits for the first device list after `mark` whose entry of this name is as described.
async fn listed(device: &Device, mark: usize, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let entry = |event: &Value| {
        let devices = event["devices"].as_array().filter(|_| kind(event) == "devices")?;
        devices.iter().find(|device| device["name"] == name).cloned()
    };
    let found = device.first(mark, name, |event| entry(event).is_some_and(|entry| holds(&entry))).await;
    entry(&found.event).expect("it was found")
}

/// Whether a device of ours was shown that `active` plays.
fn plays(event: &Value, active: &Value) -> bool {
    is_shown(event, "status", "playing") && event["playback"]["active"]["device_id"] == *active
}

#[test]
fn a_client_written_from_the_page_works_beside_our_device() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (mut server, tracks) = with_music(&database).await;
        let mut kitchen = Device::start(&server, &database, "anna", "Kitchen");
        let mut foreign = Device::spawn(&mut client(&server, &database));

        // Presence.
        let id = foreign.event("welcome", |_| true).await["device_id"].clone();
        let (online, any) = (|device: &Value| device["presence"] == "online", |_: &Value| true);
        listed(&kitchen, 0, "Foreign", online).await;
        let kitchen_id = listed(&foreign, 0, "Kitchen", online).await["id"].clone();

        // It plays, and our device shows that.
        tell(&mut foreign, &json!({"op": "play", "tracks": tracks, "start": 1, "position_ms": 30_000}));
        let answer = foreign.event("answered", any).await;
        assert!(answer["revision"].is_u64(), "{answer}");
        let begins = |event: &Value| event["media_id"] == *tracks[1] && event["position_ms"] == 30_000;
        foreign.first(0, "Foreign sounds", |event| kind(event) == "sounds" && begins(event)).await;
        kitchen.first(0, "Foreign plays", |event| plays(event, &id)).await;

        // To our device and back, by a switch at an instant: the source sounds until then.
        let (there, back) = (kitchen.mark(), foreign.mark());
        tell(&mut foreign, &json!({"op": "transfer", "to": kitchen_id}));
        let switched = kitchen.first(there, "Kitchen plays", |event| plays(event, &kitchen_id)).await.event;
        assert_eq!(switched["playback"]["active"]["source"], id, "{switched}");
        foreign.first(back, "Foreign is silent", |event| kind(event) == "silent").await;
        kitchen.first(there, "Kitchen sounds", |event| event["state"] == "sounding").await;
        let (there, back) = (kitchen.mark(), foreign.mark());
        kitchen.tell("transfer Foreign");
        let switched = kitchen.first(there, "Foreign plays again", |event| plays(event, &id)).await.event;
        assert_eq!(switched["playback"]["active"]["source"], kitchen_id, "{switched}");
        kitchen.first(there, "Kitchen is silent", |event| event["state"] == "silent").await;
        let sounds = foreign.first(back, "Foreign sounds again", |event| kind(event) == "sounds").await.event;
        assert!(sounds["position_ms"].as_i64() > Some(30_000), "{sounds}");

        // Volume, from afar and on the device itself.
        kitchen.tell("volume 31");
        foreign.event("volume", |event| event["level"] == 31 && event["version"] == 1).await;
        tell(&mut foreign, &json!({"do": "volume", "level": 32}));
        let is_32 = |device: &Value| device["volume"]["level"] == 32 && device["volume"]["version"] == 1;
        listed(&kitchen, 0, "Foreign", is_32).await;

        // A connection that breaks, without a word.
        let (mark, there) = (foreign.mark(), kitchen.mark());
        tell(&mut foreign, &json!({"do": "cut"}));
        foreign.first(mark, "Foreign is back", |event| kind(event) == "welcome").await;
        kitchen.first(there, "Foreign plays on", |event| plays(event, &id)).await;

        // The server is killed under a command: it is sent again, and counts once. The sound goes on meanwhile.
        let (mark, there) = (foreign.mark(), kitchen.mark());
        server.signal("STOP");
        tell(&mut foreign, &json!({"op": "volume", "device_id": id, "delta": 1}));
        server.signal("KILL");
        server.wait();
        foreign.first(mark, "its socket has ended", |event| kind(event) == "closed").await;
        let address = server.base.trim_start_matches("http://").to_owned();
        let server = start(&database, &address).await;
        let answer = foreign.first(mark, "an answer", |event| kind(event) == "answered").await.event;
        assert!(answer["revision"].is_u64(), "{answer}");
        let is_33 = |device: &Value| device["volume"]["level"] == 33;
        assert_eq!(listed(&kitchen, there, "Foreign", is_33).await["volume"]["version"], 2, "it counts once");
        foreign
            .first(mark, "the volume of the command", |event| kind(event) == "volume" && event["version"] == 2)
            .await;
        kitchen.first(there, "Foreign plays on", |event| plays(event, &id)).await;
        let begun = foreign.printed().split_off(mark).into_iter().filter(|line| kind(&line.event) == "sounds").count();
        assert_eq!(begun, 0, "it has not begun anew");

        // It leaves, and is back as the device that it was, with its volume.
        let there = kitchen.mark();
        foreign.close_input();
        kitchen.first(there, "Foreign has left", |event| lists(event, "Foreign", None)).await;
        assert!(foreign.end().await.success());
        let there = kitchen.mark();
        let mut again = Device::spawn(&mut client(&server, &database));
        assert_eq!(again.event("welcome", any).await["device_id"], id);
        assert_eq!(listed(&kitchen, there, "Foreign", online).await["volume"]["version"], 2, "a version never falls");
    });
}
