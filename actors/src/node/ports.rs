//! The outside world of the core: one trait for each thing it needs. `testing::memory` has a twin of each
//! for tests, `testing::contracts` the suite that every implementation passes.

use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ClockId, MediaId, Micros, NodeId, Stamp, UserId};
use crate::protocol::messages::{Op, TrackList};
use crate::state::queue::{Queue, Resolved};
use crate::state::{Play, Record, Reject};
use std::{fmt, future::Future, pin::Pin, sync::Arc};
use tokio::sync::watch;

/// An answer that comes later. Dropping it does not cancel the call.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A call to the outside world failed.
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

/// The outcome of a commit.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The change is in the database, durably.
    Committed,
    /// Nothing was written: the database holds this record and not the expected one. `None`: it holds no record.
    Conflict(Option<Box<Record>>),
    /// It was certainly not written.
    NotSent(PortError),
    /// It is not known whether it was written.
    Unknown(PortError),
}

/// One change of a session, written whole or not at all.
#[derive(Debug, Clone)]
pub struct SessionChange {
    /// The stamp of the record that was changed; `None`: there was no record.
    pub expected: Option<Stamp>,
    /// The new record.
    pub record: Arc<Record>,
    /// The new queue, if its revision differs from the expected record's.
    pub queue: Option<Arc<Queue>>,
}

/// Sessions in the database: one versioned record for each user, changed by compare-and-set.
pub trait SessionStore: Send + Sync {
    /// The user's record; `None`: none was ever written. The error of a user who was removed is not transient.
    fn load(&self, user: UserId) -> Later<Result<Option<Record>, PortError>>;

    /// The user's queue and its revision; an empty one of revision 0 where none was ever written.
    fn queue(&self, user: UserId) -> Later<Result<(u64, Queue), PortError>>;

    /// Writes `change` if the record's stamp is still the expected one. Many users' changes share one transaction. For a
    /// user who was removed nothing is written, which is a conflict.
    fn commit(&self, user: UserId, change: SessionChange) -> Later<Outcome>;

    /// Keeps a play; the same listen of a user is kept once. That of a user who was removed is dropped.
    fn played(&self, user: UserId, play: Play) -> Later<Result<(), PortError>>;
}

/// Brings records to the other nodes before they read the database. It may lose some; a record that arrives is applied
/// only if it is newer.
pub trait Bus: Send + Sync {
    /// Sends this user's record to the other nodes.
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

/// A node's view of the database and of the other nodes that share it, besides the records of the bus.
pub trait Cluster: Bus {
    /// The identity of the database that answers now; it is another one after a restore to an older state.
    fn database(&self) -> u64;

    /// When a node was last known to run, if it is lost: its sockets are closed, or its process has ended.
    /// Answered from memory.
    fn lost(&self, node: NodeId) -> Option<Micros>;
}

/// The nodes of a cluster and their heartbeats: one each second while a node works.
pub trait Nodes: Send + Sync {
    /// The id of this node; another one after a break of its heartbeats.
    fn this(&self) -> NodeId;

    /// Writes this node's heartbeat.
    fn heartbeat(&self, now: Micros) -> Later<Result<(), PortError>>;

    /// The newest heartbeat of the nodes that no longer run; `None`: there was none.
    fn last_heartbeat(&self) -> Later<Result<Option<Micros>, PortError>>;
}

/// What a command names of a list of tracks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedList {
    /// The list.
    pub list: TrackList,
    /// The place of the first track in the list, from 0; `None`: any.
    pub start: Option<usize>,
    /// The track at that place.
    pub track: Option<MediaId>,
    /// The most tracks. Of a longer list, those from the first track on, and those before it if the rest is shorter.
    pub most: usize,
}

impl WantedList {
    /// What this operation names of a list, if it names one, for a queue that takes `most` tracks.
    #[must_use]
    pub fn by(op: &Op<MediaId>, most: usize) -> Option<Self> {
        match op {
            Op::PlayList { list, start, track, .. } => {
                Some(Self { list: list.clone(), start: *start, track: *track, most })
            }
            _ => None,
        }
    }
}

/// The tracks of a list that can be played.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedTracks {
    /// The tracks, in the order of the list.
    pub tracks: Vec<Resolved>,
    /// The place of the first track among them, if one was named.
    pub start: Option<usize>,
}

/// The tracks of the catalogue, which are looked up before a command reaches its session.
pub trait Tracks: Send + Sync {
    /// The tracks of a list, or why there are none: this user has no such list, or nothing in it can be played.
    fn list(&self, user: UserId, wanted: WantedList) -> Later<Result<Result<ListedTracks, Reject>, PortError>>;

    /// The tracks in the order asked for, or the first that is not in the catalogue.
    fn resolve(&self, user: UserId, ids: Vec<MediaId>) -> Later<Result<Result<Vec<Resolved>, MediaId>, PortError>>;
}

/// The login that a valid token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLogin {
    /// Its user.
    pub user: UserId,
    /// The log-in, or the API key.
    pub id: u64,
    /// Whether it is an API key.
    pub is_key: bool,
    /// Which of the secrets that have signed tokens in this process signed this one.
    pub secret: u64,
    /// From this server time on it is to be looked up.
    pub until: Micros,
}

/// The logins of tokens; answered without a query.
pub trait Logins: Send + Sync {
    /// Checks a token; `None`: it is not valid now.
    fn check(&self, token: &str) -> Option<TokenLogin>;

    /// Looks up a login that was valid, without its token; `None`: it has ended.
    fn look_up(&self, login: TokenLogin) -> Option<TokenLogin>;

    /// Marked as changed whenever tokens that were valid are no longer, except those whose time is over: sockets look for
    /// those themselves.
    fn ended(&self) -> watch::Receiver<()>;
}

/// Whether a frame was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// It was taken, and more may follow.
    Written,
    /// It was not taken, for another one is in flight. The socket's actor gets `Writable` when there is room.
    Blocked,
    /// The socket has ended.
    Closed,
}

/// One socket of a device, to which its actor writes. It holds at most one frame, the one in flight.
pub trait Socket {
    /// Where its other end is, for the log.
    fn address(&self) -> String;

    /// Writes a text frame, if there is room.
    fn try_write(&mut self, frame: Arc<str>) -> Wrote;

    /// Sends a WebSocket ping, if there is room.
    fn ping(&mut self);

    /// Sends `farewell`, a `goaway` frame, and the close frame after the frame in flight, and ends the socket.
    fn close(&mut self, reason: CloseReason, farewell: Arc<str>);
}

/// Server time: wall time at the start, never before the last stored heartbeat; monotonic from there.
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

    /// The id of this clock; each run of the server has another.
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
