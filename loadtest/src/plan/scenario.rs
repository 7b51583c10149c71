//! What a load is like: a scenario file in TOML, whose fields are these.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The scenarios that come with the program: name and text.
pub const READY: [(&str, &str); 3] = [
    ("evening", include_str!("../../scenarios/evening.toml")),
    ("storm", include_str!("../../scenarios/storm.toml")),
    ("worst", include_str!("../../scenarios/worst.toml")),
];

/// A scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it stands for, for people.
    pub about: String,
    /// How long it runs.
    pub time: Times,
    /// What the users are like.
    pub users: Users,
    /// How often a listening user does something.
    #[serde(default)]
    pub per_hour: PerHour,
    /// Reconnect storms.
    pub storm: Option<Storm>,
    /// Bad networks.
    pub flaky: Option<Flaky>,
    /// Audio that is fetched as fast as it is played.
    pub audio: Option<Streaming>,
    /// The most that a figure may be: `delivery_p99_ms = 50`, `errors = 0`.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f64>,
}

/// How long the phases are, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// All devices connect within this time, evenly.
    pub ramp_s: f64,
    /// Then people act for this long.
    pub hold_s: f64,
    /// Then the devices of a user must agree within this time.
    pub end_s: f64,
}

/// What the users are like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// The share of users that play music, from 0 to 1; the devices of the others are idle.
    pub listening: f64,
    /// How unevenly the listening users act: the exponent of Zipf's law; 0: all alike.
    pub zipf: f64,
    /// Tracks in the queue at the start, which repeats.
    pub queue: usize,
}

/// How often the average listening user does something, per hour.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PerHour {
    /// Goes to another place in the track.
    pub seek: f64,
    /// Pauses what plays, or plays what is paused.
    pub pause: f64,
    /// Goes to the next track.
    pub next: f64,
    /// Moves the music to another device.
    pub transfer: f64,
    /// Adds a track to the queue.
    pub insert: f64,
}

/// Sockets that are cut all at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// When the first one comes, in seconds after the ramp.
    pub first_s: f64,
    /// The time from one to the next, in seconds; 0: there is one.
    #[serde(default)]
    pub every_s: f64,
    /// The share of devices that are cut, from 0 to 1.
    pub share: f64,
}

/// Devices on bad networks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flaky {
    /// The share of devices, from 0 to 1.
    pub share: f64,
    /// The mean time between two cuts of such a device, in seconds; 0: never.
    #[serde(default)]
    pub cut_every_s: f64,
    /// What is received waits for this long, in milliseconds,
    #[serde(default)]
    pub delay_ms: f64,
    /// and for a random part of this.
    #[serde(default)]
    pub jitter_ms: f64,
}

/// Audio that is fetched as fast as it is played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streaming {
    /// The share of listening users whose sounding device fetches its audio, from 0 to 1.
    pub share: f64,
    /// The audio of one request, in seconds of playing.
    pub piece_s: f64,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        let (time, per_hour) = (self.time, self.per_hour);
        let shares = [
            ("users.listening", Some(self.users.listening)),
            ("storm.share", self.storm.map(|storm| storm.share)),
            ("flaky.share", self.flaky.map(|flaky| flaky.share)),
            ("audio.share", self.audio.map(|audio| audio.share)),
        ];
        let amounts = [
            ("time.ramp_s", Some(time.ramp_s)),
            ("time.hold_s", Some(time.hold_s)),
            ("time.end_s", Some(time.end_s)),
            ("users.zipf", Some(self.users.zipf)),
            ("per_hour.seek", Some(per_hour.seek)),
            ("per_hour.pause", Some(per_hour.pause)),
            ("per_hour.next", Some(per_hour.next)),
            ("per_hour.transfer", Some(per_hour.transfer)),
            ("per_hour.insert", Some(per_hour.insert)),
            ("storm.first_s", self.storm.map(|storm| storm.first_s)),
            ("storm.every_s", self.storm.map(|storm| storm.every_s)),
            ("flaky.cut_every_s", self.flaky.map(|flaky| flaky.cut_every_s)),
            ("flaky.delay_ms", self.flaky.map(|flaky| flaky.delay_ms)),
            ("flaky.jitter_ms", self.flaky.map(|flaky| flaky.jitter_ms)),
        ];
        for (name, share) in shares {
            if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                return Err(format!("{name} is a share from 0 to 1"));
            }
        }
        for (name, amount) in amounts {
            if amount.is_some_and(|amount| !(0.0..=1e6).contains(&amount)) {
                return Err(format!("{name} is from 0 to a million"));
            }
        }
        if !(1..=500).contains(&self.users.queue) {
            return Err("users.queue is from 1 to 500, the most tracks of one command".to_owned());
        }
        if self.audio.is_some_and(|audio| !(0.5..=60.0).contains(&audio.piece_s)) {
            return Err("audio.piece_s is from 0.5 to 60".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_scenarios_are_good_and_their_thresholds_are_known() {
        for (name, text) in READY {
            let scenario = Scenario::parse(text).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(scenario.thresholds.get("errors"), Some(&0.0), "{name}");
            for key in scenario.thresholds.keys() {
                assert!(crate::report::verdict::Figure::parse(key).is_ok(), "{name}: {key}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (_, good) = READY[0];
        for (from, to, why) in [
            ("[time]", "[time]\nhurry = 1", "unknown field `hurry`"),
            ("listening = ", "listening = 1", "users.listening is a share"),
            ("hold_s = ", "hold_s = -1", "time.hold_s is from 0"),
            ("queue = ", "queue = 90", "users.queue is from 1 to 500"),
        ] {
            let bad = good.replacen(from, to, 1);
            let told = Scenario::parse(&bad).expect_err(&bad);
            assert!(told.contains(why), "{told}");
        }
    }
}
