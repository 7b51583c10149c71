//! A node: one server process. What its actors share, the ports to the outside world, and the messages between actors.

mod messages;
pub mod ports;
mod world;

use crate::protocol::ids::UserId;
use actix::Recipient;

pub use messages::{FrameKind, ToSession, ToSocket};
pub use world::{RESOLVE, Timing, World};

/// The sessions of a node, as the actors of sockets need them.
pub trait Sessions: Send + Sync {
    /// What the actors of the node share.
    fn world(&self) -> &World;

    /// The user's session, started if none runs; `None` once this node shuts down.
    fn recipient(&self, user: UserId) -> Option<Recipient<ToSession>>;

    /// The time over which devices spread their reconnects, in milliseconds: longer the more sessions run.
    fn jitter_ms(&self) -> i64;
}
