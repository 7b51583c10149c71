//! One socket of a device: its actor, and the rules that it applies to incoming and outgoing frames.

mod actor;
pub mod coalesce;
pub mod inbound;
pub mod liveness;
pub(crate) mod local;
mod login;
pub mod outbox;
pub mod pages;
pub mod rate_limit;

pub use actor::{Incoming, SocketActor, Writable};
