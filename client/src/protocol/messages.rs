//! What devices say to a session and what it answers: the payloads, without their JSON envelopes (`wire`).

use super::ids::{CommandId, DeviceId, ItemId, Micros, Stamp};
use super::playback::{Intent, Rate, Repeat, Status};
use serde::{Deserialize, Serialize};

/// A command of a person or program, from any device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command<T> {
    /// Chosen by the device; a resent command keeps it.
    pub id: CommandId,
    /// The item the person saw; another one now rejects the command `stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_item: Option<ItemId>,
    /// The queue the person saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_queue_revision: Option<u64>,
    /// The lease the person saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_lease: Option<Stamp>,
    /// The operation.
    #[serde(flatten)]
    pub op: Op<T>,
}

/// What happens to the intent to play when the music moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferMode {
    /// As it was.
    #[default]
    Keep,
    /// It plays.
    Play,
    /// It pauses.
    Pause,
}

/// The operations. `T` is how tracks are named: by id on the wire, resolved by the catalogue in the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op<T> {
    /// Goes on, or plays an entry of the queue, or new tracks in place of the queue.
    Play {
        /// An entry of the queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<ItemId>,
        /// A new queue.
        #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
        tracks: Vec<T>,
        /// Which of `tracks` comes first, from 0; the ones before it stay in the queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<usize>,
        /// Where in the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position_ms: Option<i64>,
        /// On which device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<DeviceId>,
    },
    /// Silence, the place kept.
    Pause,
    /// Silence, the lease given up, the queue kept.
    Stop,
    /// Another place in the item.
    Seek {
        /// From the item's start.
        position_ms: i64,
    },
    /// The following item; a device says with `if_item` what it saw.
    Next,
    /// The item's start, or in its first seconds the one before; a device says with `if_item` what it saw.
    Previous,
    /// Hands the music to another device.
    Transfer {
        /// Which.
        to: DeviceId,
        /// Play or pause there.
        #[serde(default)]
        mode: TransferMode,
    },
    /// What happens at the end of item and queue.
    Repeat {
        /// The new mode.
        mode: Repeat,
    },
    /// Permutes what is queued, or brings the order back.
    Shuffle {
        /// Whether.
        on: bool,
    },
    /// Playing speed.
    Rate {
        /// The new speed.
        rate: Rate,
    },
    /// Loudness of a device.
    Volume {
        /// Which; without it the active one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_id: Option<DeviceId>,
        /// 0 to 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<u8>,
        /// Added to the level it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delta: Option<i16>,
        /// Silenced or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<bool>,
    },
    /// Other tracks to come; what plays goes on as the first entry.
    #[serde(rename = "queue.replace")]
    QueueReplace {
        /// The tracks.
        tracks: Vec<T>,
    },
    /// More tracks; at the end unless `after` or `before` names an entry.
    #[serde(rename = "queue.insert")]
    QueueInsert {
        /// The tracks.
        tracks: Vec<T>,
        /// Right behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ItemId>,
        /// Right before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<ItemId>,
    },
    /// Moves an entry; to the end unless `after` or `before` names another.
    #[serde(rename = "queue.move")]
    QueueMove {
        /// The entry.
        item: ItemId,
        /// Right behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ItemId>,
        /// Right before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<ItemId>,
    },
    /// Takes entries out.
    #[serde(rename = "queue.remove")]
    QueueRemove {
        /// Which.
        items: Vec<ItemId>,
    },
    /// Takes out all but what plays.
    #[serde(rename = "queue.clear")]
    QueueClear,
    /// Gives a device a name.
    #[serde(rename = "device.rename")]
    DeviceRename {
        /// Which.
        device_id: DeviceId,
        /// The name.
        name: String,
    },
    /// Takes a device off the list, with its name; a connected one is sent away.
    #[serde(rename = "device.forget")]
    DeviceForget {
        /// Which.
        device_id: DeviceId,
    },
}

impl<T> Op<T> {
    /// The tracks it names.
    #[must_use]
    pub fn tracks(&self) -> &[T] {
        match self {
            Self::Play { tracks, .. } | Self::QueueReplace { tracks } | Self::QueueInsert { tracks, .. } => tracks,
            _ => &[],
        }
    }

    /// The same operation with its tracks named otherwise.
    #[must_use]
    pub fn with_tracks<U>(self, tracks: Vec<U>) -> Op<U> {
        match self {
            Self::Play { item, start, position_ms, on, .. } => Op::Play { item, tracks, start, position_ms, on },
            Self::QueueReplace { .. } => Op::QueueReplace { tracks },
            Self::QueueInsert { after, before, .. } => Op::QueueInsert { tracks, after, before },
            Self::Pause => Op::Pause,
            Self::Stop => Op::Stop,
            Self::Seek { position_ms } => Op::Seek { position_ms },
            Self::Next => Op::Next,
            Self::Previous => Op::Previous,
            Self::Transfer { to, mode } => Op::Transfer { to, mode },
            Self::Repeat { mode } => Op::Repeat { mode },
            Self::Shuffle { on } => Op::Shuffle { on },
            Self::Rate { rate } => Op::Rate { rate },
            Self::Volume { device_id, level, delta, muted } => Op::Volume { device_id, level, delta, muted },
            Self::QueueMove { item, after, before } => Op::QueueMove { item, after, before },
            Self::QueueRemove { items } => Op::QueueRemove { items },
            Self::QueueClear => Op::QueueClear,
            Self::DeviceRename { device_id, name } => Op::DeviceRename { device_id, name },
            Self::DeviceForget { device_id } => Op::DeviceForget { device_id },
        }
    }
}

/// What a device may say of its audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// Getting ready.
    Starting,
    /// Sounding.
    Playing,
    /// Silent at a kept place.
    Paused,
    /// Waiting for audio.
    Buffering,
    /// The platform refuses.
    Blocked,
    /// The item cannot be played.
    Failed,
}

impl From<Sound> for Status {
    fn from(sound: Sound) -> Self {
        match sound {
            Sound::Starting => Self::Starting,
            Sound::Playing => Self::Playing,
            Sound::Paused => Self::Paused,
            Sound::Buffering => Self::Buffering,
            Sound::Blocked => Self::Blocked,
            Sound::Failed => Self::Failed,
        }
    }
}

impl Sound {
    /// Whether a device that was asked for `intent` may be so; never for `stop`.
    #[must_use]
    pub fn fits(self, intent: Intent) -> bool {
        Status::from(self).is_legal_with(intent)
    }
}

/// What is true on the active device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The right it sounds under.
    pub lease: Stamp,
    /// The turn it has carried out, not the last it has seen.
    pub turn: Stamp,
    /// What plays there.
    pub item: ItemId,
    /// The place at `at_us`.
    pub position_ms: i64,
    /// When it was there, in server time.
    pub at_us: Micros,
    /// How it is.
    pub status: Sound,
}

/// The target of a transfer has the audio loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The lease of the source, whose music it takes over.
    pub lease: Stamp,
    /// The turn it prepared.
    pub turn: Stamp,
    /// The item it loaded.
    pub item: ItemId,
    /// When it could sound.
    pub earliest_us: Micros,
}

/// A device is silent and gives its lease up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yield {
    /// The lease given up.
    pub lease: Stamp,
    /// The `playback` that made it yield.
    pub seen: Stamp,
    /// The `transfer.lease` it yields for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Stamp>,
}

/// An item was played to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The right it sounded under.
    pub lease: Stamp,
    /// The turn carried out.
    pub turn: Stamp,
    /// The item that ended.
    pub item: ItemId,
    /// The item it has gone on to by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_item: Option<ItemId>,
    /// The place at `at_us`: in `to_item` where given, else in `item`.
    pub position_ms: i64,
    /// When.
    pub at_us: Micros,
}

/// The device's own volume changed by a hand on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeChange {
    /// 0 to 100.
    pub level: u8,
    /// Silenced.
    #[serde(default)]
    pub muted: bool,
    /// The version it knew.
    pub version: u64,
}

/// Why a device left of its own will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// Its program ended.
    Close,
    /// Its user logged out.
    Logout,
    /// It goes to sleep.
    Sleep,
}

/// Why a command was not accepted. Stable: clients decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// What the person saw is no longer so.
    Stale,
    /// It does not fit the state.
    Conflict,
    /// This device may not.
    Denied,
    /// The device in question is out of contact.
    Offline,
    /// The command makes no sense.
    Invalid,
    /// Try again.
    Busy,
    /// The database is out of reach.
    Unavailable,
    /// Too many.
    RateLimited,
    /// Nobody is active and the sender cannot play.
    NoActiveDevice,
}
