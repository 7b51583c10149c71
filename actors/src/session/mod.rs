//! [`SessionActor`]: one user's session on this node. It steps the state, commits, and then shows.
//!
//! While a commit is in flight later events wait, are then stepped together and committed once. What others would see
//! of a change, its author's ack included, is sent only once the change stands in the database; on a single node
//! reports and presence are shown first and written soon after.

mod ask;
mod cluster;
mod load;
mod show;
mod step;

use crate::close::CloseReason;
use crate::directory::{Directory, World};
use crate::ids::{ConnectionId, Micros, UserId};
use crate::panics::EventKey;
use crate::replica::Replica;
use crate::state::outbox::FrameKind;
use crate::state::rate_limit::RateLimit;
use crate::state::{DeviceEvent, Event, Join, Leaving};
use actix::{Actor, Context, Handler, Message, Recipient, ResponseFuture, SpawnHandle};
use cluster::Peers;
use load::Closing;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::oneshot;

use ask::Asker;
pub use ask::{Answer, Ask, Snapshot};

/// Messages that may wait in the mailbox.
const MAILBOX: usize = 256;
/// Events that may wait for a commit.
const INBOX: usize = 1_024;

/// A device has said a valid `hello`; answered once the session has taken it in.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// Who it is.
    pub join: Join,
    /// Where it hears.
    pub device: Recipient<ToSocket>,
}

/// A device says something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FromSocket {
    /// On this socket.
    pub connection: ConnectionId,
    /// What.
    pub event: DeviceEvent,
}

/// A socket has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Detach {
    /// Which.
    pub connection: ConnectionId,
    /// How.
    pub how: Leaving,
}

/// The node stops; answered once everything is written.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// The database was put back to an older state: what this session knows may never have been.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Restart;

/// What a session tells a device's actor.
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

/// One user's session on this node.
pub struct SessionActor {
    user: UserId,
    number: u64,
    directory: Arc<Directory>,
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
    /// `recovery`: what is to be skipped and whether to start paused, after sessions that panicked.
    pub(crate) fn new(
        user: UserId,
        number: u64,
        (skipped, is_paused): (Vec<EventKey>, bool),
        directory: Arc<Directory>,
    ) -> Self {
        let world = directory.world();
        let replica = Replica::new(world.nodes.this(), world.session_limits());
        Self {
            user,
            number,
            directory,
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
        self.directory.world()
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

/// However a session ends, a panic included, its devices are told to come back and the directory forgets it.
impl Drop for SessionActor {
    fn drop(&mut self) {
        self.close_all(CloseReason::Restart);
        if self.is_at_work {
            self.directory.panicked(self.user, self.now(), self.replica.processing());
        }
        self.directory.ended(self.user, self.number);
    }
}

impl Handler<Attach> for SessionActor {
    type Result = ();

    fn handle(&mut self, Attach { join, device }: Attach, ctx: &mut Self::Context) {
        if !self.stopping.is_empty() {
            device.do_send(ToSocket::Close(CloseReason::Shutdown));
            return;
        }
        if self.replica.waiting() >= INBOX {
            device.do_send(ToSocket::Close(CloseReason::Overloaded));
            return;
        }
        self.attached.insert(join.connection);
        self.devices.insert(join.connection, device);
        self.take_in(Event::Join(Box::new(join)), ctx);
    }
}

impl Handler<FromSocket> for SessionActor {
    type Result = ();

    fn handle(&mut self, FromSocket { connection, event }: FromSocket, ctx: &mut Self::Context) {
        if self.replica.waiting() < INBOX {
            self.take_in(Event::Device { connection, event }, ctx);
        } else if let Some(device) = self.devices.get(&connection) {
            device.do_send(ToSocket::Close(CloseReason::Overloaded));
        }
    }
}

impl Handler<Detach> for SessionActor {
    type Result = ();

    fn handle(&mut self, Detach { connection, how }: Detach, ctx: &mut Self::Context) {
        self.devices.remove(&connection);
        if self.attached.remove(&connection) {
            self.take_in(Event::Leave { connection, how }, ctx);
        } else {
            self.closed(connection, ctx);
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
