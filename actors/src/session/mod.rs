//! [`SessionActor`]: one user's session on this node. It steps the state, commits, and then shows.
//!
//! While a commit is in flight later events wait, are then stepped together and committed once. What others would see
//! of a change, its author's ack included, is sent only once the change stands in the database; on a single node
//! reports and presence are shown first and written soon after.

mod ask;
mod cluster;
mod load;
pub mod panics;
pub mod replica;
mod show;
mod step;

use crate::node::{ToSession, ToSocket, World};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ConnectionId, Micros, UserId};
use crate::socket::rate_limit::RateLimit;
use crate::state::{Event, Join, Leaving};
use actix::{Actor, Context, Handler, Message, Recipient, ResponseFuture, SpawnHandle};
use cluster::Peers;
use load::Closing;
use panics::EventKey;
use replica::Replica;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

use ask::Asker;
pub use ask::{Answer, Ask, Snapshot};

/// Messages that may wait in the mailbox.
const MAILBOX: usize = 256;
/// Events that may wait for a commit.
const INBOX: usize = 1_024;

/// The node stops; answered once everything is written.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// The database was put back to an older state: what this session knows may never have been.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Restart;

/// What the starter of a session gives it.
pub struct Start {
    /// What the actors of the node share.
    pub world: Arc<World>,
    /// Events that made earlier runs of the session panic: they are answered and not processed.
    pub skipped: Vec<EventKey>,
    /// Whether it starts paused, because it panicked too often.
    pub is_paused: bool,
    /// How long ago the run before panicked, if it did.
    pub since_panic: Option<Duration>,
    /// The time over which devices spread their reconnects, in milliseconds.
    pub jitter_ms: Box<dyn Fn() -> i64 + Send>,
    /// Called once the session has ended, with its panic if it ended by one.
    pub ended: Box<dyn FnOnce(Option<Panic>) + Send>,
}

/// A session has panicked.
#[derive(Debug, Clone, Copy)]
pub struct Panic {
    /// When.
    pub at: Micros,
    /// The event that was processed.
    pub processing: Option<EventKey>,
}

/// One user's session on this node.
pub struct SessionActor {
    user: UserId,
    world: Arc<World>,
    /// How long ago the run before panicked.
    since_panic: Option<Duration>,
    jitter_ms: Box<dyn Fn() -> i64 + Send>,
    /// Called once, when this ends.
    ended: Option<Box<dyn FnOnce(Option<Panic>) + Send>>,
    devices: HashMap<ConnectionId, Recipient<ToSocket>>,
    /// The sockets whose end is to be heard of: those whose device was let in.
    attached: HashSet<ConnectionId>,
    /// The session starts anew once those of the run before are closed.
    closing: Option<Closing>,
    /// Programs without a socket that wait for an answer.
    askers: HashMap<ConnectionId, Asker>,
    /// What all of those may ask.
    rate_limit: RateLimit,
    /// One of them has asked a while ago.
    lingering: Option<SpawnHandle>,
    replica: Replica,
    /// Since when it cannot be loaded.
    failing_since: Option<Micros>,
    peers: Option<Peers>,
    watched: Option<ConnectionId>,
    deadline: Option<(Micros, SpawnHandle)>,
    soon: Option<SpawnHandle>,
    unwritten_plays: usize,
    stopping: Vec<oneshot::Sender<()>>,
    /// The replica is at work: should this actor end meanwhile, it panicked.
    is_at_work: bool,
}

impl SessionActor {
    /// A session that is loaded once it runs.
    #[must_use]
    pub fn new(user: UserId, start: Start) -> Self {
        let Start { world, skipped, is_paused, since_panic, jitter_ms, ended } = start;
        let replica = Replica::new(world.nodes.this(), world.session_limits());
        Self {
            user,
            world,
            since_panic,
            jitter_ms,
            ended: Some(ended),
            devices: HashMap::new(),
            attached: HashSet::new(),
            closing: None,
            askers: HashMap::new(),
            rate_limit: RateLimit::default(),
            lingering: None,
            replica: replica.after_panics(skipped, is_paused),
            failing_since: None,
            peers: None,
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

/// However a session ends, a panic included, its devices are told to come back and its starter is told.
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

    fn handle(&mut self, told: ToSession, ctx: &mut Self::Context) {
        match told {
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
                if self.attached.remove(&connection) {
                    self.take_in(Event::Leave { connection, how }, ctx);
                } else {
                    self.closed(connection, ctx);
                }
            }
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
            // The sender is dropped with the actor, which is what is waited for.
            let _ = end.await;
        })
    }
}
