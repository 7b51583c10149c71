//! The messages between a session and the actors of its devices' sockets.

use crate::protocol::close::CloseReason;
use crate::protocol::ids::ConnectionId;
use crate::state::{DeviceEvent, Join, Leaving};
use actix::{Message, Recipient};
use std::sync::Arc;

/// A message from the actor of a socket to the session of its device.
#[derive(Message)]
#[rtype(result = "()")]
pub enum ToSession {
    /// A device has sent a valid `hello`; answered when the session has taken it in.
    Attach {
        /// The device.
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

/// A message from a session to the actor of a device's socket.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub enum ToSocket {
    /// Send this frame.
    Frame(FrameKind, Arc<str>),
    /// The device is the active one that is to play now (`true`), or no longer is.
    Watch(bool),
    /// Ping the device: it must answer within 2 s.
    Probe,
    /// Logins have ended: look whether the device's has.
    CheckLogin,
    /// Close the socket with this reason.
    Close(CloseReason),
}

/// The kind of a frame, which decides whether a newer frame replaces it while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// The whole playback: a newer one replaces an older one.
    Playback,
    /// The whole device list: a newer one replaces an older one.
    Devices,
    /// When what the user keeps has changed: a newer one replaces an older one.
    Library,
    /// A page of the queue: each frame is sent.
    Page,
    /// Anything else: each frame is sent.
    Other,
}
