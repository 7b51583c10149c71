//! What a session and the sockets of its devices tell each other.

use crate::protocol::close::CloseReason;
use crate::protocol::ids::ConnectionId;
use crate::state::{DeviceEvent, Join, Leaving};
use actix::{Message, Recipient};
use std::sync::Arc;

/// What the actor of a socket tells the session of its device.
#[derive(Message)]
#[rtype(result = "()")]
pub enum ToSession {
    /// A device has said a valid `hello`; answered once the session has taken it in.
    Attach {
        /// Who it is.
        join: Join,
        /// The actor of its socket.
        socket: Recipient<ToSocket>,
    },
    /// A joined device has sent a message.
    Event {
        /// Its socket.
        connection: ConnectionId,
        /// The message.
        event: DeviceEvent,
    },
    /// The socket of a joined device has ended.
    Detach {
        /// Its socket.
        connection: ConnectionId,
        /// How it ended.
        how: Leaving,
    },
}

/// What a session tells the actor of a device's socket.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub enum ToSocket {
    /// Send this.
    Frame(FrameKind, Arc<str>),
    /// You are (or are no longer) the one that plays.
    Watch(bool),
    /// Show within 2 s that you live.
    Probe,
    /// End your socket.
    Close(CloseReason),
}

/// What a frame carries, as far as waiting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// The whole playback: a newer one says everything an older one did.
    Playback,
    /// The whole device list, likewise.
    Devices,
    /// Anything else: each one counts.
    Other,
}
