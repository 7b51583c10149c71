//! The protocol's messages as JSON text frames `{"type": …}`; the server and its clients share them.
//! `actors/PROTOCOL.md` describes them and its examples run against this file.

use super::close::CloseReason;
use super::device::{DeviceList, HelloDevice};
use super::ids::{ClockId, CommandId, DeviceId, ItemId, MediaId, Micros, Stamp};
use super::messages::{ByeReason, Command, Ended, Op, Ready, RejectCode, Report, VolumeChange, Yield};
use super::playback::{Item, Playback};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The WebSocket subprotocol that both sides name.
pub const SUBPROTOCOL: &str = "segue.sync.v1";
/// Longest frame a device may send, in bytes.
pub const FRAME_BYTES: usize = 64 * 1024;
/// Longest page of the queue.
pub const PAGE_ITEMS: usize = 200;
/// Longest reason of a refusal, in characters.
const REASON_CHARS: usize = 400;

/// The first message of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The login, for clients that cannot set a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Who it is.
    pub device: HelloDevice,
    /// The newest stamp it was shown: a server whose database was put back goes on above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Stamp>,
}

/// What a device sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Joins.
    Hello(Box<Hello>),
    /// A clock probe.
    Time {
        /// The client's clock as it sent this.
        client_us: i64,
    },
    /// A command.
    Command(Box<Command<MediaId>>),
    /// A command that cannot be understood, and why; answered with a reject. Never sent as it is.
    #[serde(skip)]
    BadCommand {
        /// Its id.
        id: CommandId,
        /// What is wrong with it, for the author of the client.
        why: String,
    },
    /// What is true.
    Report(Report),
    /// A transfer's target has the audio loaded.
    Ready(Ready),
    /// It is silent.
    Yield(Yield),
    /// An item came to its end.
    Ended(Ended),
    /// A hand turned its volume.
    Volume(VolumeChange),
    /// It wants a page of the queue.
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
        /// Why.
        reason: ByeReason,
    },
    /// A type this server does not know: ignored.
    #[serde(other)]
    Unknown,
}

/// The fields of a command whose operation cannot be understood; without them the frame is no message.
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

/// A frame that is not a message: what was wrong, for the author of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError(pub String);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WireError {}

/// Short and on one line, whatever a peer has put into it: it is logged, and answered.
impl From<serde_json::Error> for WireError {
    fn from(error: serde_json::Error) -> Self {
        let plain = |char: char| if char.is_control() { ' ' } else { char };
        Self(error.to_string().chars().take(REASON_CHARS).map(plain).collect())
    }
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
        // An array of the fields would be read as well.
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

fn to_json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages have string keys and no failing serializers")
}

/// The numbers that a client must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLimits {
    /// Between two pings to an active device.
    pub heartbeat_ms: i64,
    /// Between two protocol pings to an idle device.
    pub idle_ms: i64,
    /// After this long without a word from the active device the server gives it up; after 1.1 times as long without
    /// one from the server the device reconnects.
    pub lease_ms: i64,
    /// How long a device that is cut off may sound.
    pub audio_ms: i64,
    /// Longest frame.
    pub frame_bytes: usize,
    /// Longest page of the queue.
    pub page_items: usize,
    /// Most tracks in one command.
    pub tracks: usize,
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The whole state, first of all.
    Welcome(Box<Welcome>),
    /// What plays.
    Playback(Box<Playback>),
    /// Who is there.
    Devices(DeviceList),
    /// A page of the queue.
    Queue(QueuePage),
    /// Answers a clock probe.
    Time {
        /// As it came.
        client_us: i64,
        /// When the probe was received.
        received_us: Micros,
        /// When this was sent.
        sent_us: Micros,
    },
    /// Asks the active device for a sign of life.
    Ping {
        /// The server's time.
        now_us: Micros,
    },
    /// The command is in the database.
    Ack {
        /// Which.
        id: CommandId,
        /// The revision it made.
        revision: u64,
    },
    /// The command changed nothing.
    Reject {
        /// Which.
        id: CommandId,
        /// For programs.
        code: RejectCode,
        /// For people.
        message: String,
        /// When to try again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u32>,
    },
    /// The socket is about to be closed.
    Goaway {
        /// As in the close frame.
        code: u16,
        /// The stable word for it.
        reason: String,
        /// Whether to come back.
        reconnect: bool,
        /// Wait a random part of this first.
        jitter_ms: i64,
    },
    /// A type this client does not know: ignored.
    #[serde(other)]
    Unknown,
}

/// Everything a device needs to be right from its first frame on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The id it goes by, to be kept.
    pub device_id: DeviceId,
    /// The server's time.
    pub now_us: Micros,
    /// The clock of every `*_us`.
    pub clock_id: ClockId,
    /// Wait a random part of this before reconnecting.
    pub jitter_ms: i64,
    /// The numbers.
    pub limits: ClientLimits,
    /// What plays.
    pub playback: Playback,
    /// Who is there.
    pub devices: DeviceList,
}

/// Part of the queue, in play order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePage {
    /// With `queue_revision`: its order.
    pub epoch: u64,
    /// Of the queue's last change.
    pub queue_revision: u64,
    /// Index of the first entry here.
    pub from: usize,
    /// Entries in all.
    pub total: usize,
    /// The entries.
    pub items: Vec<Item>,
}

impl ServerMessage {
    /// The words before a socket is closed.
    #[must_use]
    pub fn goaway(reason: CloseReason, jitter_ms: i64) -> Self {
        Self::Goaway { code: reason.code(), reason: reason.slug().to_owned(), reconnect: reason.reconnect(), jitter_ms }
    }

    /// Writes a frame.
    #[must_use]
    pub fn encode(&self) -> String {
        to_json(self)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// `WireError` when it is not a message.
    pub fn decode(text: &str) -> Result<Self, WireError> {
        Ok(serde_json::from_str(text)?)
    }
}
