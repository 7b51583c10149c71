//! The incoming frames of one socket, pure: each frame is decoded and rate-limited, and leads to one [`InboundAction`],
//! which the actor of the socket carries out. No message of the wire is passed on as it is.

use super::rate_limit::{MessageClass, RateLimit, Verdict};
use crate::protocol::close::CloseReason;
use crate::protocol::error::WireError;
use crate::protocol::ids::{CommandId, ConnectionId, DeviceId, MediaId, Micros};
use crate::protocol::messages::{Command, Op, RejectCode};
use crate::protocol::wire::{ClientMessage, Hello, ServerMessage};
use crate::state::devices::Description;
use crate::state::{DeviceEvent, Join};

/// What is done about a frame.
#[derive(Debug, PartialEq)]
pub enum InboundAction {
    /// The device joins its session, if its token is valid ([`join`]).
    Join(Box<Hello>),
    /// A clock probe is answered.
    Time {
        /// The client's clock when it sent the probe, in microseconds.
        client_us: i64,
    },
    /// The tracks of the command are looked up, and then it goes to the session ([`DeviceEvent::command`]).
    Command(Box<Command<MediaId>>),
    /// The event goes to the session.
    Pass(DeviceEvent),
    /// The device leaves.
    Leave,
    /// Nothing is done.
    Ignore,
    /// Only this answer is sent.
    Answer(ServerMessage),
    /// The socket is closed with this reason; the text is for the log.
    End(CloseReason, String),
}

/// The limits of one socket, and how much of them is used.
#[derive(Debug)]
pub struct Inbound {
    rate_limit: RateLimit,
    /// Most tracks in one command.
    tracks: usize,
}

impl Inbound {
    /// A new socket, whose commands may name at most `tracks` tracks.
    #[must_use]
    pub fn new(tracks: usize) -> Self {
        Self { rate_limit: RateLimit::default(), tracks }
    }

    /// Whether a ping or pong of the protocol is within the rate limit.
    pub fn may_ping(&mut self, now: Micros) -> bool {
        self.rate_limit.take(now, MessageClass::Other) == Verdict::Allowed
    }

    /// Decodes a frame and decides about it; `has_joined`: the socket has sent its `hello`.
    pub fn read(&mut self, now: Micros, text: &str, has_joined: bool) -> InboundAction {
        match ClientMessage::decode(text) {
            Ok(message) => self.decide(now, message, has_joined),
            Err(error) => InboundAction::End(CloseReason::BadFrame, error.to_string()),
        }
    }

    /// The same for a frame that is decoded already.
    pub fn decide(&mut self, now: Micros, message: ClientMessage, has_joined: bool) -> InboundAction {
        // The first `hello` is not counted: the burst is there for what follows it.
        let is_first = !has_joined && matches!(message, ClientMessage::Hello(_));
        if !is_first && let Some(refusal) = self.refusal(now, &message) {
            return refusal;
        }
        let bad = |why: &str| InboundAction::End(CloseReason::BadFrame, why.to_owned());
        match message {
            ClientMessage::Time { client_us } => InboundAction::Time { client_us },
            ClientMessage::Hello(hello) if !has_joined => InboundAction::Join(hello),
            ClientMessage::Hello(_) => bad("a second hello"),
            _ if !has_joined => bad("a frame before the hello"),
            ClientMessage::Command(command) if command.op.tracks().len() > self.tracks => {
                let why = format!("a command names at most {} tracks; send them in parts", self.tracks);
                reject(command.id, RejectCode::Invalid, why, None)
            }
            ClientMessage::Command(command) => InboundAction::Command(command),
            ClientMessage::BadCommand { id, why } => reject(id, RejectCode::Invalid, why, None),
            ClientMessage::Report(report) => InboundAction::Pass(DeviceEvent::Report(report)),
            ClientMessage::Ready(ready) => InboundAction::Pass(DeviceEvent::Ready(ready)),
            ClientMessage::Yield(yielded) => InboundAction::Pass(DeviceEvent::Yield(yielded)),
            ClientMessage::Ended(ended) => InboundAction::Pass(DeviceEvent::Ended(ended)),
            ClientMessage::Volume(change) => InboundAction::Pass(DeviceEvent::Volume(change)),
            ClientMessage::Queue { from, limit } => InboundAction::Pass(DeviceEvent::Queue { from, limit }),
            ClientMessage::Bye { .. } => InboundAction::Leave,
            // A pong is noticed as a sign of life, as every frame is.
            ClientMessage::Pong | ClientMessage::Unknown => InboundAction::Ignore,
        }
    }

    /// What is done about a rate-limited message: a command is rejected, a clock probe or a request for a queue page
    /// gets no answer. Any other message must not be lost, so it closes the socket. `None`: the message is not limited.
    fn refusal(&mut self, now: Micros, message: &ClientMessage) -> Option<InboundAction> {
        let (class, command) = match message {
            ClientMessage::Command(command) => match command.op {
                Op::Seek { .. } | Op::Volume { level: Some(_), delta: None, .. } => {
                    (MessageClass::Coalesced, Some(command.id))
                }
                Op::PlayList { .. } => (MessageClass::List, Some(command.id)),
                _ => (MessageClass::Command, Some(command.id)),
            },
            ClientMessage::BadCommand { id, .. } => (MessageClass::Command, Some(*id)),
            ClientMessage::Volume(_) => (MessageClass::Coalesced, None),
            ClientMessage::Queue { .. } => (MessageClass::Queue, None),
            ClientMessage::Time { .. } => (MessageClass::Time, None),
            _ => (MessageClass::Other, None),
        };
        match (self.rate_limit.take(now, class), command) {
            (Verdict::Allowed, _) => None,
            (Verdict::Limited(retry_ms), Some(id)) => {
                let why = "this device is over its rate limit; wait for retry_ms milliseconds".to_owned();
                Some(reject(id, RejectCode::RateLimited, why, Some(retry_ms)))
            }
            (Verdict::Limited(_), None) if matches!(class, MessageClass::Time | MessageClass::Queue) => {
                Some(InboundAction::Ignore)
            }
            (Verdict::Limited(_) | Verdict::Disconnect, _) => Some(InboundAction::End(
                CloseReason::Flooding,
                format!("over the rate limit of messages of class {class:?}"),
            )),
        }
    }
}

fn reject(id: CommandId, code: RejectCode, message: String, retry_ms: Option<u32>) -> InboundAction {
    InboundAction::Answer(ServerMessage::Reject { id, code, message, retry_ms })
}

/// The event by which the device of this `hello` joins its session; `random` gives 64 random bits a call.
///
/// # Errors
/// `WireError` when a field of the device's description exceeds its bound.
pub fn join(hello: Hello, connection: ConnectionId, random: impl Fn() -> u64) -> Result<Join, WireError> {
    Ok(Join {
        connection,
        device_id: hello.device.id.unwrap_or_else(|| DeviceId(random())),
        spare_id: DeviceId(random()),
        instance: hello.device.instance,
        seen: hello.seen,
        attempt: hello.attempt,
        description: Description::of(hello.device)?,
    })
}
