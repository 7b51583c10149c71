//! [`SessionActor`]: one user's session on this node. It steps the state, commits, and then shows.
//!
//! While a commit is in flight later events wait, are then stepped together and committed once. What others would see
//! of a change, its author's ack included, is sent only once the change stands in the database; on a single node
//! reports and presence are shown first and written soon after.

use crate::close::CloseReason;
use crate::directory::{Directory, World};
use crate::ids::{ConnectionId, Micros, Stamp, UserId};
use crate::ports::{Change, Outcome, PortError};
use crate::state::messages::{Reject, RejectCode, Sound};
use crate::state::outbox::FrameKind;
use crate::state::playback::Intent;
use crate::state::queue::Queue;
use crate::state::{Durability, Effect, Event, Join, Leaving, Play, Record, Said, SessionState, Shown};
use crate::wire::{DeviceList, QueuePage, ServerMessage, Welcome};
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, ResponseFuture,
    SpawnHandle, WrapFuture,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Messages that may wait in the mailbox.
const MAILBOX: usize = 256;
/// Reports and presence are written so long after they were shown.
const SOON: Duration = Duration::from_secs(1);
/// Between two attempts of a write that failed.
const RETRY: Duration = Duration::from_millis(500);
/// Devices wait so long for a session that cannot be loaded.
const PATIENCE_MS: i64 = 5_000;
/// Events that may wait for a commit.
const INBOX: usize = 1_024;
/// Plays that may wait for the database.
const UNWRITTEN_PLAYS: usize = 64;
/// What a client is told to wait when the database is out of reach.
const RETRY_MS: u32 = 1_000;

/// A device has said a valid `hello`; answered once the session has it in hand.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// Who it is.
    pub join: Join,
    /// Where it hears.
    pub device: Recipient<ToDevice>,
}

/// A device says something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FromDevice {
    /// On this socket.
    pub connection: ConnectionId,
    /// What.
    pub said: Said,
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

/// What a session tells a device's actor.
#[derive(Message, Debug, Clone)]
#[rtype(result = "()")]
pub enum ToDevice {
    /// Send this.
    Frame(FrameKind, Arc<str>),
    /// You are (or are no longer) the one that plays.
    Watch(bool),
    /// End your socket.
    Close(CloseReason),
}

/// One user's session on this node.
pub struct SessionActor {
    user: UserId,
    number: u64,
    directory: Arc<Directory>,
    devices: HashMap<ConnectionId, Recipient<ToDevice>>,
    inbox: VecDeque<Event>,
    live: Option<Live>,
    /// No stamp of this epoch or an earlier one may be given again.
    floor: u64,
    /// A load or a commit is in flight.
    is_busy: bool,
    loading_since: Micros,
    watched: Option<ConnectionId>,
    deadline: Option<(Micros, SpawnHandle)>,
    soon: Option<SpawnHandle>,
    unwritten_plays: usize,
    stopping: Vec<oneshot::Sender<()>>,
}

/// A session that is loaded.
struct Live {
    state: SessionState,
    /// The stamp that stands in the database, and its queue's revision.
    stored: Option<(Stamp, u64)>,
}

impl Live {
    fn is_stored(&self) -> bool {
        self.stored.is_some_and(|(stamp, _)| stamp == self.state.record().stamp)
    }

    fn change(&self) -> Change {
        let record = self.state.record().clone();
        let queue_is_stored = self.stored.is_some_and(|(_, revision)| revision == record.queue_revision());
        Change {
            expected: self.stored.map(|(stamp, _)| stamp),
            queue: (!queue_is_stored).then(|| self.state.queue().clone()),
            record,
        }
    }
}

/// What the database knows of a session.
struct Loaded {
    record: Option<(Record, Arc<Queue>)>,
    last_beat: Option<Micros>,
}

impl SessionActor {
    pub(crate) fn new(user: UserId, number: u64, directory: Arc<Directory>) -> Self {
        let loading_since = directory.world().clock.now();
        Self {
            user,
            number,
            directory,
            devices: HashMap::new(),
            inbox: VecDeque::new(),
            live: None,
            floor: 0,
            is_busy: true,
            loading_since,
            watched: None,
            deadline: None,
            soon: None,
            unwritten_plays: 0,
            stopping: Vec::new(),
        }
    }

    fn world(&self) -> &World {
        self.directory.world()
    }

    fn now(&self) -> Micros {
        self.world().clock.now()
    }

    // Loading

    fn load(&mut self, ctx: &mut Context<Self>) {
        self.is_busy = true;
        let world = self.world();
        let (user, store, nodes) = (self.user, world.store.clone(), world.nodes.clone());
        let loaded = async move {
            let record = store.load(user).await?;
            let (queue_revision, queue) = store.queue(user).await?;
            if record.as_ref().is_some_and(|record| record.queue_revision() != queue_revision) {
                let message = "the queue changed between two reads".to_owned();
                return Err(PortError { message, is_transient: true });
            }
            let last_beat = nodes.last_beat().await?;
            Ok(Loaded { record: record.map(|record| (record, Arc::new(queue))), last_beat })
        };
        ctx.spawn(loaded.into_actor(self).map(|loaded, actor, ctx| match loaded {
            Ok(loaded) => actor.begin(loaded, ctx),
            Err(error) => actor.load_again(&error, ctx),
        }));
    }

    /// The new epoch is durable before anything is shown under it.
    fn begin(&mut self, loaded: Loaded, ctx: &mut Context<Self>) {
        let (now, node, limits) = (self.now(), self.world().nodes.this(), self.world().limits);
        let stored = loaded.record.as_ref().map(|(record, _)| (record.stamp, record.queue_revision()));
        let state = match loaded.record {
            Some(record) => SessionState::load(now, record, node, loaded.last_beat, self.floor, limits),
            None => SessionState::new(now, self.floor, node, limits),
        };
        let live = Live { state, stored };
        let committed = self.world().store.commit(self.user, live.change());
        ctx.spawn(committed.into_actor(self).map(move |outcome, actor, ctx| match outcome {
            Outcome::Committed => {
                actor.is_busy = false;
                actor.live = Some(live);
                actor.stored();
                actor.go_on(ctx);
            }
            Outcome::Conflict(_) => {
                let message = "another record stands there".to_owned();
                actor.load_again(&PortError { message, is_transient: true }, ctx);
            }
            Outcome::NotSent(error) | Outcome::Unknown(error) => actor.load_again(&error, ctx),
        }));
    }

    fn load_again(&mut self, error: &PortError, ctx: &mut Context<Self>) {
        log::warn!("session {} was not loaded: {error}", self.user);
        if self.now().since_ms(self.loading_since) < PATIENCE_MS && self.stopping.is_empty() {
            ctx.run_later(RETRY, Self::load);
        } else {
            self.close_all(CloseReason::Unavailable);
            ctx.stop();
        }
    }

    /// What was shown may not stand in the database: everybody comes back to a session that is loaded anew.
    fn restart(&mut self, why: &str, ctx: &mut Context<Self>) {
        log::warn!("session {} starts anew: {why}", self.user);
        self.close_all(CloseReason::Restart);
        if let Some(live) = self.live.take() {
            self.floor = self.floor.max(live.state.record().stamp.epoch);
        }
        self.inbox.clear();
        self.watched = None;
        for handle in [self.deadline.take().map(|(_, handle)| handle), self.soon.take()].into_iter().flatten() {
            ctx.cancel_future(handle);
        }
        self.loading_since = self.now();
        self.load(ctx);
    }

    fn close_all(&mut self, reason: CloseReason) {
        for (_, device) in self.devices.drain() {
            device.do_send(ToDevice::Close(reason));
        }
    }

    // Stepping

    fn take_in(&mut self, event: Event, ctx: &mut Context<Self>) {
        self.inbox.push_back(event);
        self.go_on(ctx);
    }

    /// Steps what waits, unless a load or commit is in flight.
    fn go_on(&mut self, ctx: &mut Context<Self>) {
        if self.is_busy || self.live.is_none() {
            return;
        }
        let events: Vec<Event> = self.inbox.drain(..).collect();
        if !events.is_empty() {
            self.step(events, ctx);
        }
        self.rest(ctx);
    }

    fn step(&mut self, events: Vec<Event>, ctx: &mut Context<Self>) {
        let now = self.now();
        let Some(live) = &mut self.live else { return };
        let before = live.state.clone();
        let mut effects = Vec::new();
        for event in &events {
            live.state.step(now, event.clone(), &mut effects);
            if let Err(violation) = live.state.check() {
                panic!("session {}: invariant {} does not hold: {}", self.user, violation.number, violation.rule);
            }
        }
        let durability = effects.iter().filter_map(|effect| match effect {
            Effect::Commit(durability) => Some(*durability),
            _ => None,
        });
        match durability.max() {
            Some(Durability::Now) => {
                let change = live.change();
                self.commit(before, events, effects, change, ctx);
            }
            Some(Durability::Soon) => {
                self.release(before.shown(), effects, ctx);
                self.write_soon(SOON, ctx);
            }
            None => self.release(before.shown(), effects, ctx),
        }
    }

    fn commit(
        &mut self,
        before: SessionState,
        events: Vec<Event>,
        effects: Vec<Effect>,
        change: Change,
        ctx: &mut Context<Self>,
    ) {
        self.is_busy = true;
        let committed = self.world().store.commit(self.user, change);
        ctx.spawn(committed.into_actor(self).map(move |outcome, actor, ctx| {
            actor.is_busy = false;
            match outcome {
                Outcome::Committed => {
                    actor.stored();
                    actor.release(before.shown(), effects, ctx);
                    actor.go_on(ctx);
                }
                Outcome::NotSent(error) => {
                    log::warn!("a change of session {} was not written: {error}", actor.user);
                    actor.undo(before, events, ctx);
                    actor.go_on(ctx);
                }
                Outcome::Conflict(_) => actor.restart("another record stands in the database", ctx),
                Outcome::Unknown(error) => actor.restart(&format!("a commit has no answer: {error}"), ctx),
            }
        }));
    }

    /// What needed the database did not happen; the rest of what came with it does.
    fn undo(&mut self, before: SessionState, events: Vec<Event>, ctx: &mut Context<Self>) {
        if let Some(live) = &mut self.live {
            live.state = before;
        }
        let mut light = Vec::new();
        for event in events {
            match event {
                Event::Said { connection, said: Said::Command { command, .. } } => {
                    let reject = Reject { retry_ms: Some(RETRY_MS), ..UNAVAILABLE };
                    self.send(
                        connection,
                        FrameKind::Other,
                        &ServerMessage::reject(command.id, &reject).encode().into(),
                    );
                }
                Event::Said { connection, said } if needs_commit(&said) => {
                    self.release_one(Effect::ShowPlayback(connection), ctx);
                }
                other => light.push(other),
            }
        }
        if !light.is_empty() {
            self.step(light, ctx);
        }
    }

    /// The present record stands in the database.
    fn stored(&mut self) {
        if let Some(live) = &mut self.live {
            let record = live.state.record();
            live.stored = Some((record.stamp, record.queue_revision()));
        }
    }

    fn write_soon(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        if self.soon.is_none() {
            self.soon = Some(ctx.run_later(wait, |actor, ctx| {
                actor.soon = None;
                actor.write(ctx);
            }));
        }
    }

    /// Writes what was shown already.
    fn write(&mut self, ctx: &mut Context<Self>) {
        let Some(live) = self.live.as_ref().filter(|live| !live.is_stored()) else { return };
        if self.is_busy {
            self.write_soon(RETRY, ctx);
            return;
        }
        self.is_busy = true;
        let committed = self.world().store.commit(self.user, live.change());
        ctx.spawn(committed.into_actor(self).map(|outcome, actor, ctx| {
            actor.is_busy = false;
            match outcome {
                Outcome::Committed => {
                    actor.stored();
                    actor.go_on(ctx);
                }
                Outcome::NotSent(error) => {
                    log::warn!("session {} was not written: {error}", actor.user);
                    actor.write_soon(RETRY, ctx);
                    actor.go_on(ctx);
                }
                Outcome::Conflict(_) => actor.restart("another record stands in the database", ctx),
                Outcome::Unknown(error) => actor.restart(&format!("a write has no answer: {error}"), ctx),
            }
        }));
    }

    // Showing

    /// Sends what everybody is shown anew, then what each one is told.
    fn release(&mut self, before: Shown, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        let Some(live) = &self.live else { return };
        let shown = live.state.shown();
        let welcomed: HashSet<ConnectionId> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Welcome(connection, _) => Some(*connection),
                _ => None,
            })
            .collect();
        if shown.playback != before.playback {
            let frame = ServerMessage::Playback(Box::new(live.state.playback().clone())).encode();
            self.send_all(&welcomed, FrameKind::Playback, &frame.into());
        }
        if shown.devices != before.devices
            && let Some(live) = &self.live
        {
            let frame = ServerMessage::Devices(DeviceList::of(live.state.record())).encode();
            self.send_all(&welcomed, FrameKind::Devices, &frame.into());
        }
        for effect in effects {
            self.release_one(effect, ctx);
        }
        self.watch();
    }

    fn release_one(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        let Some(live) = &self.live else { return };
        let record = live.state.record();
        let (connection, kind, message) = match effect {
            Effect::Commit(_) => return,
            Effect::Close(connection, reason) => {
                if let Some(device) = self.devices.get(&connection) {
                    device.do_send(ToDevice::Close(reason));
                }
                return;
            }
            Effect::Played(play) => {
                self.keep_play(play, ctx);
                return;
            }
            Effect::Welcome(connection, device_id) => {
                let world = self.world();
                let welcome = Welcome {
                    device_id,
                    now_us: world.clock.now(),
                    clock_id: world.clock.id(),
                    jitter_ms: world.limits.jitter_ms,
                    limits: world.client_limits(),
                    playback: record.playback.clone(),
                    devices: DeviceList::of(record),
                };
                (connection, FrameKind::Other, ServerMessage::Welcome(Box::new(welcome)))
            }
            Effect::Ack(connection, id, revision) => {
                (connection, FrameKind::Other, ServerMessage::Ack { id, revision })
            }
            Effect::Reject(connection, id, reject) => {
                (connection, FrameKind::Other, ServerMessage::reject(id, &reject))
            }
            Effect::ShowPlayback(connection) => {
                (connection, FrameKind::Playback, ServerMessage::Playback(Box::new(record.playback.clone())))
            }
            Effect::ShowDevices(connection) => {
                (connection, FrameKind::Devices, ServerMessage::Devices(DeviceList::of(record)))
            }
            Effect::ShowQueue(connection, from, limit) => {
                let page = QueuePage::of(record, live.state.queue(), from, limit);
                (connection, FrameKind::Other, ServerMessage::Queue(page))
            }
        };
        self.send(connection, kind, &message.encode().into());
    }

    fn send_all(&mut self, but: &HashSet<ConnectionId>, kind: FrameKind, frame: &Arc<str>) {
        let others: Vec<ConnectionId> = self.devices.keys().filter(|id| !but.contains(id)).copied().collect();
        for connection in others {
            self.send(connection, kind, frame);
        }
    }

    /// A device whose mailbox is full is too slow: it comes back and is told everything at once.
    fn send(&mut self, connection: ConnectionId, kind: FrameKind, frame: &Arc<str>) {
        let Some(device) = self.devices.get(&connection) else { return };
        if device.try_send(ToDevice::Frame(kind, frame.clone())).is_err() {
            device.do_send(ToDevice::Close(CloseReason::Slow));
        }
    }

    /// Tells the device that is to sound that its life is watched closely, and the one before that it no longer is.
    fn watch(&mut self) {
        let Some(live) = &self.live else { return };
        let playback = live.state.playback();
        let active = playback.active.filter(|_| playback.intent == Intent::Play);
        let device = active.and_then(|active| live.state.devices().get(active.device_id));
        let wanted = device.and_then(|device| device.presence.connection());
        if self.watched == wanted {
            return;
        }
        for (connection, is_active) in [(self.watched, false), (wanted, true)] {
            if let Some(device) = connection.and_then(|connection| self.devices.get(&connection)) {
                device.do_send(ToDevice::Watch(is_active));
            }
        }
        self.watched = wanted;
    }

    fn keep_play(&mut self, play: Play, ctx: &mut Context<Self>) {
        if self.unwritten_plays >= UNWRITTEN_PLAYS {
            log::error!("a play of {} is lost: {UNWRITTEN_PLAYS} others wait for the database", self.user);
            return;
        }
        self.unwritten_plays += 1;
        let kept = self.world().store.played(self.user, play);
        ctx.spawn(kept.into_actor(self).map(move |kept, actor, ctx| {
            actor.unwritten_plays -= 1;
            if let Err(error) = kept {
                log::warn!("a play of {} was not written and will be: {error}", actor.user);
                ctx.run_later(RETRY, move |actor, ctx| actor.keep_play(play, ctx));
            }
            actor.go_on(ctx);
        }));
    }

    // Resting

    /// Waits for the next deadline; ends when nobody is left to wait for and everything is written.
    fn rest(&mut self, ctx: &mut Context<Self>) {
        let Some(live) = &self.live else { return };
        let due = live.state.next_deadline();
        if self.deadline.map(|(at, _)| at) != due {
            if let Some((_, handle)) = self.deadline.take() {
                ctx.cancel_future(handle);
            }
            if let Some(due) = due {
                let wait_us = u64::try_from(due.since_us(self.now())).unwrap_or(0);
                let handle = ctx.run_later(Duration::from_micros(wait_us), |actor, ctx| {
                    actor.deadline = None;
                    actor.take_in(Event::Deadline, ctx);
                });
                self.deadline = Some((due, handle));
            }
        }
        let waits = due.is_some() || self.unwritten_plays > 0;
        let is_over = self.devices.is_empty() && (!waits || !self.stopping.is_empty());
        if is_over && !self.is_busy && self.inbox.is_empty() {
            match &self.live {
                Some(live) if !live.is_stored() => self.write(ctx),
                _ => ctx.stop(),
            }
        }
    }
}

const UNAVAILABLE: Reject = Reject::new(RejectCode::Unavailable, "the database is out of reach; try again");

/// Whether what a device says may change something that must be durable before it is shown.
const fn needs_commit(said: &Said) -> bool {
    match said {
        Said::Command { .. } | Said::Ended(_) => true,
        Said::Report(report) => matches!(report.status, Sound::Failed),
        Said::Ready(_) | Said::Yield(_) | Said::Volume(_) | Said::Queue { .. } => false,
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.load(ctx);
    }
}

/// However a session ends, a panic included, its devices are told to come back and the directory forgets it.
impl Drop for SessionActor {
    fn drop(&mut self) {
        self.close_all(CloseReason::Restart);
        self.directory.ended(self.user, self.number);
    }
}

impl Handler<Attach> for SessionActor {
    type Result = ();

    fn handle(&mut self, Attach { join, device }: Attach, ctx: &mut Self::Context) {
        if !self.stopping.is_empty() {
            device.do_send(ToDevice::Close(CloseReason::Shutdown));
            return;
        }
        self.devices.insert(join.connection, device);
        self.take_in(Event::Join(Box::new(join)), ctx);
    }
}

impl Handler<FromDevice> for SessionActor {
    type Result = ();

    fn handle(&mut self, FromDevice { connection, said }: FromDevice, ctx: &mut Self::Context) {
        if self.inbox.len() < INBOX {
            self.take_in(Event::Said { connection, said }, ctx);
        } else if let Some(device) = self.devices.get(&connection) {
            device.do_send(ToDevice::Close(CloseReason::Overloaded));
        }
    }
}

impl Handler<Detach> for SessionActor {
    type Result = ();

    fn handle(&mut self, Detach { connection, how }: Detach, ctx: &mut Self::Context) {
        self.devices.remove(&connection);
        self.take_in(Event::Leave { connection, how }, ctx);
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
            self.inbox.push_back(Event::Leave { connection, how: Leaving::SentAway(now) });
        }
        self.go_on(ctx);
        Box::pin(async move {
            // The sender is dropped with the actor, which is what is waited for.
            let _ = end.await;
        })
    }
}
