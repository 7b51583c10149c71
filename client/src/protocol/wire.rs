//! The protocol's messages as JSON text frames `{"type": …}`; the server and its clients share them.
//! `actors/PROTOCOL.md` describes them and its examples run against this file.

use super::close::CloseReason;
use super::device::{DeviceList, HelloDevice};
use super::error::WireError;
use super::ids::{ClockId, CommandId, DeviceId, ItemId, MediaId, Micros, Stamp};
use super::messages::{ByeReason, Command, Ended, Op, Ready, RejectCode, Report, VolumeChange, Yield};
use super::playback::{Item, Playback};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::sync::Arc;

/// The WebSocket subprotocol that both sides name.
pub const SUBPROTOCOL: &str = "segue.sync.v1";
/// Longest frame a device may send, in bytes.
pub const FRAME_BYTES: usize = 64 * 1024;
/// Longest page of the queue, in entries.
pub const PAGE_ITEMS: usize = 200;

/// The first message of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The token of the login, for clients that cannot set a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The device.
    pub device: HelloDevice,
    /// The newest stamp it was shown: a server whose database was restored from an older copy begins an epoch above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Stamp>,
    /// The number of this `hello` within the instance, from 1, one higher with each: a `hello` that was delayed does not
    /// take the place of a later one (R9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// What a device sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Joins the session; the first message of a device.
    Hello(Box<Hello>),
    /// A clock probe.
    Time {
        /// The client's clock when it sent this, in microseconds.
        client_us: i64,
    },
    /// A command.
    Command(Box<Command<MediaId>>),
    /// A command that cannot be understood, and why; answered with a reject. Never sent as it is.
    #[serde(skip)]
    BadCommand {
        /// The id of the command.
        id: CommandId,
        /// What is wrong with it, for the author of the client.
        why: String,
    },
    /// What the active device says of its audio.
    Report(Report),
    /// A transfer's target has the audio loaded.
    Ready(Ready),
    /// It gives its lease up: it is silent, or will be at the instant of a switch.
    Yield(Yield),
    /// An item came to its end.
    Ended(Ended),
    /// Its volume was changed on the device itself.
    Volume(VolumeChange),
    /// It asks for a page of the queue.
    Queue {
        /// First entry, from 0.
        from: usize,
        /// At most this many.
        limit: usize,
    },
    /// Answers a `ping`.
    Pong,
    /// Leaves cleanly.
    Bye {
        /// Why it leaves.
        reason: ByeReason,
    },
    /// A type this server does not know: ignored.
    #[serde(other)]
    Unknown,
}

/// The fields of a command whose operation cannot be understood; if these cannot be read either, the frame is not a
/// message.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum CommandHead {
    Command {
        id: CommandId,
        #[serde(default, rename = "if_item")]
        _if_item: Option<ItemId>,
        #[serde(default, rename = "if_queue_revision")]
        _if_queue_revision: Option<u64>,
        #[serde(default, rename = "if_lease")]
        _if_lease: Option<Stamp>,
    },
}

impl ClientMessage {
    /// Reads a frame.
    ///
    /// # Errors
    /// `WireError` when it is longer than [`FRAME_BYTES`], not JSON, or not shaped as its type says.
    pub fn decode(text: &str) -> Result<Self, WireError> {
        if text.len() > FRAME_BYTES {
            return Err(WireError(format!("a frame has at most {FRAME_BYTES} bytes")));
        }
        // Without this check an array of the fields would be accepted as well.
        if text.trim_start().starts_with('[') {
            return Err(WireError("a frame is one JSON object".to_owned()));
        }
        serde_json::from_str(text).or_else(|error| {
            let (head, op) = (serde_json::from_str::<CommandHead>(text), serde_json::from_str::<Op<MediaId>>(text));
            match (head, op) {
                (Ok(CommandHead::Command { id, .. }), Err(why)) => {
                    Ok(Self::BadCommand { id, why: WireError::from(why).0 })
                }
                _ => Err(error.into()),
            }
        })
    }

    /// Writes a frame.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::BadCommand { .. } => to_json(&Self::Unknown),
            message => to_json(message),
        }
    }
}

/// The most bytes that the buffer for a frame keeps.
const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    /// A frame, while it is written. There is one buffer for each thread.
    static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

fn shared_json(message: &impl Serialize) -> Arc<str> {
    FRAME.with_borrow_mut(|frame| {
        frame.clear();
        serde_json::to_writer(&mut *frame, message).expect("messages have string keys and no failing serializers");
        let text = str::from_utf8(frame).expect("JSON is text").into();
        frame.shrink_to(KEPT_BYTES);
        text
    })
}

/// The frame of a [`ServerMessage::Playback`].
#[must_use]
pub fn playback_frame(playback: &Playback) -> Arc<str> {
    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Borrowed<'a> {
        Playback(&'a Playback),
    }
    shared_json(&Borrowed::Playback(playback))
}

fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages have string keys and no failing serializers")
}

/// The numbers that a client must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLimits {
    /// Time between two pings to an active device, in milliseconds.
    pub heartbeat_ms: i64,
    /// Time between two protocol pings to an idle device, in milliseconds.
    pub idle_ms: i64,
    /// After this many milliseconds without a frame from the active device the server drops it; after 1.1 times as long
    /// without a frame from the server the active device reconnects.
    pub lease_ms: i64,
    /// How long a device that is cut off may sound, in milliseconds.
    pub audio_ms: i64,
    /// Longest frame, in bytes.
    pub frame_bytes: usize,
    /// Longest page of the queue, in entries.
    pub page_items: usize,
    /// Most tracks in one command.
    pub tracks: usize,
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The whole state; the first message after a `hello`.
    Welcome(Box<Welcome>),
    /// What plays.
    Playback(Box<Playback>),
    /// The device list.
    Devices(DeviceList),
    /// A page of the queue.
    Queue(QueuePage),
    /// Answers a clock probe.
    Time {
        /// The `client_us` of the probe.
        client_us: i64,
        /// When the probe was received.
        received_us: Micros,
        /// When this was sent.
        sent_us: Micros,
    },
    /// Asks a device for a sign of life.
    Ping {
        /// The server's time.
        now_us: Micros,
    },
    /// When the user's saved music and playlists last changed.
    Library(Library),
    /// The command is in the database.
    Ack {
        /// The id of the command.
        id: CommandId,
        /// The revision it made.
        revision: u64,
        /// How many entries the queue has, if this command made it and no later one has changed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue_length: Option<usize>,
    },
    /// The command changed nothing.
    Reject {
        /// The id of the command.
        id: CommandId,
        /// The stable code, for programs.
        code: RejectCode,
        /// The text for people.
        message: String,
        /// After how many milliseconds the command may be sent again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u32>,
    },
    /// The socket is about to be closed.
    Goaway {
        /// The code of the close frame.
        code: u16,
        /// The stable word for the reason.
        reason: String,
        /// Whether the device should connect again.
        reconnect: bool,
        /// The device waits a random part of this before it connects again, in milliseconds.
        jitter_ms: i64,
        /// It waits for this as well, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u32>,
    },
    /// A type this client does not know: ignored.
    #[serde(other)]
    Unknown,
}

/// Everything that a device needs to show and carry out the current state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The device's id, which it stores.
    pub device_id: DeviceId,
    /// The server's time.
    pub now_us: Micros,
    /// The clock of every `*_us`.
    pub clock_id: ClockId,
    /// The device waits a random part of this before it connects again, in milliseconds.
    pub jitter_ms: i64,
    /// Times and limits.
    pub limits: ClientLimits,
    /// What plays.
    pub playback: Playback,
    /// The device list.
    pub devices: DeviceList,
    /// When the user's saved music and playlists last changed.
    #[serde(default)]
    pub library: Library,
}

/// When what a user keeps was last changed, in server time, as far as the session knows: a device that was shown another
/// instant reads it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Library {
    /// Saved tracks and albums, and artists that are followed.
    pub saved_us: Micros,
    /// The user's own playlists.
    pub playlists_us: Micros,
}

/// Part of the queue, in play order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePage {
    /// With `queue_revision`: the stamp that orders pages of the queue.
    pub epoch: u64,
    /// The revision of the queue's last change.
    pub queue_revision: u64,
    /// Index of the first entry here.
    pub from: usize,
    /// Entries in the whole queue.
    pub total: usize,
    /// The entries.
    pub items: Vec<Item>,
}

impl ServerMessage {
    /// The `goaway` that is sent before a socket is closed.
    #[must_use]
    pub fn goaway(reason: CloseReason, jitter_ms: i64) -> Self {
        let (code, slug) = (reason.code(), reason.slug().to_owned());
        let (reconnect, retry_ms) = (reason.reconnect(), reason.retry_ms());
        Self::Goaway { code, reason: slug, reconnect, jitter_ms, retry_ms }
    }

    /// Writes a frame.
    #[must_use]
    pub fn encode(&self) -> String {
        to_json(self)
    }

    /// Writes a frame that several sockets share.
    #[must_use]
    pub fn to_frame(&self) -> Arc<str> {
        shared_json(self)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// `WireError` when it is not a message.
    pub fn decode(text: &str) -> Result<Self, WireError> {
        Ok(serde_json::from_str(text)?)
    }
}
