//! A server with a folder of music, devices as processes, and comparisons of the positions that they print.
//!
//! Bounds in milliseconds are asserted for quiet samples only: those for which a 5 ms timer in the printing process
//! (the witness) was late by less than 20 ms. Each test prints how many quiet samples there were.

use crate::harness::{Device, Dialect, Printed, Server, TestDatabase, until};
use serde_json::Value;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Debian's `wesnoth-1.16-music`.
pub(crate) const MUSIC: &str = "/usr/share/games/wesnoth/1.16/data/core/music";
/// A sample is quiet when its witness was late by less than this, in milliseconds.
const QUIET_MS: u64 = 20;

/// A server with music, the ids of some long tracks of it, and the devices of two users, `anna` and `bert`.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) database: TestDatabase,
    pub(crate) tracks: Vec<String>,
}

impl House {
    pub(crate) async fn open(heartbeat_ms: u32) -> Self {
        Self::open_at("127.0.0.1:0", heartbeat_ms).await
    }

    pub(crate) async fn open_at(address: &str, heartbeat_ms: u32) -> Self {
        let database = TestDatabase::new(Dialect::Sqlite);
        let heartbeat = heartbeat_ms.to_string();
        let server = Server::start_at(&database, address, &["--music", MUSIC, "--heartbeat-ms", &heartbeat]).await;
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

    pub(crate) fn device(&self, user: &str, name: &str) -> Device {
        Device::start(&self.server, &self.database, user, name)
    }
}

/// Prints a measurement to the test's output.
pub(crate) fn say(line: &str) {
    // The output may be closed.
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub(crate) fn kind(event: &Value) -> &str {
    event["event"].as_str().unwrap_or_default()
}

pub(crate) fn is_shown(event: &Value, field: &str, value: &str) -> bool {
    kind(event) == "playback" && event["playback"][field] == value
}

/// Whether a device list has the named device with this presence; `None`: whether it does not have it.
pub(crate) fn lists(event: &Value, name: &str, presence: Option<&str>) -> bool {
    let devices = event["devices"].as_array().filter(|_| kind(event) == "devices");
    devices.is_some_and(|devices| {
        let listed = devices.iter().find(|device| device["name"] == name);
        listed.and_then(|device| device["presence"].as_str()) == presence
    })
}

pub(crate) fn positions(printed: &[Printed]) -> Vec<&Printed> {
    printed.iter().filter(|line| kind(&line.event) == "position").collect()
}

pub(crate) fn is_quiet(sample: &Value) -> bool {
    sample["late_ms"].as_u64().is_some_and(|late| late < QUIET_MS)
}

/// The position of a playing sample, extrapolated to server time 0. For samples of the same track, the difference of
/// two devices is how far their positions are apart.
pub(crate) fn phase_ms(sample: &Value) -> Option<i64> {
    let playing = sample["status"] == "playing";
    let (server_us, position_ms) = (sample["server_us"].as_i64()?, sample["position_ms"].as_i64()?);
    playing.then_some(position_ms - server_us / 1000)
}

/// Asserts that two devices show the same position: compares quiet samples of the same instant until there are enough.
pub(crate) async fn same_place(one: &Device, other: &Device, what: &str) {
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

/// Bounds of at least this are also asserted on a busy machine, extended by half and by the lateness of the witness.
const LONG: Duration = Duration::from_secs(5);

/// Asserts that a line was printed at most `within` after `since`. Bounds shorter than [`LONG`] are asserted only when
/// the printing device was quiet.
pub(crate) fn took(device: &Device, mark: usize, since: Instant, line: &Printed, within: Duration, what: &str) {
    let took = line.at.duration_since(since);
    let all = device.printed();
    let samples = positions(&all[mark..]);
    let loud: Vec<_> = samples.into_iter().filter(|sample| !is_quiet(&sample.event)).collect();
    say(&format!("{what}: {} ms, {} loud samples", took.as_millis(), loud.len()));
    if loud.is_empty() {
        let told = all[mark..].iter().filter(|line| kind(&line.event) != "position");
        let told = told.map(|line| format!("\n{:?} {}", line.at.saturating_duration_since(since), line.event));
        assert!(took <= within, "{what}: {took:?}{}", told.collect::<String>());
    } else if within >= LONG {
        let late_ms = loud.iter().filter_map(|sample| sample.event["late_ms"].as_u64()).sum();
        let within = within.mul_f64(1.5) + Duration::from_millis(late_ms);
        assert!(took <= within, "{what}: {took:?}, on a machine that was {late_ms} ms late");
    }
}
