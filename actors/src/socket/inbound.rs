//! What comes in on one socket, pure: each frame is read and rate-limited, and becomes one thing to do about it. The actor
//! of the socket carries it out.

use super::rate_limit::{MessageClass, RateLimit, Verdict};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{CommandId, ConnectionId, DeviceId, Micros};
use crate::protocol::messages::{Op, RejectCode};
use crate::protocol::wire::{ClientMessage, Hello, ServerMessage, WireError};
use crate::state::Join;
use crate::state::devices::Description;

/// What becomes of a frame.
#[derive(Debug, PartialEq)]
pub enum InboundAction {
    /// It is a message that this device may send now: the actor of the socket carries it out.
    Accept(ClientMessage),
    /// Nothing.
    Ignore,
    /// This is answered, and nothing else happens.
    Answer(ServerMessage),
    /// The socket ends, and why, for the log.
    End(CloseReason, String),
}

/// What one socket may say, and has said of late.
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

    /// Reads a frame of a device that `has_joined` or not.
    pub fn read(&mut self, now: Micros, text: &str, has_joined: bool) -> InboundAction {
        match ClientMessage::decode(text) {
            Ok(message) => self.decide(now, message, has_joined),
            Err(error) => InboundAction::End(CloseReason::BadFrame, error.to_string()),
        }
    }

    /// The same of a frame that was read.
    pub fn decide(&mut self, now: Micros, message: ClientMessage, has_joined: bool) -> InboundAction {
        if let Some(refusal) = self.refusal(now, &message) {
            return refusal;
        }
        let bad = |why: &str| InboundAction::End(CloseReason::BadFrame, why.to_owned());
        match (message, has_joined) {
            (ClientMessage::Hello(_), true) => bad("a second hello"),
            (message @ (ClientMessage::Time { .. } | ClientMessage::Hello(_)), _) => InboundAction::Accept(message),
            (_, false) => bad("a frame before the hello"),
            (ClientMessage::Command(command), true) if command.op.tracks().len() > self.tracks => {
                let why = format!("a command names at most {} tracks; send them in parts", self.tracks);
                reject(command.id, RejectCode::Invalid, why, None)
            }
            (ClientMessage::BadCommand { id, why }, true) => reject(id, RejectCode::Invalid, why, None),
            (message, true) => InboundAction::Accept(message),
        }
    }

    /// What becomes of a rate-limited message: a command is rejected, a probe or a page not answered, and what can
    /// be neither ends the socket, for nothing of it may be lost.
    fn refusal(&mut self, now: Micros, message: &ClientMessage) -> Option<InboundAction> {
        let (class, command) = match message {
            ClientMessage::Command(command) => match command.op {
                Op::Seek { .. } | Op::Volume { level: Some(_), delta: None, .. } => {
                    (MessageClass::Coalesced, Some(command.id))
                }
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
                let why = "this device sends more than it may; wait for retry_ms".to_owned();
                Some(reject(id, RejectCode::RateLimited, why, Some(retry_ms)))
            }
            (Verdict::Limited(_), None) if matches!(class, MessageClass::Time | MessageClass::Queue) => {
                Some(InboundAction::Ignore)
            }
            (Verdict::Limited(_) | Verdict::Disconnect, _) => {
                Some(InboundAction::End(CloseReason::Flooding, format!("too much: {class:?}")))
            }
        }
    }
}

fn reject(id: CommandId, code: RejectCode, message: String, retry_ms: Option<u32>) -> InboundAction {
    InboundAction::Answer(ServerMessage::Reject { id, code, message, retry_ms })
}

/// The device on this socket, for its session; `random` gives 64 bits a call.
///
/// # Errors
/// `WireError` when a field is beyond its bound.
pub fn join(hello: Hello, connection: ConnectionId, random: impl Fn() -> u64) -> Result<Join, WireError> {
    Ok(Join {
        connection,
        device_id: hello.device.id.unwrap_or_else(|| DeviceId(random())),
        spare_id: DeviceId(random()),
        instance: hello.device.instance,
        seen: hello.seen,
        description: Description::of(hello.device)?,
    })
}
