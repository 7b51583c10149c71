//! Playback sync with real processes: the server, a folder of music, devices that are stopped and killed.

use crate::harness::{Printed, Server, run};
use crate::house::{House, MUSIC, is_quiet, is_shown, kind, lists, positions, same_place, say, took};
use serde_json::Value;
use std::time::{Duration, Instant};

#[test]
fn actions_of_one_device_are_shown_by_the_others() {
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

        // The server is killed during a track: all devices reconnect, and acknowledged changes are still there.
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
fn t50_a_killed_device_is_away_at_once_with_its_last_position() {
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

/// A stopped process keeps its socket open: the server can only notice that its heartbeats are missing.
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
fn t50_a_stopped_device_is_detected_by_missing_heartbeats() {
    run(a_stopped_device_is_missed(2_000));
}

/// A sleeping machine is simulated by a stopped process: it sends nothing, and its sockets stay open.
#[test]
fn t57_a_machine_that_wakes_up_reconnects_at_once_and_changes_nothing() {
    run(async {
        let house = House::open(200).await;
        let (mut kitchen, mut phone) = (house.device("anna", "Kitchen"), house.device("anna", "Phone"));
        phone.first(0, "both are there", |event| lists(event, "Kitchen", Some("online"))).await;
        kitchen.tell(&format!("play {}", house.tracks[..3].join(" ")));
        phone.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
        let mark = phone.mark();
        kitchen.signal("STOP");
        phone.first(mark, "it has left the list", |event| lists(event, "Kitchen", None)).await;
        phone.tell("play");
        let here = phone.first(mark, "the phone plays", |event| is_shown(event, "status", "playing")).await;
        let here = |field: &str| here.event["playback"][field].clone();

        let (asleep, mark, woken) = (kitchen.mark(), phone.mark(), Instant::now());
        kitchen.signal("CONT");
        let back = kitchen.first(asleep, "it is back", |event| kind(event) == "welcome").await;
        took(&kitchen, asleep, woken, &back, Duration::from_secs(5), "back after a sleep");
        let is_silent = |event: &Value| kind(event) == "audio" && event["state"] == "silent";
        kitchen.first(asleep, "it is silent", is_silent).await;
        phone.first(mark, "it is listed", |event| lists(event, "Kitchen", Some("online"))).await;
        same_place(&kitchen, &phone, "after a sleep").await;
        for Printed { event, .. } in &phone.printed()[mark..] {
            if kind(event) == "devices" {
                assert!(lists(event, "Kitchen", Some("online")) && lists(event, "Phone", Some("online")), "{event}");
            }
            if kind(event) == "playback" {
                let (active, item) = (&event["playback"]["active"], &event["playback"]["item"]);
                assert_eq!((active, item), (&here("active"), &here("item")), "the music is left alone");
                assert_eq!(event["playback"]["status"], "playing");
            }
        }
    });
}

#[test]
fn a_shorter_heartbeat_interval_detects_it_sooner() {
    run(a_stopped_device_is_missed(200));
}
