//! The payloads of the messages between devices and a session, without their JSON envelopes (`wire`).

use super::device::Volume;
use super::ids::{CommandId, DeviceId, ItemId, ListId, MediaId, Micros, Stamp};
use super::playback::{Intent, Playback, Rate, Repeat, Status};
use serde::{Deserialize, Serialize};

/// A command of a person or program, from any device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command<T> {
    /// Chosen by the device; a resent command keeps it.
    pub id: CommandId,
    /// The item that the person saw: if another one is current, the command is rejected `stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_item: Option<ItemId>,
    /// The queue revision that the person saw: if the queue has another one, the command is rejected `stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_queue_revision: Option<u64>,
    /// The lease that the person saw: if another one is current, the command is rejected `stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_lease: Option<Stamp>,
    /// The operation.
    #[serde(flatten)]
    pub op: Op<T>,
}

/// What a transfer does to the intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferMode {
    /// The intent stays as it is.
    #[default]
    Keep,
    /// The intent becomes `play`.
    Play,
    /// The intent becomes `pause`.
    Pause,
}

/// A list of tracks that the server keeps, in the order in which its answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum TrackList {
    /// The tracks of an album.
    Album {
        /// The album.
        id: ListId,
    },
    /// The tracks of an artist, by title.
    Artist {
        /// The artist.
        id: ListId,
    },
    /// The tracks of a playlist.
    Playlist {
        /// The playlist.
        id: ListId,
    },
    /// The tracks that the user saved, the newest first.
    Saved,
    /// All tracks.
    Tracks {
        /// Their order.
        #[serde(default)]
        sort: TrackOrder,
    },
    /// The tracks that a search finds, the best match first.
    Search {
        /// What is searched for.
        q: String,
    },
}

/// The order of all tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackOrder {
    /// By title.
    #[default]
    Name,
    /// Those that were found last come first.
    Newest,
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
        /// Where in the item, in milliseconds from its start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position_ms: Option<i64>,
        /// On which device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<DeviceId>,
    },
    /// Plays the tracks of a list in place of the queue.
    #[serde(rename = "play.list")]
    PlayList {
        /// The list.
        list: TrackList,
        /// Its tracks, which the server looks up; not on the wire.
        #[serde(skip, default = "Vec::new")]
        tracks: Vec<T>,
        /// Which of the list's tracks comes first, from 0; without it the first one, or any one when shuffled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<usize>,
        /// The track that the person saw at `start`: where the list has changed, the nearest one of this id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track: Option<MediaId>,
        /// Whether the queue is permuted; without it as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shuffle: Option<bool>,
        /// On which device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<DeviceId>,
    },
    /// Silence; the position is kept.
    Pause,
    /// Silence; no device is active any more, and the queue is kept.
    Stop,
    /// Another place in the item.
    Seek {
        /// Milliseconds from the item's start.
        position_ms: i64,
    },
    /// The following item; a device names the item that it showed in `if_item`.
    Next,
    /// The item's start, or in its first 3 s the item before; a device names the item that it showed in `if_item`.
    Previous,
    /// Moves playback to another device.
    Transfer {
        /// The target.
        to: DeviceId,
        /// What happens to the intent.
        #[serde(default)]
        mode: TransferMode,
    },
    /// What happens at the end of item and queue.
    Repeat {
        /// The new mode.
        mode: Repeat,
    },
    /// Permutes the queue, or brings its earlier order back.
    Shuffle {
        /// `true`: permute; `false`: bring the order back.
        on: bool,
    },
    /// Playing speed.
    Rate {
        /// The new speed.
        rate: Rate,
    },
    /// Loudness of a device.
    Volume {
        /// The device; without it the active one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device_id: Option<DeviceId>,
        /// 0 to 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<u8>,
        /// Added to the current level.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delta: Option<i16>,
        /// Whether it is muted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<bool>,
    },
    /// Replaces the queue; the current item stays as the first entry.
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
        /// Right after this entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ItemId>,
        /// Right before this entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<ItemId>,
    },
    /// Moves an entry; to the end unless `after` or `before` names another.
    #[serde(rename = "queue.move")]
    QueueMove {
        /// The entry.
        item: ItemId,
        /// Right after this entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ItemId>,
        /// Right before this entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<ItemId>,
    },
    /// Removes entries.
    #[serde(rename = "queue.remove")]
    QueueRemove {
        /// The entries.
        items: Vec<ItemId>,
    },
    /// Removes all entries but the current one.
    #[serde(rename = "queue.clear")]
    QueueClear,
    /// Gives a device a name.
    #[serde(rename = "device.rename")]
    DeviceRename {
        /// The device.
        device_id: DeviceId,
        /// The name.
        name: String,
    },
    /// Removes a device and its name from the list; the socket of a connected one is closed.
    #[serde(rename = "device.forget")]
    DeviceForget {
        /// The device.
        device_id: DeviceId,
    },
}

impl<T> Op<T> {
    /// Plays these tracks from the first one on, in place of the queue: on the active device, or without one on the
    /// device that sends the command.
    #[must_use]
    pub const fn play(tracks: Vec<T>) -> Self {
        Self::Play { item: None, tracks, start: None, position_ms: None, on: None }
    }

    /// The tracks it names.
    #[must_use]
    pub fn tracks(&self) -> &[T] {
        match self {
            Self::Play { tracks, .. }
            | Self::PlayList { tracks, .. }
            | Self::QueueReplace { tracks }
            | Self::QueueInsert { tracks, .. } => tracks,
            _ => &[],
        }
    }

    /// Of a list, the track at this place among those that were looked up comes first.
    pub const fn start_at(&mut self, place: Option<usize>) {
        if let Self::PlayList { start, .. } = self {
            *start = place;
        }
    }

    /// The same operation with `tracks` instead of its tracks.
    #[must_use]
    pub fn with_tracks<U>(self, tracks: Vec<U>) -> Op<U> {
        match self {
            Self::Play { item, start, position_ms, on, .. } => Op::Play { item, tracks, start, position_ms, on },
            Self::PlayList { list, start, track, shuffle, on, .. } => {
                Op::PlayList { list, tracks, start, track, shuffle, on }
            }
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

/// What a device reports of its audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// About to sound.
    Starting,
    /// Sounding.
    Playing,
    /// Silent; the position is kept.
    Paused,
    /// Waiting for audio.
    Buffering,
    /// The platform refuses sound until a person acts on the device.
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
    /// Whether a device may report this under `intent`; never under `stop`.
    #[must_use]
    pub fn fits(self, intent: Intent) -> bool {
        Status::from(self).is_legal_with(intent)
    }
}

/// What the active device says of its audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The lease it sounds under.
    pub lease: Stamp,
    /// The turn it has carried out, not the last it has seen.
    pub turn: Stamp,
    /// The item that it plays.
    pub item: ItemId,
    /// The position at `at_us`, in milliseconds.
    pub position_ms: i64,
    /// The instant of the position, in server time.
    pub at_us: Micros,
    /// What the audio does.
    pub status: Sound,
    /// The stamp of the newest `playback` that the device was sent, if the device adds its reports to that by itself
    /// ([`Report::added_to`]): then it is not sent what they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Stamp>,
}

impl Report {
    /// A report under the shown status changes nothing if its place is within this of the shown one, in milliseconds.
    pub const AGREES_MS: i64 = 40;

    /// Whether this is what is shown, and so changes nothing.
    #[must_use]
    pub fn agrees_with(&self, shown: &Playback) -> bool {
        let apart_ms = (shown.clamp_ms(self.position_ms) - shown.position_at(self.at_us)).abs();
        Status::from(self.status) == shown.status && apart_ms <= Self::AGREES_MS && self.at_us >= shown.at_us
    }

    /// What is shown once this report is accepted, under the stamp from before. A device that sends `seen` keeps this as what
    /// it is shown. A report that something failed leads to more than that, which its author is sent as well.
    #[must_use]
    pub fn added_to(&self, shown: &Playback) -> Playback {
        let (mut after, status) = (shown.clone(), Status::from(self.status));
        (after.position_ms, after.at_us, after.status) = (shown.clamp_ms(self.position_ms), self.at_us, status);
        after.unplayable.take_if(|given_up| status == Status::Playing && given_up.item == self.item);
        after.by = None;
        after
    }
}

/// The target of a transfer has the audio loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The lease of the source.
    pub lease: Stamp,
    /// The turn it prepared.
    pub turn: Stamp,
    /// The item it loaded.
    pub item: ItemId,
    /// The earliest instant at which it could sound, in server time.
    pub earliest_us: Micros,
}

/// A device gives its lease up: it is silent, or will be at the instant of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yield {
    /// The lease given up.
    pub lease: Stamp,
    /// The stamp of the `playback` that made it yield.
    pub seen: Stamp,
    /// The `transfer.lease` it yields for; absent: it is silent already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Stamp>,
}

/// An item was played to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The lease it sounded under.
    pub lease: Stamp,
    /// The turn carried out.
    pub turn: Stamp,
    /// The item that ended.
    pub item: ItemId,
    /// The item it has gone on to by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_item: Option<ItemId>,
    /// The position at `at_us`, in milliseconds: in `to_item` where given, else in `item`.
    pub position_ms: i64,
    /// The instant of the position, in server time.
    pub at_us: Micros,
}

/// The device's volume was changed on the device itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeChange {
    /// 0 to 100.
    pub level: u8,
    /// Whether it is muted.
    #[serde(default)]
    pub muted: bool,
    /// The newest version that the device knew.
    pub version: u64,
}

impl From<Volume> for VolumeChange {
    fn from(Volume { level, muted, version }: Volume) -> Self {
        Self { level, muted, version }
    }
}

/// Why a device leaves.
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
    /// A precondition (`if_…`) names what is no longer current.
    Stale,
    /// It does not fit the current state.
    Conflict,
    /// The sender may not do this, or the named device cannot.
    Denied,
    /// The device in question is out of contact.
    Offline,
    /// The command has wrong values, or names something that does not exist.
    Invalid,
    /// The session has too much to do; the same command may succeed later.
    Busy,
    /// The database is out of reach.
    Unavailable,
    /// The rate limit is exceeded.
    RateLimited,
    /// No device is active, and the sender cannot play.
    NoActiveDevice,
}
