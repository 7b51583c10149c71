//! The outside world of the core: one trait for each thing it needs. `memory` has a twin of each that runs in a
//! test, and `contracts` the suite that every implementation passes.

use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ClockId, MediaId, Micros, NodeId, Stamp, UserId};
use crate::state::queue::{Queue, Resolved};
use crate::state::{Play, Record};
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// An answer that comes later; dropping it does not undo what was asked.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The world failed.
#[derive(Debug, Clone)]
pub struct PortError {
    /// What failed, for the log.
    pub message: String,
    /// Whether trying again may help.
    pub is_transient: bool,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PortError {}

/// What becomes of a commit.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is durable.
    Committed,
    /// Another record stands there; nothing was written. `None`: there is none.
    Conflict(Option<Box<Record>>),
    /// It surely was not written.
    NotSent(PortError),
    /// It may have been written.
    Unknown(PortError),
}

/// One change of a session, written whole or not at all.
#[derive(Debug, Clone)]
pub struct SessionChange {
    /// The record that was changed; `None` where there was none.
    pub expected: Option<Stamp>,
    /// The record as it is to be.
    pub record: Arc<Record>,
    /// The queue, where its revision differs from the expected record's.
    pub queue: Option<Arc<Queue>>,
}

/// Sessions in the database: one versioned record for each user, changed by compare-and-set.
pub trait SessionStore: Send + Sync {
    /// The user's record, if there ever was one.
    fn load(&self, user: UserId) -> Later<Result<Option<Record>, PortError>>;

    /// The user's queue and its revision; an empty one of revision 0 where none was ever written.
    fn queue(&self, user: UserId) -> Later<Result<(u64, Queue), PortError>>;

    /// Writes `change` if the record's stamp is still the expected one. Many users' changes share one transaction.
    fn commit(&self, user: UserId, change: SessionChange) -> Later<Outcome>;

    /// Keeps a play; the same listen of a user is kept once.
    fn played(&self, user: UserId, play: Play) -> Later<Result<(), PortError>>;
}

/// Tells other nodes sooner. Lossy; what comes is applied only if it is newer.
pub trait Bus: Send + Sync {
    /// Tells the other nodes of this user's record.
    fn publish(&self, user: UserId, record: Arc<Record>);

    /// Calls `on_record` for each record that another node publishes, until the subscription is dropped.
    fn subscribe(&self, user: UserId, on_record: Box<dyn Fn(Arc<Record>) + Send + Sync>) -> Subscription;
}

/// Ends a subscription when dropped.
pub struct Subscription(Option<Box<dyn FnOnce() + Send>>);

impl Subscription {
    /// A subscription that ends by `end`.
    pub fn new(end: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

/// What nodes that share a database know of it and of each other, besides what they tell each other.
pub trait Cluster: Bus {
    /// The identity of the database that answers now: another one after it was put back to an older state.
    fn database(&self) -> u64;

    /// When a node was last alive, if it is gone: it has closed its sockets, or nobody is at them. Answered from memory.
    fn lost(&self, node: NodeId) -> Option<Micros>;
}

/// The nodes of a cluster and their heartbeats: one each second while a node is sound.
pub trait Nodes: Send + Sync {
    /// This node, in its present run of heartbeats.
    fn this(&self) -> NodeId;

    /// Writes this node's heartbeat.
    fn heartbeat(&self, now: Micros) -> Later<Result<(), PortError>>;

    /// The last instant at which any node that is gone by now was surely alive; `None` if none ever was.
    fn last_heartbeat(&self) -> Later<Result<Option<Micros>, PortError>>;
}

/// What the catalogue knows of tracks; asked before a command reaches its session.
pub trait Tracks: Send + Sync {
    /// The tracks in the order asked for, or the first that is not in the catalogue.
    fn resolve(&self, user: UserId, ids: Vec<MediaId>) -> Later<Result<Result<Vec<Resolved>, MediaId>, PortError>>;
}

/// Who a token belongs to; answered without a query.
pub trait Logins: Send + Sync {
    /// The token's user, or `None` when it is not valid now.
    fn user_of(&self, token: &str) -> Option<UserId>;
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// Taken; more may follow.
    Written,
    /// Not taken: one is in flight. The owner is told when there is room.
    Blocked,
    /// The socket is over.
    Closed,
}

/// One socket of a device, as its actor writes to it. Nothing waits inside but the one frame in flight.
pub trait Socket {
    /// Writes a text frame, or says why not.
    fn try_write(&mut self, frame: Arc<str>) -> Wrote;

    /// Sends a protocol ping, if there is room.
    fn ping(&mut self);

    /// Sends the farewell and the close frame behind what is in flight, and ends the socket.
    fn close(&mut self, reason: CloseReason, farewell: Arc<str>);
}

/// Server time: wall time at the start, never before the last stored heartbeat, and steady from there.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    id: ClockId,
    base: Micros,
    start: tokio::time::Instant,
}

impl Clock {
    /// A clock that shows `base` now.
    #[must_use]
    pub fn starting_at(id: ClockId, base: Micros) -> Self {
        Self { id, base, start: tokio::time::Instant::now() }
    }

    /// Names this clock; another run of the server has another.
    #[must_use]
    pub const fn id(&self) -> ClockId {
        self.id
    }

    /// The server's time.
    #[must_use]
    pub fn now(&self) -> Micros {
        let run_us = i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX);
        Micros(self.base.0.saturating_add(run_us))
    }
}
