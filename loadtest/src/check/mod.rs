//! Whether the server keeps what `actors/PROTOCOL.md` promises, for one user: pure, fed with what the devices receive.

use segue_client::protocol::ids::Stamp;
use segue_client::protocol::playback::{Intent, Playback};
use serde::{Deserialize, Serialize};

/// Two devices may overlap by this at a switch, in microseconds (P1).
const OVERLAP_US: i64 = 40_000;

/// What was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A device was shown a lower stamp than before.
    Fell,
    /// Two connected devices sounded (P1).
    Overlap,
    /// At rest two devices show different states (P2).
    Disagree,
    /// An acknowledged command is missing, or counted twice (P3).
    Missing,
    /// A command was not answered, or a device was not connected, in the time at the end.
    Unsettled,
}

impl Rule {
    /// The name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fell => "fell",
            Self::Overlap => "overlap",
            Self::Disagree => "disagree",
            Self::Missing => "missing",
            Self::Unsettled => "unsettled",
        }
    }
}

/// A promise that the server broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Which promise.
    pub rule: Rule,
    /// The user's index in the token file, from 0.
    pub user: usize,
    /// What was seen.
    pub what: String,
}

/// One device of the user, as the check sees it.
#[derive(Debug, Clone, Copy, Default)]
struct Watched {
    playback: Option<Stamp>,
    devices: Option<Stamp>,
    is_sounding: bool,
}

/// What is expected at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Entries of the queue: those of the last whole queue, and one for each insert that was acknowledged.
    pub queue_length: Option<usize>,
    /// The place of the last seek, in milliseconds.
    pub position_ms: Option<i64>,
}

/// The check of one user.
#[derive(Debug, Clone)]
pub struct Check {
    user: usize,
    watched: Vec<Watched>,
    /// The highest stamp of an acknowledged command.
    acked: Option<Stamp>,
    /// Since when two devices have sounded, and how late this program has been since.
    overlap: Option<(i64, i64)>,
    violations: Vec<Violation>,
}

impl Check {
    /// A user with so many devices.
    #[must_use]
    pub fn new(user: usize, devices: usize) -> Self {
        let watched = vec![Watched::default(); devices];
        Self { user, watched, acked: None, overlap: None, violations: Vec::new() }
    }

    fn broken(&mut self, rule: Rule, what: String) {
        self.violations.push(Violation { rule, user: self.user, what });
    }

    /// What was found since the last time.
    pub fn take(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.violations)
    }

    /// A device received a `playback`, alone or in a `welcome`.
    pub fn playback(&mut self, device: usize, stamp: Stamp) {
        let Some(watched) = self.watched.get_mut(device) else { return };
        let before = watched.playback.replace(stamp);
        self.compare("playback", device, before, stamp);
    }

    /// A device received a device list, alone or in a `welcome`.
    pub fn devices(&mut self, device: usize, stamp: Stamp) {
        let Some(watched) = self.watched.get_mut(device) else { return };
        let before = watched.devices.replace(stamp);
        self.compare("devices", device, before, stamp);
    }

    fn compare(&mut self, what: &str, device: usize, before: Option<Stamp>, stamp: Stamp) {
        if let Some(before) = before.filter(|before| *before > stamp) {
            self.broken(Rule::Fell, format!("device {device} was shown {what} {} after {}", show(stamp), show(before)));
        }
    }

    /// A command of a device was acknowledged with this revision.
    pub fn acked(&mut self, device: usize, revision: u64) {
        // The device may not have been shown the epoch of its command yet: then this is lower, and proves less.
        let epoch = self.watched.get(device).and_then(|watched| watched.playback).map_or(0, |shown| shown.epoch);
        self.acked = self.acked.max(Some(Stamp { epoch, revision }));
    }

    /// Whether a connected device sounds. `late_us`: how late this program carries out what the rules ask for.
    pub fn sounds(&mut self, now_us: i64, late_us: i64, device: usize, is_sounding: bool) {
        if let Some(watched) = self.watched.get_mut(device) {
            watched.is_sounding = is_sounding;
        }
        let sounding = self.watched.iter().filter(|watched| watched.is_sounding).count();
        let late_us = late_us.max(0);
        match (sounding > 1, self.overlap) {
            (true, Some((since_us, late))) => self.overlap = Some((since_us, late.max(late_us))),
            (true, None) => self.overlap = Some((now_us, late_us)),
            (false, Some((since_us, late))) => {
                self.overlap = None;
                self.overlapped(now_us, since_us, late.max(late_us));
            }
            (false, None) => {}
        }
    }

    fn overlapped(&mut self, now_us: i64, since_us: i64, late_us: i64) {
        let lasted_us = now_us.saturating_sub(since_us);
        if lasted_us > OVERLAP_US.saturating_add(late_us) {
            self.broken(Rule::Overlap, format!("two devices sounded for {} ms", lasted_us / 1_000));
        }
    }

    /// Whether all devices show the same, and it is not older than what was acknowledged.
    #[must_use]
    pub fn is_at_rest(&self, shown: &[Option<&Playback>]) -> bool {
        let newest = shown.iter().flatten().max_by_key(|playback| playback.stamp());
        newest.is_some_and(|newest| {
            let are_same = shown.iter().all(|other| other.is_some_and(|other| is_same(newest, other)));
            are_same && Some(newest.stamp()) >= self.acked
        })
    }

    /// The time at the end is over before this user has come to rest.
    pub fn unsettled(&mut self, why: String) {
        self.broken(Rule::Unsettled, why);
    }

    /// What the devices show at the end, one for each device. Without expectations only agreement is checked.
    pub fn rests(&mut self, now_us: i64, shown: &[Option<&Playback>], expected: Expected) {
        if let Some((since_us, late_us)) = self.overlap.take() {
            self.overlapped(now_us, since_us, late_us);
        }
        let Some(Some(first)) = shown.first() else {
            return self.broken(Rule::Disagree, "device 0 shows nothing".to_owned());
        };
        for (device, other) in shown.iter().enumerate().skip(1) {
            // In a `welcome` the author of the last change may be left out.
            if other.is_none_or(|other| !is_same(first, other)) {
                let both = format!("device 0 shows {first:?}, device {device} shows {other:?}");
                self.broken(Rule::Disagree, both);
            }
        }
        if let Some(acked) = self.acked.filter(|acked| *acked > first.stamp()) {
            self.broken(Rule::Missing, format!("{} was acknowledged, {} is shown", show(acked), show(first.stamp())));
        }
        let length = first.queue_length;
        if let Some(wanted) = expected.queue_length.filter(|wanted| *wanted != length) {
            self.broken(Rule::Missing, format!("the queue has {length} entries, {wanted} were acknowledged"));
        }
        if let Some(wanted) = expected.position_ms {
            if first.intent == Intent::Play {
                self.broken(Rule::Missing, "an acknowledged pause is not shown".to_owned());
            } else if first.position_ms != wanted {
                let at = first.position_ms;
                self.broken(Rule::Missing, format!("the place is {at} ms, a seek to {wanted} ms was acknowledged"));
            }
        }
    }
}

/// Whether both show the same: their last author aside, and the revision, which of a device that plays may be that from before
/// its own last reports.
fn is_same(one: &Playback, other: &Playback) -> bool {
    let plain = |playback: &Playback| Playback { by: None, revision: 0, ..playback.clone() };
    plain(one) == plain(other)
}

fn show(stamp: Stamp) -> String {
    format!("[{}, {}]", stamp.epoch, stamp.revision)
}

#[cfg(test)]
mod tests;
