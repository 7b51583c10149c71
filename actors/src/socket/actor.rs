//! [`SocketActor`]: one socket of a device. It carries out what [`Inbound`] decides about each frame, pings the device
//! and closes the socket when no frame comes ([`Liveness`]), and keeps the frames that the socket cannot take yet.

mod look_up;

use super::coalesce::Coalescer;
use super::inbound::{self, Inbound, InboundAction};
use super::liveness::{Liveness, LivenessAction};
use super::local::{self, SharedSocket};
use super::login::SocketLogin;
use super::outbox::Outbox;
use super::pages::PageRequests;
use crate::count;
use crate::node::ports::{Socket, Wrote};
use crate::node::{FrameKind, Sessions, ToSession, ToSocket, World};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{ConnectionId, DeviceId, Micros, UserId};
use crate::protocol::wire::{Hello, ServerMessage};
use crate::state::{DeviceEvent, Join, Leaving, Reject};
use actix::dev::SendError;
use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, Recipient, SpawnHandle,
    StreamHandler, WrapFuture,
};
use log::Level;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Messages that may wait in the mailbox: more than one commit can release, at most an answer to each message of a
/// burst of every class (`RateLimit`).
const MAILBOX: usize = 1_024;
/// A socket without a valid `hello` is closed after this time, in milliseconds.
const HELLO_MS: i64 = 5_000;
/// The shortest time between two looks for the end of a login whose time is over, in milliseconds: the clock of the session
/// may be ahead of the one that ends logins.
const LOOK_UP_MS: i64 = 5_000;
/// A socket that has taken no frame for this long, in milliseconds, although some wait, is closed.
const STUCK_MS: i64 = 10_000;

/// Why a socket ends whose token was valid, for the log.
const LOGIN_ENDED: &str = "its login has ended";

/// What comes in on a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text frame.
    Text(String),
    /// A WebSocket ping or pong.
    Control,
    /// A binary frame, bytes that are no valid WebSocket frame or text, or a frame over the size limit; which of these,
    /// for the log.
    Garbage(String),
    /// The device sent a close frame of a normal end (code 1000, 1001 or none).
    Closed,
    /// The socket ended otherwise: with another close code, or without a close frame.
    Broken,
}

/// The socket can take frames again.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Writable;

/// One socket of a device.
pub struct SocketActor<S: Socket + 'static> {
    shared: Rc<SharedSocket<S>>,
    sessions: Arc<dyn Sessions>,
    connection: ConnectionId,
    joined: Option<Joined>,
    /// Until it has joined, when it is closed; then, when its login is to be looked up.
    login_due: Micros,
    outbox: Outbox,
    pages: PageRequests,
    /// Since when the socket takes no frame; `None`: it takes them, or none waits.
    stuck_since: Option<Micros>,
    liveness: Liveness,
    inbound: Inbound,
    coalescer: Coalescer,
    timer: Option<SpawnHandle>,
    /// Counts as an open socket.
    _counted: count::LevelShare,
}

/// A device that is part of a session.
struct Joined {
    user: UserId,
    /// The id it joined with, for the log. When another device has it, the session gives this one its spare id.
    device: DeviceId,
    session: Recipient<ToSession>,
}

impl<S: Socket + Unpin + 'static> SocketActor<S> {
    /// Starts the actor of a new socket: `token` is the request's where it had one.
    pub fn start(
        socket: impl FnOnce(Addr<Self>) -> S,
        incoming: impl futures_core::Stream<Item = Incoming> + 'static,
        sessions: Arc<dyn Sessions>,
        token: Option<&str>,
    ) -> Addr<Self> {
        Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            ctx.add_stream(incoming);
            let world = sessions.world();
            let connection = ConnectionId((world.random)());
            let login = SocketLogin::new(&*world.logins, token);
            Self {
                shared: SharedSocket::register(connection, socket(ctx.address()), login),
                connection,
                joined: None,
                login_due: world.clock.now().plus_ms(HELLO_MS),
                outbox: Outbox::default(),
                pages: PageRequests::default(),
                stuck_since: None,
                liveness: Liveness::new(world.timing, world.clock.now()),
                inbound: Inbound::new(world.limits.tracks_per_command),
                coalescer: Coalescer::default(),
                timer: None,
                _counted: count::LevelShare::sockets().with_one(),
                sessions,
            }
        })
    }

    fn world(&self) -> &World {
        self.sessions.world()
    }

    fn now(&self) -> Micros {
        self.world().clock.now()
    }

    // Reading

    fn read(&mut self, text: &str, ctx: &mut Context<Self>) {
        let received_us = self.now();
        match self.inbound.read(received_us, text, self.joined.is_some()) {
            InboundAction::Join(hello) => self.greet(*hello, ctx),
            InboundAction::Time { client_us } => {
                let sent_us = self.now();
                self.send(FrameKind::Other, &ServerMessage::Time { client_us, received_us, sent_us }, ctx);
            }
            InboundAction::Command(command) => {
                if !self.end_if_out(ctx) {
                    self.command(*command, ctx);
                }
            }
            InboundAction::Pass(request @ DeviceEvent::Queue { .. }) => {
                self.pages.push(request);
                self.ask_page(ctx);
            }
            InboundAction::Pass(event) => self.pass(event, ctx),
            InboundAction::Leave => self.gone(Leaving::Clean, ctx),
            InboundAction::Ignore => {}
            InboundAction::Answer(answer) => self.send(FrameKind::Other, &answer, ctx),
            InboundAction::End(reason, why) => self.end(reason, &why, ctx),
        }
    }

    fn greet(&mut self, hello: Hello, ctx: &mut Context<Self>) {
        let user = self.shared.login.borrow_mut().greet(&*self.world().logins, hello.token.as_deref());
        let Some(user) = user else {
            self.close(CloseReason::BadToken, ctx);
            return;
        };
        match inbound::join(hello, self.connection, || (self.world().random)()) {
            Ok(join) => self.attach(user, join, ctx),
            Err(error) => self.end(CloseReason::BadFrame, &error.0, ctx),
        }
    }

    /// Whether the login has ended since the device joined: its commands are refused then, and the socket is closed.
    fn is_out(&self) -> bool {
        self.joined.is_some() && !self.shared.login.borrow_mut().is_valid(&*self.world().logins)
    }

    /// Closes the socket if its login has ended; returns whether it has.
    fn end_if_out(&mut self, ctx: &mut Context<Self>) -> bool {
        let is_out = self.is_out();
        if is_out {
            self.end(CloseReason::BadToken, LOGIN_ENDED, ctx);
        }
        is_out
    }

    /// The login was found valid: when it is to be looked up next.
    fn note_login(&mut self) {
        let until = self.shared.login.borrow().until();
        let soonest = self.now().plus_ms(LOOK_UP_MS);
        self.login_due = until.map_or(soonest, |until| until.max(soonest));
    }

    /// Attaches the device to its session. If the session ends before it takes the message in, the socket is closed
    /// with `restart`, and the device reconnects to a new session.
    fn attach(&mut self, user: UserId, join: Join, ctx: &mut Context<Self>) {
        let Some(session) = self.sessions.recipient(user) else {
            self.close(CloseReason::Shutdown, ctx);
            return;
        };
        let device = join.device_id;
        let attached = session.send(ToSession::Attach { join, socket: ctx.address().recipient() });
        self.joined = Some(Joined { user, device, session });
        self.note_login();
        log::debug!(user:%, device:%, connection:% = self.connection; "a device joined");
        ctx.wait(attached.into_actor(self).map(|attached, actor, ctx| {
            if attached.is_err() {
                actor.joined = None;
                actor.close(CloseReason::Restart, ctx);
            } else if actor.shared.login.borrow().is_in_doubt() {
                // Before it was attached the session did not tell it.
                actor.end_if_out(ctx);
            }
        }));
    }

    /// Passes an event to the session: at once, or, in a series of seeks or volumes, when the coalescer releases it.
    fn pass(&mut self, event: DeviceEvent, ctx: &mut Context<Self>) {
        let now = self.now();
        let (due, released) = (self.coalescer.next(), self.coalescer.take(now, event));
        for event in released {
            self.pass_now(event, ctx);
        }
        if self.coalescer.next() != due {
            self.schedule(ctx);
        }
    }

    /// Passes an event to the session at once. If the session's mailbox is full a command is rejected `busy`. Any other
    /// event must not be lost: the socket is closed, and the device gets the whole state when it has reconnected.
    fn pass_now(&mut self, event: DeviceEvent, ctx: &mut Context<Self>) {
        let Some(joined) = &self.joined else { return };
        let connection = self.connection;
        match joined.session.try_send(ToSession::Event { connection, event }) {
            Ok(()) => {}
            Err(SendError::Closed(_)) => self.close(CloseReason::Restart, ctx),
            Err(SendError::Full(ToSession::Event { event: event @ DeviceEvent::Command { .. }, .. })) => {
                for id in event.commands() {
                    self.send(FrameKind::Other, &Reject::BUSY.answer(id), ctx);
                }
            }
            Err(SendError::Full(_)) => self.close(CloseReason::Overloaded, ctx),
        }
    }

    /// Tells the session that the device has answered a probe, unless the frame that answers it has ended the socket.
    fn answer(&mut self, is_probed: bool, ctx: &mut Context<Self>) {
        if is_probed {
            self.pass_now(DeviceEvent::Alive, ctx);
        }
    }

    /// Asks the session for the next page that the device wants, if no frame waits for the socket.
    fn ask_page(&mut self, ctx: &mut Context<Self>) {
        if self.outbox.is_empty()
            && let Some(request) = self.pages.take_due()
        {
            self.pass_now(request, ctx);
        }
    }

    // Writing

    fn send(&mut self, kind: FrameKind, message: &ServerMessage, ctx: &mut Context<Self>) {
        self.write(kind, message.to_frame(), ctx);
    }

    fn write(&mut self, kind: FrameKind, frame: Arc<str>, ctx: &mut Context<Self>) {
        if kind == FrameKind::Page {
            self.pages.came();
        }
        if self.outbox.push(kind, frame).is_err() {
            self.close(CloseReason::Slow, ctx);
            return;
        }
        self.shared.hold(true);
        self.drain(ctx);
    }

    fn drain(&mut self, ctx: &mut Context<Self>) {
        while let Some(frame) = self.outbox.first() {
            let wrote = self.shared.socket.borrow_mut().try_write(frame);
            match wrote {
                Wrote::Written => self.outbox.pop(),
                Wrote::Blocked => {
                    if self.stuck_since.is_none() {
                        self.stuck_since = Some(self.now());
                        self.schedule(ctx);
                    }
                    return;
                }
                Wrote::Closed => {
                    self.gone(Leaving::Lost(self.now()), ctx);
                    return;
                }
            }
        }
        self.stuck_since = None;
        self.shared.hold(false);
        self.ask_page(ctx);
    }

    // Timers, and the end of the socket

    fn schedule(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let stuck_at = self.stuck_since.map(|since| since.plus_ms(STUCK_MS));
        let dues = [stuck_at, self.coalescer.next(), Some(self.login_due)];
        let due = dues.into_iter().flatten().fold(self.liveness.next(), Micros::min);
        let wait_us = u64::try_from(due.since_us(self.now())).unwrap_or(0);
        self.timer = Some(ctx.run_later(Duration::from_micros(wait_us), Self::check_timers));
    }

    fn check_timers(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        if self.stuck_since.is_some_and(|since| now.since_ms(since) >= STUCK_MS) {
            self.close(CloseReason::Slow, ctx);
            return;
        }
        if self.login_due <= now {
            if self.joined.is_none() {
                self.close(CloseReason::NoHello, ctx);
                return;
            }
            if self.end_if_out(ctx) {
                return;
            }
            self.note_login();
        }
        for event in self.coalescer.due(now) {
            self.pass_now(event, ctx);
        }
        match self.liveness.check(now) {
            LivenessAction::Wait => {}
            LivenessAction::PingText => self.send(FrameKind::Other, &ServerMessage::Ping { now_us: now }, ctx),
            LivenessAction::PingProtocol => self.shared.socket.borrow_mut().ping(),
            LivenessAction::Dead(heard) => {
                count::lost_heartbeat();
                self.log_end(CloseReason::Dead, &format!("nothing was received for {} ms", now.since_ms(heard)));
                self.end_socket(CloseReason::Dead);
                self.gone(Leaving::Lost(heard), ctx);
                return;
            }
        }
        self.schedule(ctx);
    }

    /// Closes the socket with a reason; `why` is for the log. Frames that still wait for it are dropped.
    fn end(&mut self, reason: CloseReason, why: &str, ctx: &mut Context<Self>) {
        self.log_end(reason, why);
        self.end_socket(reason);
        let heard = self.liveness.heard();
        self.gone(if reason.reconnect() { Leaving::SentAway(heard) } else { Leaving::Dismissed }, ctx);
    }

    /// What the server does for its own reasons is logged for debugging alone, for it may concern every socket at once.
    fn log_end(&self, reason: CloseReason, why: &str) {
        use CloseReason::{Replaced, Restart, Shutdown, Unavailable};
        let is_of_many = matches!(reason, Shutdown | Restart | Unavailable | Replaced);
        let level = if is_of_many { Level::Debug } else { Level::Info };
        let (user, device) = self.names();
        log::log!(
            level,
            reason = reason.slug(), user = user.as_str(), device = device.as_str(), connection:% = self.connection,
            address = self.shared.socket.borrow().address().as_str();
            "a socket is closed: {why}"
        );
    }

    /// The ids of the user and of the device, for the log. Before it has joined there is no device, and the user is
    /// that of its token.
    fn names(&self) -> (String, String) {
        let joined = self.joined.as_ref();
        let user = joined.map(|joined| joined.user).or_else(|| self.shared.login.borrow().user());
        let device = joined.map(|joined| joined.device.to_string());
        (user.map(|user| user.to_string()).unwrap_or_default(), device.unwrap_or_default())
    }

    /// Closes the socket for a reason that says all there is to say.
    fn close(&mut self, reason: CloseReason, ctx: &mut Context<Self>) {
        self.end(reason, reason.text(), ctx);
    }

    fn end_socket(&mut self, reason: CloseReason) {
        let goaway = ServerMessage::goaway(reason, self.sessions.jitter_ms()).encode();
        self.shared.socket.borrow_mut().close(reason, goaway.into());
    }

    fn gone(&mut self, how: Leaving, ctx: &mut Context<Self>) {
        self.detach(how);
        ctx.stop();
    }

    fn detach(&mut self, how: Leaving) {
        if let Some(Joined { session, .. }) = self.joined.take() {
            let connection = self.connection;
            // The newest command of a series must be applied, though this device gets no answer any more.
            for event in self.coalescer.flush() {
                session.do_send(ToSession::Event { connection, event });
            }
            session.do_send(ToSession::Detach { connection, how });
        }
    }
}

impl<S: Socket + Unpin + 'static> Actor for SocketActor<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.schedule(ctx);
    }
}

/// When the actor ends, also by a panic, the session gets `Detach`.
impl<S: Socket + 'static> Drop for SocketActor<S> {
    fn drop(&mut self) {
        local::remove(self.connection);
        if let Some(Joined { session, .. }) = self.joined.take() {
            let how = Leaving::Lost(self.liveness.heard());
            session.do_send(ToSession::Detach { connection: self.connection, how });
        }
    }
}

impl<S: Socket + Unpin + 'static> StreamHandler<Incoming> for SocketActor<S> {
    fn handle(&mut self, incoming: Incoming, ctx: &mut Self::Context) {
        let now = self.now();
        match incoming {
            Incoming::Text(text) => {
                count::frame_in(text.len());
                let is_probed = self.liveness.hear(now);
                self.read(&text, ctx);
                self.answer(is_probed, ctx);
            }
            Incoming::Control if self.inbound.may_ping(now) => {
                let is_probed = self.liveness.hear(now);
                self.answer(is_probed, ctx);
            }
            Incoming::Control => self.close(CloseReason::Flooding, ctx),
            Incoming::Garbage(why) => self.end(CloseReason::BadFrame, &why, ctx),
            Incoming::Closed => self.gone(Leaving::Clean, ctx),
            Incoming::Broken => self.gone(Leaving::Lost(now), ctx),
        }
    }

    /// The stream ends when the socket does, without delay.
    fn finished(&mut self, ctx: &mut Self::Context) {
        self.gone(Leaving::Lost(self.now()), ctx);
    }
}

impl<S: Socket + Unpin + 'static> Handler<Writable> for SocketActor<S> {
    type Result = ();

    fn handle(&mut self, _: Writable, ctx: &mut Self::Context) {
        self.drain(ctx);
    }
}

impl<S: Socket + Unpin + 'static> Handler<ToSocket> for SocketActor<S> {
    type Result = ();

    fn handle(&mut self, message: ToSocket, ctx: &mut Self::Context) {
        match message {
            ToSocket::Frame(kind, frame) => {
                self.shared.came_by_mailbox();
                let is_in_doubt = self.shared.login.borrow().is_in_doubt();
                if !is_in_doubt || !self.end_if_out(ctx) {
                    self.write(kind, frame, ctx);
                }
            }
            ToSocket::Watch(is_active) => {
                self.liveness.watch(self.now(), is_active);
                self.schedule(ctx);
            }
            ToSocket::Probe => {
                let now_us = self.now();
                self.liveness.probe(now_us);
                // While a page's code is suspended its browser still answers the WebSocket ping.
                self.send(FrameKind::Other, &ServerMessage::Ping { now_us }, ctx);
                self.shared.socket.borrow_mut().ping();
                self.schedule(ctx);
            }
            ToSocket::CheckLogin => {
                self.end_if_out(ctx);
            }
            ToSocket::Close(reason) => self.close(reason, ctx),
        }
    }
}
