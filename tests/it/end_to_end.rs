//! The main job with everything real: the server, a folder of music, devices as processes that are stopped and killed.
//!
//! Bounds in milliseconds are asserted over quiet samples only: those whose witness, a 5 ms timer in the process that
//! printed them, was late by less than 20 ms. Each test prints how many there were.

use crate::harness::{Device, Dialect, Printed, Server, TestDatabase, run, until};
use serde_json::Value;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Debian's `wesnoth-1.16-music`.
const MUSIC: &str = "/usr/share/games/wesnoth/1.16/data/core/music";
/// A witness later than this saw nothing.
const QUIET_MS: u64 = 20;

/// A server with music, the ids of some long tracks of it, and the devices of two users.
struct House {
    server: Server,
    database: TestDatabase,
    tracks: Vec<String>,
}

impl House {
    async fn open(heartbeat_ms: u32) -> Self {
        let database = TestDatabase::new(Dialect::Sqlite);
        let heartbeat = heartbeat_ms.to_string();
        let server = Server::start_with(&database, &["--music", MUSIC, "--heartbeat-ms", &heartbeat]).await;
        let mut tracks = Vec::new();
        {
            let anna = server.user(&database, "anna").await;
            server.user(&database, "bert").await;
            until("the music is in the catalogue", async || {
                let page = anna.get("/v1/tracks?limit=50").await.json();
                let items = page["items"].as_array().cloned().unwrap_or_default();
                let long = |track: &&Value| track["duration_ms"].as_i64().is_some_and(|ms| ms > 120_000);
                tracks = items.iter().filter(long).filter_map(|track| Some(track["id"].as_str()?.to_owned())).collect();
                tracks.len() >= 10
            })
            .await;
        }
        Self { server, database, tracks }
    }

    fn device(&self, user: &str, name: &str) -> Device {
        Device::start(&self.server, &self.database, user, name)
    }
}

/// What was measured, for whoever reads the test's output.
fn say(line: &str) {
    // Nobody need be reading.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn kind(event: &Value) -> &str {
    event["event"].as_str().unwrap_or_default()
}

fn is_shown(event: &Value, field: &str, value: &str) -> bool {
    kind(event) == "playback" && event["playback"][field] == value
}

/// Whether a device list shows the named device so; `None` stands for not at all.
fn lists(event: &Value, name: &str, presence: Option<&str>) -> bool {
    let devices = event["devices"].as_array().filter(|_| kind(event) == "devices");
    devices.is_some_and(|devices| {
        let listed = devices.iter().find(|device| device["name"] == name);
        listed.and_then(|device| device["presence"].as_str()) == presence
    })
}

fn positions(printed: &[Printed]) -> Vec<&Printed> {
    printed.iter().filter(|line| kind(&line.event) == "position").collect()
}

fn is_quiet(sample: &Value) -> bool {
    sample["late_ms"].as_u64().is_some_and(|late| late < QUIET_MS)
}

/// Where a playing sample would be at server time 0: samples of one track differ by how far screens are apart.
fn phase_ms(sample: &Value) -> Option<i64> {
    let playing = sample["status"] == "playing";
    let (server_us, position_ms) = (sample["server_us"].as_i64()?, sample["position_ms"].as_i64()?);
    playing.then_some(position_ms - server_us / 1000)
}

/// Two devices show the same place: compares quiet samples of the same instant until there are enough.
async fn same_place(one: &Device, other: &Device, what: &str) {
    let (from_one, from_other) = (one.mark(), other.mark());
    let (started, wanted) = (Instant::now(), 20);
    let mut compared = Vec::new();
    while compared.len() < wanted && started.elapsed() < Duration::from_secs(20) {
        assert!(one.more_than(one.mark()).await, "{what}: a device has ended");
        compared.clear();
        let (ones, others) = (one.printed(), other.printed());
        for sample in positions(&ones[from_one..]).into_iter().filter(|sample| is_quiet(&sample.event)) {
            let at = sample.event["server_us"].as_i64().unwrap_or_default();
            let same = positions(&others[from_other..]).into_iter().find(|twin| {
                let apart_us = (twin.event["server_us"].as_i64().unwrap_or_default() - at).abs();
                is_quiet(&twin.event) && apart_us < 60_000 && twin.event["item"] == sample.event["item"]
            });
            if let Some((mine, theirs)) = same.and_then(|twin| Some((phase_ms(&sample.event)?, phase_ms(&twin.event)?)))
            {
                compared.push((mine - theirs).abs());
            }
        }
    }
    let worst = compared.iter().max().copied().unwrap_or_default();
    say(&format!("{what}: {} quiet samples, at worst {worst} ms apart", compared.len()));
    assert!(worst <= 50, "{what}: the screens are {worst} ms apart");
}

/// How long after `since` a line was printed. It is a bound only where the printing device was quiet.
fn took(device: &Device, mark: usize, since: Instant, line: &Printed, within: Duration, what: &str) {
    let took = line.at.duration_since(since);
    let all = device.printed();
    let loud = positions(&all[mark..]).iter().filter(|sample| !is_quiet(&sample.event)).count();
    say(&format!("{what}: {} ms, {loud} loud samples", took.as_millis()));
    if loud == 0 {
        assert!(took <= within, "{what}: {took:?}");
    }
}

#[test]
fn what_one_device_does_the_others_show() {
    run(async {
        let mut house = House::open(2_000).await;
        let (mut kitchen, mut phone) = (house.device("anna", "Kitchen"), house.device("anna", "Phone"));
        let desk = house.device("anna", "Desk");
        let garden = house.device("bert", "Garden");
        garden.first(0, "the other user is welcomed", |event| kind(event) == "welcome").await;
        phone.first(0, "all three are there", |event| lists(event, "Kitchen", Some("online"))).await;
        desk.first(0, "the desk is welcomed", |event| kind(event) == "welcome").await;

        kitchen.tell(&format!("play {}", house.tracks[..5].join(" ")));
        for device in [&kitchen, &phone, &desk] {
            device.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
        }
        kitchen
            .first(0, "the bytes came and are right", |event| kind(event) == "audio" && event["state"] == "loaded")
            .await;
        same_place(&kitchen, &phone, "after play").await;
        same_place(&phone, &desk, "between two that only show").await;

        let mark = desk.mark();
        phone.tell("seek 60000");
        desk.first(mark, "the seek", |event| {
            is_shown(event, "status", "playing") && event["playback"]["position_ms"].as_i64() >= Some(60_000)
        })
        .await;
        same_place(&kitchen, &desk, "after a seek").await;

        let mark = desk.mark();
        phone.tell("pause");
        desk.first(mark, "the pause", |event| is_shown(event, "status", "paused")).await;
        let mark = desk.mark();
        phone.tell("next");
        phone.tell("play");
        desk.first(mark, "the next track", |event| {
            is_shown(event, "status", "playing") && event["playback"]["item"]["media_id"] == house.tracks[1].as_str()
        })
        .await;
        same_place(&kitchen, &desk, "after next").await;

        let mark = desk.mark();
        phone.tell("transfer Phone");
        desk.first(mark, "the music has moved", |event| {
            is_shown(event, "status", "playing")
                && event["playback"]["after"].as_array().is_some_and(Vec::is_empty)
                && event["playback"]["active"] != Value::Null
        })
        .await;
        same_place(&phone, &desk, "after a transfer").await;

        // The server is killed in mid-track: everybody is back by themselves, and what was acknowledged is there.
        let mark = phone.mark();
        phone.tell("repeat all");
        phone.first(mark, "the ack", |event| kind(event) == "answered" && event["accepted"] == true).await;
        let address = house.server.base.trim_start_matches("http://").to_owned();
        let (back, back_desk, back_kitchen) = (phone.mark(), desk.mark(), kitchen.mark());
        house.server.signal("KILL");
        house.server.wait();
        house.server = Server::start_at(&house.database, &address, &["--music", MUSIC]).await;
        for (device, mark) in [(&phone, back), (&desk, back_desk), (&kitchen, back_kitchen)] {
            device.first(mark, "it is back", |event| kind(event) == "welcome").await;
            device
                .first(mark, "it plays on and repeat is kept", |event| {
                    is_shown(event, "status", "playing") && event["playback"]["repeat"] == "all"
                })
                .await;
        }
        same_place(&phone, &desk, "after a restart of the server").await;

        let seen = garden.printed();
        let leaked = seen.iter().any(|line| {
            lists(&line.event, "Kitchen", Some("online"))
                || (kind(&line.event) == "playback" && line.event["playback"]["item"] != Value::Null)
        });
        assert!(!leaked, "the other user saw something of it");
    });
}

#[test]
fn a_killed_device_is_away_at_once_and_frozen_where_it_was() {
    run(async {
        let house = House::open(2_000).await;
        let (mut kitchen, phone) = (house.device("anna", "Kitchen"), house.device("anna", "Phone"));
        phone.first(0, "both are there", |event| lists(event, "Kitchen", Some("online"))).await;
        kitchen.tell(&format!("play {}", house.tracks[..3].join(" ")));
        phone.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
        same_place(&kitchen, &phone, "before the kill").await;

        let (mark, killed) = (phone.mark(), Instant::now());
        kitchen.signal("KILL");
        let lost = phone.first(mark, "it is lost", |event| is_shown(event, "status", "lost")).await;
        let away = phone.first(mark, "it is away", |event| lists(event, "Kitchen", Some("away"))).await;
        took(&phone, mark, killed, &away, Duration::from_secs(1), "away");
        let printed = kitchen.printed();
        let newest = &positions(&printed).last().expect("it printed where it was").event;
        let apart_ms = (lost.event["playback"]["position_ms"].as_i64().unwrap_or_default()
            - newest["position_ms"].as_i64().unwrap_or_default())
        .abs();
        say(&format!("frozen {apart_ms} ms from the last place it printed, quiet: {}", is_quiet(newest)));
        if is_quiet(newest) {
            assert!(apart_ms <= 250, "{apart_ms} ms");
        }
        let gone = phone.first(mark, "it is gone", |event| lists(event, "Kitchen", None)).await;
        took(&phone, mark, killed, &gone, Duration::from_secs(11), "gone");
        let frozen = positions(&phone.printed()[mark..]).last().map(|line| line.event["position_ms"].clone());
        assert_eq!(frozen.as_ref(), Some(&lost.event["playback"]["position_ms"]), "the place stays");
    });
}

/// A stopped process keeps its socket open: only its silence tells.
async fn a_stopped_device_is_missed(heartbeat_ms: u32) {
    let heartbeat = Duration::from_millis(u64::from(heartbeat_ms));
    let house = House::open(heartbeat_ms).await;
    let (mut kitchen, phone) = (house.device("anna", "Kitchen"), house.device("anna", "Phone"));
    let idle = house.device("anna", "Idle");
    idle.first(0, "it is welcomed", |event| kind(event) == "welcome").await;
    phone.first(0, "all are there", |event| lists(event, "Kitchen", Some("online"))).await;
    kitchen.tell(&format!("play {}", house.tracks[..3].join(" ")));
    phone.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
    same_place(&kitchen, &phone, "before the stop").await;

    let (mark, stopped) = (phone.mark(), Instant::now());
    idle.signal("STOP");
    kitchen.signal("STOP");
    let printed = kitchen.printed();
    let last_ms = positions(&printed).last().and_then(|line| line.event["position_ms"].as_i64()).unwrap_or_default();
    let lost = phone.first(mark, "it is lost", |event| is_shown(event, "status", "lost")).await;
    took(&phone, mark, stopped, &lost, heartbeat * 3, "lost by heartbeats alone");
    let frozen_ms = lost.event["playback"]["position_ms"].as_i64().unwrap_or_default();
    say(&format!("last printed {last_ms} ms, frozen at {frozen_ms} ms"));
    assert!(frozen_ms <= last_ms + 250, "never beyond its last sign of life");
    let oldest_ms = last_ms - i64::from(heartbeat_ms) - 1_000;
    assert!(frozen_ms >= oldest_ms, "and no further back than a heartbeat");
    let gone = phone.first(mark, "it is gone", |event| lists(event, "Kitchen", None)).await;
    took(&phone, mark, stopped, &gone, heartbeat * 8, "gone");
    let dropped = phone
        .first(mark, "the idle one is missed", |event| {
            !lists(event, "Idle", Some("online")) && kind(event) == "devices"
        })
        .await;
    took(&phone, mark, stopped, &dropped, Duration::from_millis(u64::from(heartbeat_ms) * 65 / 2), "idle dropped");
}

#[test]
fn a_stopped_device_is_missed_by_heartbeats() {
    run(a_stopped_device_is_missed(2_000));
}

#[test]
fn a_shorter_heartbeat_scales_all_of_it() {
    run(a_stopped_device_is_missed(200));
}
