//! Devices on bad networks: cut off, delayed, with another address, without reading.

use super::{Far, SERVER, is_inside};
use crate::harness::{Device, Printed, run};
use crate::house::{House, is_quiet, is_shown, kind, lists, positions, same_place, say, took};
use segue_client::protocol::close::CloseReason;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// The number of devices that read nothing.
const DEAF_ONES: usize = 24;

async fn house() -> House {
    House::open_at(&format!("{SERVER}:0"), 2_000).await
}

async fn welcomed(device: &Device) {
    device.first(0, "it is welcomed", |event| kind(event) == "welcome").await;
}

/// Waits until a device has printed `lines` more lines; it prints ten a second.
async fn pass(device: &Device, lines: usize) {
    let until = device.mark() + lines;
    while device.mark() < until {
        assert!(device.more_than(device.mark()).await, "it has ended");
    }
}

/// A device's estimate of the server's clock minus this machine's clock, and its error bound, in microseconds.
fn clock(sample: &Value) -> Option<(i64, i64)> {
    let (server_us, wall_us) = (sample["server_us"].as_i64()?, sample["wall_us"].as_i64()?);
    Some((server_us - wall_us, sample["bound_us"].as_i64()?))
}

#[test]
fn t06_a_device_that_was_cut_off_for_30_s_is_silent_as_soon_as_it_learns_of_the_other() {
    if !is_inside("t06_a_device_that_was_cut_off_for_30_s_is_silent_as_soon_as_it_learns_of_the_other") {
        return;
    }
    run(async {
        let mut far = Far::new(6);
        let house = house().await;
        let mut phone = house.device("anna", "Phone");
        let mut kitchen = far.device(&house, "Kitchen", &[]);
        welcomed(&kitchen).await;
        phone.first(0, "both are there", |event| lists(event, "Kitchen", Some("online"))).await;
        kitchen.tell(&format!("play {}", house.tracks[..3].join(" ")));
        phone.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
        kitchen.first(0, "it has all of it", |event| kind(event) == "audio" && event["state"] == "loaded").await;

        let seen = phone.mark();
        far.network("cut");
        phone.first(seen, "it is lost", |event| is_shown(event, "status", "lost")).await;
        phone.tell("play");
        phone.first(seen, "the phone plays", |event| is_shown(event, "status", "playing")).await;
        pass(&phone, 300).await;
        let sounds = |event: &Value| (kind(event) == "audio").then(|| event["state"].clone());
        let last =
            kitchen.printed().iter().rev().find_map(|line| sounds(&line.event).filter(|state| state != "loaded"));
        assert_eq!(last, Some(json!("sounding")), "it plays on alone");

        let (seen, mark) = (phone.mark(), kitchen.mark());
        far.network("mend");
        let back = kitchen.first(mark, "it is back", |event| kind(event) == "welcome").await;
        let silent = kitchen.first(mark, "it is silent", |event| sounds(event) == Some(json!("silent"))).await;
        took(&kitchen, mark, back.at, &silent, Duration::from_millis(100), "silent after its welcome");
        same_place(&kitchen, &phone, "after the cable is back").await;
        let printed = phone.printed();
        let (before, since) = printed.split_at(seen);
        let active =
            |line: &Printed| (kind(&line.event) == "playback").then(|| line.event["playback"]["active"].clone());
        let holder = before.iter().rev().find_map(active);
        let taken: Vec<_> = since.iter().filter_map(active).filter(|active| Some(active) != holder.as_ref()).collect();
        assert!(taken.is_empty(), "what it says of its own counts for nothing: {taken:?}");
    });
}

#[test]
fn t20_the_clocks_error_bound_holds_on_an_asymmetric_path_with_jitter() {
    if !is_inside("t20_the_clocks_error_bound_holds_on_an_asymmetric_path_with_jitter") {
        return;
    }
    run(async {
        let mut far = Far::new(20);
        let house = house().await;
        let near = house.device("anna", "Near");
        welcomed(&near).await;
        // 300 ms to the device and 10 ms back, each with up to 200 ms of jitter; 5 % of the packets are lost.
        far.network("path 300 10 200 5");
        let devices: Vec<Device> =
            ["One", "Two", "Three", "Four", "Five", "Six"].iter().map(|name| far.device(&house, name, &[])).collect();
        let (mut samples, mut quiet, mut kept, mut worst_us, mut widest_us) = (0, 0, 0, 0, 0);
        for device in &devices {
            welcomed(device).await;
            // The first seconds have a burst of probes; the bound must hold during it and after it.
            pass(device, 100).await;
            let printed = device.printed();
            for sample in positions(&printed) {
                let Some((ahead_us, bound_us)) = clock(&sample.event) else { continue };
                // A process that was delayed may have been delayed between reading the two clocks.
                let late_ms = sample.event["late_ms"].as_i64().filter(|_| !is_quiet(&sample.event));
                let before = near.printed();
                let truth = positions(&before).into_iter().rev().find_map(|line| clock(&line.event));
                let (truth_us, unsure_us) = truth.expect("the near one knows the time");
                let error_us = (ahead_us - truth_us).abs();
                (samples, quiet) = (samples + 1, quiet + usize::from(late_ms.is_none()));
                kept += usize::from(error_us <= bound_us + unsure_us + late_ms.unwrap_or(0) * 1_000);
                (worst_us, widest_us) = (worst_us.max(error_us), widest_us.max(bound_us));
            }
        }
        say(&format!(
            "{samples} samples, {quiet} of them quiet, {kept} within their bound; worst error {worst_us} us, widest bound {widest_us} us"
        ));
        assert!(
            samples >= 50 * devices.len() && kept * 100 >= samples * 99,
            "{kept} of {samples} are within their bound"
        );
        assert!(worst_us > 50_000, "the path is not as lopsided as it should be: {worst_us} us");
    });
}

#[test]
fn t51_a_device_with_a_new_address_reconnects_at_once_as_the_same_device() {
    if !is_inside("t51_a_device_with_a_new_address_reconnects_at_once_as_the_same_device") {
        return;
    }
    run(async {
        let far = Far::new(51);
        let house = house().await;
        let mut phone = house.device("anna", "Phone");
        let mut kitchen = far.device(&house, "Kitchen", &[]);
        welcomed(&kitchen).await;
        phone.first(0, "both are there", |event| lists(event, "Kitchen", Some("online"))).await;
        kitchen.tell(&format!("play {}", house.tracks[..3].join(" ")));
        phone.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
        // After the change of address the download's connection is dead, but still looks open.
        kitchen.first(0, "it has all of it", |event| kind(event) == "audio" && event["state"] == "loaded").await;

        // Without a pause, and after three seconds without any network.
        for (address, line, status, samples) in
            [("10.77.0.3", "pause", "paused", 0), ("10.77.0.4", "play", "playing", 30)]
        {
            let (mark, seen) = (kitchen.mark(), phone.mark());
            far.leave_network();
            pass(&phone, samples).await;
            far.join_network(address);
            let back = Instant::now();
            phone.tell(line);
            let obeyed = kitchen.first(mark, "it obeys again", |event| is_shown(event, "status", status)).await;
            took(&kitchen, mark, back, &obeyed, Duration::from_secs(5), &format!("controlled from {address}"));
            phone.first(seen, "it is shown so", |event| is_shown(event, "status", status)).await;
        }
        let printed = phone.printed();
        let lists_of = printed.iter().filter_map(|line| line.event["devices"].as_array());
        let kitchens = lists_of.map(|list| list.iter().filter(|device| device["name"] == "Kitchen").count());
        let listed: Vec<usize> = kitchens.skip_while(|count| *count == 0).collect();
        assert!(
            !listed.is_empty() && listed.iter().all(|count| *count == 1),
            "one and the same all the time: {listed:?}"
        );
    });
}

#[test]
fn t58_a_pulled_cable_is_detected_at_both_ends() {
    if !is_inside("t58_a_pulled_cable_is_detected_at_both_ends") {
        return;
    }
    run(async {
        let mut far = Far::new(58);
        let house = house().await;
        let phone = house.device("anna", "Phone");
        let (mut kitchen, idle) = (far.device(&house, "Kitchen", &[]), far.device(&house, "Idle", &[]));
        welcomed(&idle).await;
        phone.first(0, "all are there", |event| lists(event, "Kitchen", Some("online"))).await;
        kitchen.tell(&format!("play {}", house.tracks[..3].join(" ")));
        phone.first(0, "it plays", |event| is_shown(event, "status", "playing")).await;
        same_place(&kitchen, &phone, "before the cable is pulled").await;

        let (seen, active, bystander) = (phone.mark(), kitchen.mark(), idle.mark());
        let pulled = Instant::now();
        far.network("cut");
        let (soon, late) = (Duration::from_secs(6), Duration::from_secs(65));
        let is_down = |event: &Value| kind(event) == "link" && event["state"] == "down";
        let lost = phone.first(seen, "the active one is lost", |event| is_shown(event, "status", "lost")).await;
        took(&phone, seen, pulled, &lost, soon, "the server misses the active one");
        let alone = kitchen.first(active, "the active one knows", is_down).await;
        took(&kitchen, active, pulled, &alone, soon, "the active one misses the server");
        let gone = |event: &Value| kind(event) == "devices" && !lists(event, "Idle", Some("online"));
        let missed = phone.first(seen, "the idle one is missed", gone).await;
        took(&phone, seen, pulled, &missed, late, "the server misses the idle one");
        let alone = idle.first(bystander, "the idle one knows", is_down).await;
        took(&idle, bystander, pulled, &alone, late, "the idle one misses the server");

        let (back, mark) = (Instant::now(), phone.mark());
        far.network("mend");
        let healed = phone.first(mark, "both are back", |event| lists(event, "Idle", Some("online"))).await;
        say(&format!("the idle one is back {} ms after the cable", healed.at.duration_since(back).as_millis()));
        phone.first(mark, "the music is back", |event| is_shown(event, "status", "playing")).await;
        same_place(&kitchen, &phone, "after the cable is back").await;
    });
}

/// The peak memory of the server's process, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

#[test]
fn t81_devices_that_request_much_and_read_nothing_cost_little_memory_and_are_disconnected() {
    if !is_inside("t81_devices_that_request_much_and_read_nothing_cost_little_memory_and_are_disconnected") {
        return;
    }
    run(async {
        let far = Far::new(81);
        let house = house().await;
        let phone = house.device("anna", "Phone");
        let login = house.server.log_in("anna", "anna-password").await;
        let tracks: Vec<&String> = house.tracks.iter().cycle().take(400).collect();
        assert_eq!(login.put("/v1/me/player/queue", &json!({"tracks": tracks})).await.status, 200);
        let page = login.get("/v1/me/player/queue?limit=200").await.body.len();
        welcomed(&phone).await;
        let before_kib = peak_kib(house.server.pid());
        let mut deaf = far.deaf(&house, &login.token, DEAF_ONES);
        let listed = |event: &Value| event["devices"].as_array().map_or(0, Vec::len);
        phone.first(0, "they were there", |event| kind(event) == "devices" && listed(event) > DEAF_ONES / 2).await;
        let online = |event: &Value| {
            let devices = event["devices"].as_array().into_iter().flatten();
            devices.filter(|device| device["presence"] == "online").count()
        };
        let mark = phone.mark();
        phone.first(mark, "they are sent away", |event| kind(event) == "devices" && online(event) == 1).await;
        let each_kib = (peak_kib(house.server.pid()) - before_kib) / u64::try_from(DEAF_ONES).expect("few");
        deaf.tell("read");
        let told = deaf.line();
        let (sent, codes) = told.split_once(' ').expect("bytes, and close codes");
        let sent: usize = sent.parse().expect("a number");
        assert_eq!(codes, CloseReason::Slow.code().to_string(), "each is told why");
        say(&format!(
            "{DEAF_ONES} deaf devices, pages of {page} bytes: {sent} bytes on their way, {each_kib} KiB more for each"
        ));
        // The socket buffers of both kernels and two or three pages; the outbox of 64 KiB is dropped.
        assert!(sent < 128 * 1024, "{sent} bytes had left the outbox");
        // The outbox, and pages that are encoded for many devices at once: 66 KiB on an idle machine, 355 on a busy
        // one.
        assert!(each_kib < 512, "{each_kib} KiB for each");
    });
}
