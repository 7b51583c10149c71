//! [`SessionActor`]: one user's session on this node. It steps the state, commits, and then shows.
//!
//! While a commit is in flight later events wait, are then stepped together and committed once. What others would see
//! of a change, its author's ack included, is sent only after the change is in the database; on a single node reports
//! and presence are shown first and written soon after, and do not wait for such a write either.

mod ask;
mod cluster;
mod counted;
mod library;
mod load;
pub mod own_reports;
pub mod panics;
pub mod replica;
mod show;
mod step;

use crate::node::{ToSession, ToSocket, World};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ConnectionId, Micros, UserId};
use crate::protocol::wire::Library;
use crate::socket::rate_limit::RateLimit;
use crate::state::{Event, Join, Leaving};
use actix::{Actor, Context, Handler, Message, Recipient, ResponseFuture, SpawnHandle};
use cluster::Peers;
use counted::SessionCounts;
use load::Closing;
use own_reports::OwnReports;
use panics::EventKey;
use replica::Replica;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

use ask::Asker;
pub use ask::{Answer, Ask, Snapshot};
pub use library::LibraryChange;

/// Messages that may wait in the mailbox.
const MAILBOX: usize = 256;
/// Events that may wait for a commit.
const INBOX: usize = 1_024;

/// The node shuts down; answered when the session has ended, with everything written.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// The database was restored to an older state: the state in memory may hold commits that are lost. The session
/// restarts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Restart;

/// Logins have ended, of this user or of others: the sockets of the session look whether theirs have.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CheckLogins;

/// What the starter of a session gives it.
pub struct Start {
    /// What the actors of the node share.
    pub world: Arc<World>,
    /// Events at which earlier runs of the session panicked: they are answered and not processed.
    pub skipped: Vec<EventKey>,
    /// Whether it starts paused, because it panicked too often.
    pub is_paused: bool,
    /// How long ago a run of the session last panicked; `None`: none has.
    pub since_panic: Option<Duration>,
    /// The time over which devices spread their reconnects, in milliseconds.
    pub jitter_ms: Box<dyn Fn() -> i64 + Send>,
    /// Called once the session has ended, with its panic if it ended by one.
    pub ended: Box<dyn FnOnce(Option<Panic>) + Send>,
}

/// A session has panicked.
#[derive(Debug, Clone, Copy)]
pub struct Panic {
    /// The server time of the panic.
    pub at: Micros,
    /// The event that was being processed, if it was a device event.
    pub processing: Option<EventKey>,
}

/// One user's session on this node.
pub struct SessionActor {
    user: UserId,
    world: Arc<World>,
    /// How long ago a run of the session last panicked.
    since_panic: Option<Duration>,
    jitter_ms: Box<dyn Fn() -> i64 + Send>,
    /// Called once, when this ends.
    ended: Option<Box<dyn FnOnce(Option<Panic>) + Send>>,
    devices: HashMap<ConnectionId, Recipient<ToSocket>>,
    /// The sockets whose devices joined this run: the replica takes in the end of each as `Event::Leave`.
    attached: HashSet<ConnectionId>,
    /// The sockets that got their `welcome` and have not ended.
    welcomed: HashSet<ConnectionId>,
    /// When what the user keeps last changed; from the start of this run, if it has not since.
    library: Library,
    /// Whether the devices are still to be told of a change of `library`.
    is_library_untold: bool,
    /// The timer up to which they are not told again.
    library_told: Option<SpawnHandle>,
    /// During a restart: the earlier sockets, which are closed before the session is loaded again.
    closing: Option<Closing>,
    /// Programs that wait for an answer.
    askers: HashMap<ConnectionId, Asker>,
    /// The rate limit of all programs together.
    rate_limit: RateLimit,
    /// The timer up to which the session keeps running after a program's request (`ask::LINGER`).
    lingering: Option<SpawnHandle>,
    replica: Replica,
    counted: SessionCounts,
    /// When the first of the failed loads in a row was noticed; `None`: the last one succeeded.
    failing_since: Option<Micros>,
    peers: Option<Peers>,
    own_reports: OwnReports,
    /// The socket that got `ToSocket::Watch(true)`: that of the active device, if it is to play.
    watched: Option<ConnectionId>,
    /// The timer of the state's next deadline.
    deadline: Option<(Micros, SpawnHandle)>,
    /// The timer of the next write of what was shown already.
    soon: Option<SpawnHandle>,
    unwritten_plays: usize,
    /// Dropped with this actor, which answers the callers of [`Shutdown`]; empty unless the node shuts down.
    stopping: Vec<oneshot::Sender<()>>,
    /// The replica is being called. An actor that is dropped meanwhile has panicked.
    is_at_work: bool,
}

impl SessionActor {
    /// A session that is not loaded yet: the load begins when the actor starts.
    #[must_use]
    pub fn new(user: UserId, start: Start) -> Self {
        let Start { world, skipped, is_paused, since_panic, jitter_ms, ended } = start;
        let replica = Replica::new(world.nodes.this(), world.session_limits());
        let now = world.clock.now();
        Self {
            user,
            world,
            since_panic,
            jitter_ms,
            ended: Some(ended),
            devices: HashMap::new(),
            attached: HashSet::new(),
            welcomed: HashSet::new(),
            library: Library { saved_us: now, playlists_us: now },
            is_library_untold: false,
            library_told: None,
            closing: None,
            askers: HashMap::new(),
            rate_limit: RateLimit::default(),
            lingering: None,
            replica: replica.after_panics(skipped, is_paused),
            counted: SessionCounts::new(),
            failing_since: None,
            peers: None,
            own_reports: OwnReports::default(),
            watched: None,
            deadline: None,
            soon: None,
            unwritten_plays: 0,
            stopping: Vec::new(),
            is_at_work: false,
        }
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn now(&self) -> Micros {
        self.world().clock.now()
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.subscribe_to_peers(ctx);
        self.load_after_panics(ctx);
    }
}

/// When a session ends, also by a panic, its devices are disconnected with `restart` and its starter's callback is
/// called.
impl Drop for SessionActor {
    fn drop(&mut self) {
        self.close_all(CloseReason::Restart);
        let panic = self.is_at_work.then(|| Panic { at: self.now(), processing: self.replica.processing() });
        if let Some(ended) = self.ended.take() {
            ended(panic);
        }
    }
}

impl SessionActor {
    fn attach(&mut self, join: Join, socket: Recipient<ToSocket>, ctx: &mut Context<Self>) {
        if !self.stopping.is_empty() {
            socket.do_send(ToSocket::Close(CloseReason::Shutdown));
            return;
        }
        if self.replica.waiting() >= INBOX {
            socket.do_send(ToSocket::Close(CloseReason::Overloaded));
            return;
        }
        self.attached.insert(join.connection);
        self.devices.insert(join.connection, socket);
        self.take_in(Event::Join(Box::new(join)), ctx);
    }
}

impl Handler<ToSession> for SessionActor {
    type Result = ();

    fn handle(&mut self, message: ToSession, ctx: &mut Self::Context) {
        match message {
            ToSession::Attach { join, socket } => self.attach(join, socket, ctx),
            ToSession::Event { connection, event } => {
                if self.replica.waiting() < INBOX {
                    self.take_in(Event::Device { connection, event }, ctx);
                } else if let Some(socket) = self.devices.get(&connection) {
                    socket.do_send(ToSocket::Close(CloseReason::Overloaded));
                }
            }
            ToSession::Detach { connection, how } => {
                self.devices.remove(&connection);
                self.welcomed.remove(&connection);
                if self.attached.remove(&connection) {
                    self.take_in(Event::Leave { connection, how }, ctx);
                } else {
                    self.closed(connection, ctx);
                }
            }
        }
    }
}

impl Handler<CheckLogins> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: CheckLogins, _: &mut Self::Context) {
        for socket in self.devices.values() {
            socket.do_send(ToSocket::CheckLogin);
        }
    }
}

impl Handler<Restart> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Restart, ctx: &mut Self::Context) {
        self.drive(ctx, Replica::outdate);
    }
}

impl Handler<Shutdown> for SessionActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) -> Self::Result {
        let (ended, end) = oneshot::channel();
        self.stopping.push(ended);
        let now = self.now();
        let connections: Vec<ConnectionId> = self.devices.keys().copied().collect();
        self.close_all(CloseReason::Shutdown);
        for connection in connections {
            self.take_in(Event::Leave { connection, how: Leaving::SentAway(now) }, ctx);
        }
        self.rest(ctx);
        Box::pin(async move {
            // Nothing is sent. The wait ends when the actor is dropped, and the sender with it.
            let _ = end.await;
        })
    }
}
