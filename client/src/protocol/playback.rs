//! What plays, where in it, and who may sound. Position, instant, item, rate and duration change together (R5).

use super::ids::{CommandId, DeviceId, InstanceId, ItemId, MediaId, Micros, Stamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// What the user asked for; changes at once on every screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Sound is wanted.
    Play,
    /// Silence is wanted; the position is kept.
    Pause,
    /// Nothing is to be played; no device has the lease.
    Stop,
}

/// What the active device says is true of its audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is to be played.
    Idle,
    /// Asked to play; the active device has not sounded yet.
    Starting,
    /// Sounding; the only status under which the position runs.
    Playing,
    /// Silent; the position is kept.
    Paused,
    /// Waiting for audio.
    Buffering,
    /// The platform refuses sound until a person acts on the device.
    Blocked,
    /// The item cannot be played there.
    Failed,
    /// The queue came to its end.
    Ended,
    /// The active device is out of contact; the position is frozen at its last sign of life.
    Lost,
}

impl Status {
    /// Whether `intent` and this status may stand together.
    ///
    /// | intent | statuses |
    /// |---|---|
    /// | play | starting playing paused buffering blocked failed lost |
    /// | pause | idle paused failed ended lost |
    /// | stop | idle |
    ///
    /// `play` with `paused`: the device paused by itself (a phone call); the intent stays `play`.
    #[must_use]
    pub const fn is_legal_with(self, intent: Intent) -> bool {
        match intent {
            Intent::Play => !matches!(self, Self::Idle | Self::Ended),
            Intent::Pause => matches!(self, Self::Idle | Self::Paused | Self::Failed | Self::Ended | Self::Lost),
            Intent::Stop => matches!(self, Self::Idle),
        }
    }
}

/// What a queue entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A piece of music.
    Track,
    /// A part of a show.
    Episode,
}

/// An entry of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Names this entry, not the track.
    pub id: ItemId,
    /// Track or episode.
    pub kind: MediaKind,
    /// What to stream.
    pub media_id: MediaId,
    /// Length in milliseconds, where the catalogue knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// How the queue goes on at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// It ends.
    #[default]
    Off,
    /// The same item again.
    One,
    /// From its first item.
    All,
}

/// Playing speed in thousandths; JSON: a number, 1 is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u16);

impl Rate {
    /// Normal speed.
    pub const NORMAL: Self = Self(1000);

    /// A speed of `factor`, rounded to thousandths; `None` outside 0.25 to 4.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    pub fn from_factor(factor: f64) -> Option<Self> {
        (0.25..=4.0).contains(&factor).then(|| Self((factor * 1000.0).round() as u16))
    }

    /// The factor, 1 for normal speed.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Microseconds of audio that are played in `wall_us` microseconds.
    #[must_use]
    pub fn audio_us(self, wall_us: i64) -> i64 {
        wall_us.saturating_mul(i64::from(self.0)).div_euclid(1000)
    }

    /// Microseconds that `audio_us` microseconds of audio take.
    #[must_use]
    pub fn wall_us(self, audio_us: i64) -> i64 {
        audio_us.saturating_mul(1000).div_euclid(i64::from(self.0))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::NORMAL { serializer.serialize_u8(1) } else { serializer.serialize_f64(self.factor()) }
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let factor = f64::deserialize(deserializer)?;
        Self::from_factor(factor).ok_or_else(|| D::Error::custom("a rate is between 0.25 and 4"))
    }
}

/// The device that may sound, and its lease (R1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// The device that has the lease.
    pub device_id: DeviceId,
    /// The instance of that device.
    pub instance: InstanceId,
    /// The stamp of the grant.
    pub lease: Stamp,
    /// It may sound from this instant on; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_us: Option<Micros>,
    /// The source of the switch, which may sound until `from_us`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<DeviceId>,
}

impl Active {
    /// Whether this instance of the device has the lease.
    #[must_use]
    pub fn is(&self, device_id: DeviceId, instance: InstanceId) -> bool {
        self.device_id == device_id && self.instance == instance
    }
}

/// An earlier holder that may still sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// The earlier holder.
    pub device_id: DeviceId,
    /// Its instance.
    pub instance: InstanceId,
    /// The lease that it had.
    pub lease: Stamp,
    /// The stamp of the change that took the lease away; only a yield that has seen it clears the entry.
    pub since: Stamp,
}

/// A transfer in its prepare phase (R7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The target.
    pub to: DeviceId,
    /// The target's instance.
    pub instance: InstanceId,
    /// The lease that the target will get; set once the target is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Stamp>,
    /// When an unfinished transfer is cancelled.
    pub deadline_us: Micros,
    /// The instant of the switch; set with `lease`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_at_us: Option<Micros>,
}

impl Transfer {
    /// Whether this instance of that device is the target.
    #[must_use]
    pub fn is(&self, device_id: DeviceId, instance: InstanceId) -> bool {
        self.to == device_id && self.instance == instance
    }
}

/// An entry that could not be played and was given up, and on which device: screens show it, because no command
/// explains the skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplayable {
    /// The entry.
    pub item: ItemId,
    /// The device that could not play it.
    pub device_id: DeviceId,
}

/// Whose command made the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The commanding device.
    pub device_id: DeviceId,
    /// The command.
    pub command_id: CommandId,
}

/// What every screen shows and every device carries out; under 1 KiB, however long the queue is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playback {
    /// With `revision`: the stamp that orders playbacks.
    pub epoch: u64,
    /// The revision of this object's last change.
    pub revision: u64,
    /// The stamp of the change that last set item, position, intent or rate (R3).
    pub turn: Stamp,
    /// What the user asked for.
    pub intent: Intent,
    /// What the active device says is true.
    pub status: Status,
    /// What plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// The entry that follows by itself when `item` ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Item>,
    /// The place in the item at `at_us`, in milliseconds.
    pub position_ms: i64,
    /// The instant of the anchor.
    pub at_us: Micros,
    /// Playing speed.
    pub rate: Rate,
    /// The device that may sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Active>,
    /// Earlier holders that may still sound; the active device waits until this is empty.
    #[serde(default)]
    pub after: Vec<After>,
    /// A transfer in preparation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// What happens at the end of the queue.
    pub repeat: Repeat,
    /// Whether the queue is shuffled.
    pub shuffle: bool,
    /// The revision of the queue's last change.
    pub queue_revision: u64,
    /// Entries in the queue.
    pub queue_length: usize,
    /// The entry that was given up last; removed by a command, by the next end of an item, or when it plays after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unplayable: Option<Unplayable>,
    /// The command that made the last change, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

impl Playback {
    /// Nothing to play, and no active device.
    #[must_use]
    pub const fn new(stamp: Stamp, now: Micros) -> Self {
        Self {
            epoch: stamp.epoch,
            revision: stamp.revision,
            turn: stamp,
            intent: Intent::Stop,
            status: Status::Idle,
            item: None,
            next: None,
            position_ms: 0,
            at_us: now,
            rate: Rate::NORMAL,
            active: None,
            after: Vec::new(),
            transfer: None,
            repeat: Repeat::Off,
            shuffle: false,
            queue_revision: stamp.revision,
            queue_length: 0,
            unplayable: None,
            by: None,
        }
    }

    /// Epoch and revision of this object.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        Stamp { epoch: self.epoch, revision: self.revision }
    }

    /// The place in the item at `now`, in milliseconds, as every screen shows it.
    #[must_use]
    pub fn position_at(&self, now: Micros) -> i64 {
        let run_us = if self.status == Status::Playing { now.since_us(self.at_us).max(0) } else { 0 };
        self.clamp_ms(self.position_ms.saturating_add(self.rate.audio_us(run_us) / 1000))
    }

    /// Where a device has to be at `now` for this to be right. Before `at_us` it is where the device was then: an anchor that
    /// lies ahead, because the clock it was made by was wrong, is not right until it is reached.
    #[must_use]
    pub fn heard_at(&self, now: Micros) -> i64 {
        if self.status != Status::Playing || now >= self.at_us {
            return self.position_at(now);
        }
        self.position_ms.saturating_sub(self.rate.audio_us(self.at_us.since_us(now)) / 1000)
    }

    /// Whether a device that shows this shows `newest`: everything but the revision is the same, which may be that from
    /// before the device's own last reports ([`Report::seen`](super::messages::Report::seen)).
    #[must_use]
    pub fn shows(&self, newest: &Self) -> bool {
        self.revision <= newest.revision && *newest == Self { revision: newest.revision, ..self.clone() }
    }

    /// `position_ms` held within the item.
    #[must_use]
    pub fn clamp_ms(&self, position_ms: i64) -> i64 {
        let longest = self.item.and_then(|item| item.duration_ms).unwrap_or(i64::MAX);
        position_ms.clamp(0, longest.max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_pairs_are_the_table() {
        use Status::{Blocked, Buffering, Ended, Failed, Idle, Lost, Paused, Playing, Starting};
        let legal = |intent| {
            [Idle, Starting, Playing, Paused, Buffering, Blocked, Failed, Ended, Lost]
                .into_iter()
                .filter(|status| status.is_legal_with(intent))
                .collect::<Vec<_>>()
        };
        assert_eq!(legal(Intent::Play), [Starting, Playing, Paused, Buffering, Blocked, Failed, Lost]);
        assert_eq!(legal(Intent::Pause), [Idle, Paused, Failed, Ended, Lost]);
        assert_eq!(legal(Intent::Stop), [Idle]);
    }

    #[test]
    fn position_runs_only_while_playing_and_stays_in_the_item() {
        let mut playback = Playback::new(Stamp { epoch: 1, revision: 1 }, Micros(0));
        let item = Item { id: ItemId(1), kind: MediaKind::Track, media_id: MediaId(2), duration_ms: Some(5_000) };
        playback.item = Some(item);
        playback.position_ms = 1_000;
        for status in [Status::Starting, Status::Paused, Status::Lost, Status::Buffering] {
            playback.status = status;
            assert_eq!(playback.position_at(Micros(3_000_000)), 1_000);
        }
        playback.status = Status::Playing;
        assert_eq!(playback.position_at(Micros(3_000_000)), 4_000);
        assert_eq!(playback.position_at(Micros(-3_000_000)), 1_000);
        assert_eq!(playback.position_at(Micros(i64::MAX)), 5_000);
        playback.rate = Rate::from_factor(0.5).expect("in range");
        assert_eq!(playback.position_at(Micros(3_000_000)), 2_500);
    }

    #[test]
    fn rates_have_bounds_and_read_back() {
        for bad in [0.0, 0.2, 4.1, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(Rate::from_factor(bad), None, "{bad}");
        }
        for (rate, json) in [(1.0, "1"), (1.5, "1.5"), (0.25, "0.25"), (4.0, "4.0")] {
            let rate = Rate::from_factor(rate).expect("in range");
            assert_eq!(serde_json::to_string(&rate).expect("a number"), json);
            assert_eq!(serde_json::from_str::<Rate>(json).expect("a number"), rate);
        }
    }
}
