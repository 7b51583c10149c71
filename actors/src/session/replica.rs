//! What a node does with a session, pure: it steps events, commits their changes, shows them, and loads the session
//! again when the record in the database is not the expected one. The actor around it, and the simulation, carry out
//! its [`ReplicaOutput`]s and bring the answers.
//!
//! This file is what every node does. `single` is the rest for a node that is the only one, `shared` for nodes that
//! share the session ([`Limits::is_shared`]):
//!
//! | | single | shared |
//! |---|---|---|
//! | written before it is shown | what an effect asks for; the rest within 2 s | every change |
//! | stepped while a write is in flight | beside the write of what was shown: what needs no commit | nothing |
//! | a load | begins a new epoch | continues under the record's epoch, unless stamps may be lost |
//! | a commit was refused | the commands in it are rejected, the other events are stepped again | the same, after a load |
//! | a commit found another record | the session restarts | it is adopted, and the events are stepped again on it |
//! | a commit has no answer | the session restarts | the record is read, and the events are stepped again on it |

mod shared;
mod single;

use super::panics::{EventKey, named, skip};
use crate::node::ports::{Outcome, SessionChange};
use crate::protocol::close::CloseReason;
use crate::protocol::ids::{CommandId, ConnectionId, Micros, NodeId, Stamp};
use crate::protocol::messages::RejectCode;
use crate::state::queue::Queue;
use crate::state::{Asked, DeviceEvent, Durability, Effect, Event, Limits, Record, Reject, SessionState, Shown};
use std::collections::VecDeque;
use std::sync::Arc;

/// After so many conflicts in a row, each time because another node wrote first, the events are rejected `busy` (R4).
const ATTEMPTS: u8 = 8;

/// What the owner of the replica is to do.
#[derive(Debug)]
pub enum ReplicaOutput {
    /// Read the record and its queue, and bring them by [`Replica::loaded`].
    Load,
    /// The same after a while; why the session is not loaded, for the log.
    LoadAgain(String),
    /// Write this, and bring the outcome by [`Replica::committed`].
    Commit(SessionChange),
    /// Call [`Replica::write`] within 2 s.
    WriteSoon,
    /// For the log: a change was not written, and why.
    Log(String),
    /// Show every listed device what has changed since the given revisions, then carry out the effects, both from the
    /// given state: the replica's own may have changed since, and those changes must not be shown yet.
    Release(Shown, Box<SessionState>, Vec<Effect>),
    /// Something that was shown may be missing in the database: disconnect every device with `restart`, then read the
    /// record when their sockets are closed, so that no device sounds by the earlier state. The text is for the log.
    Restart(String),
}

/// The call to the database that is in flight.
#[derive(Debug)]
enum Flight {
    Load,
    /// The commit of the first record under a new epoch: nothing was shown under that epoch yet.
    Begin(Box<Live>),
    /// The commit of a change that is shown afterwards, with the state before it.
    Change {
        before: Box<SessionState>,
        events: Vec<Event>,
        effects: Vec<Effect>,
    },
    /// The commit of what was shown already, with the stamp of its record and the queue's revision in it: on a single
    /// node events that need no commit are stepped meanwhile, and what they change is not in it.
    Write(Stamp, u64),
    /// None. A commit was refused whose events cannot be rejected: they are stepped again at the next
    /// [`Replica::write`].
    Pause,
}

/// A session that is loaded.
#[derive(Debug)]
struct Live {
    state: SessionState,
    /// The stamp of the record in the database, as last read or written, and its queue's revision; `None`: no record.
    stored: Option<(Stamp, u64)>,
}

impl Live {
    fn is_stored(&self) -> bool {
        self.stored.is_some_and(|(stamp, _)| stamp == self.state.record().stamp)
    }

    /// Whether this record, just read, is older than the one last read or written: the database was restored.
    fn is_after(&self, record: &Record) -> bool {
        self.stored.is_some_and(|(stamp, _)| record.stamp < stamp)
    }

    fn change(&self) -> SessionChange {
        let record = self.state.record().clone();
        let queue_is_stored = self.stored.is_some_and(|(_, revision)| revision == record.queue_revision());
        SessionChange {
            expected: self.stored.map(|(stamp, _)| stamp),
            queue: (!queue_is_stored).then(|| self.state.queue().clone()),
            record,
        }
    }
}

/// One user's session on one node.
#[derive(Debug)]
pub struct Replica {
    node: NodeId,
    limits: Limits,
    live: Option<Live>,
    /// Events that wait for the call in flight; stepped together afterwards, in the order in which they came.
    inbox: VecDeque<Event>,
    flight: Option<Flight>,
    /// Conflicts in a row, each time because another node wrote first.
    attempts: u8,
    /// A commit without an answer may be in the database, or still get there.
    in_doubt: bool,
    /// The newest record that another node is known to have written.
    news: Option<Arc<Record>>,
    /// The newest epoch under which this node has shown the session: the next one must be higher.
    floor: u64,
    /// The database was restored: the state in memory may hold commits that are lost. The session restarts when no call
    /// is in flight.
    is_outdated: bool,
    /// The device event that was stepped last, read after a panic.
    processing: Option<EventKey>,
    /// The events at which earlier runs of this session panicked.
    skipped: Vec<EventKey>,
    /// The session starts paused, because it panicked too often.
    starts_paused: bool,
}

impl Replica {
    /// A session that is not loaded: its owner begins with what [`ReplicaOutput::Load`] asks for.
    #[must_use]
    pub const fn new(node: NodeId, limits: Limits) -> Self {
        Self {
            node,
            limits,
            live: None,
            inbox: VecDeque::new(),
            flight: Some(Flight::Load),
            attempts: 0,
            in_doubt: false,
            news: None,
            floor: 0,
            is_outdated: false,
            processing: None,
            skipped: Vec::new(),
            starts_paused: false,
        }
    }

    /// The same after runs that panicked: the events that are `skipped` are answered and not stepped.
    #[must_use]
    pub fn after_panics(self, skipped: Vec<EventKey>, starts_paused: bool) -> Self {
        Self { skipped, starts_paused, ..self }
    }

    /// The answer to a load: the record and its queue, if there are any, with the identity of the database and the last
    /// heartbeat of the nodes before. A new epoch is durable before anything is shown under it: one begins with each
    /// load on a single node, and among several nodes where stamps may have been lost.
    pub fn loaded(
        &mut self,
        now: Micros,
        record: Option<(Record, Arc<Queue>)>,
        (database, last_heartbeat): (u64, Option<Micros>),
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        self.flight = None;
        self.processing = None;
        let stands = |record: &Record| record.database == database && record.stamp.epoch > self.floor;
        match (record, &self.live) {
            (Some((record, queue)), Some(live)) if record.database == database && !live.is_after(&record) => {
                self.adopt(now, Arc::new(record), Some(queue), outputs);
            }
            (_, Some(_)) => self.is_outdated = true,
            (Some(kept), None) if self.limits.is_shared && !self.starts_paused && stands(&kept.0) => {
                self.resume(now, kept);
            }
            (record, None) => self.begin(now, record, (database, last_heartbeat), outputs),
        }
        self.go_on(now, outputs);
    }

    fn begin(
        &mut self,
        now: Micros,
        record: Option<(Record, Arc<Queue>)>,
        (database, last_heartbeat): (u64, Option<Micros>),
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        let stored = record.as_ref().map(|(record, _)| (record.stamp, record.queue_revision()));
        let state = match record {
            Some(record) => SessionState::load(now, record, self.node, last_heartbeat, self.floor, self.limits),
            None => SessionState::new(now, self.floor, self.node, self.limits),
        };
        let mut state = state.begun_in(database);
        if self.starts_paused {
            state.rest(now);
        }
        let live = Live { state, stored };
        outputs.push(ReplicaOutput::Commit(live.change()));
        self.flight = Some(Flight::Begin(Box::new(live)));
    }

    /// Takes in an event, and steps it unless it has to wait for the call in flight.
    pub fn take_in(&mut self, now: Micros, event: Event, outputs: &mut Vec<ReplicaOutput>) {
        let is_beside_write = self.flight.is_some() && self.steps_at_once();
        let waits = if is_beside_write { self.step_beside_write(now, event, outputs) } else { Some(event) };
        self.inbox.extend(waits);
        self.go_on(now, outputs);
    }

    /// The database was restored to an older state: the session restarts as soon as no call is in flight.
    pub fn outdate(&mut self, now: Micros, outputs: &mut Vec<ReplicaOutput>) {
        self.is_outdated = true;
        self.go_on(now, outputs);
    }

    fn go_on(&mut self, now: Micros, outputs: &mut Vec<ReplicaOutput>) {
        if self.is_outdated && self.flight.is_none() {
            self.restart("the database was restored to an older state".to_owned(), outputs);
        }
        if let Some(record) = self.news.take_if(|_| self.flight.is_none()) {
            self.adopt(now, record, None, outputs);
        }
        if self.flight.is_none() && self.attempts >= ATTEMPTS {
            self.attempts = 0;
            let events = self.inbox.drain(..).collect();
            self.undo(now, events, &Reject::BUSY, outputs);
        }
        if self.flight.is_none() && !self.inbox.is_empty() {
            let events = self.inbox.drain(..).collect();
            self.step(now, events, outputs);
        }
    }

    fn step(&mut self, now: Micros, events: Vec<Event>, outputs: &mut Vec<ReplicaOutput>) {
        let Some(before) = self.state().cloned() else { return };
        let mut effects = Vec::new();
        for event in &events {
            self.apply(now, event, &mut effects);
        }
        let Some(live) = &self.live else { return };
        let durability =
            if self.limits.is_shared { shared::durability(&before, &live.state) } else { single::durability(&effects) };
        match durability {
            Some(Durability::Now) => {
                outputs.push(ReplicaOutput::Commit(live.change()));
                self.flight = Some(Flight::Change { before: Box::new(before), events, effects });
            }
            Some(Durability::Soon) => {
                self.release(before.shown(), effects, outputs);
                outputs.push(ReplicaOutput::WriteSoon);
            }
            None => self.release(before.shown(), effects, outputs),
        }
    }

    /// Applies one event to the state, or answers it if it is skipped.
    fn apply(&mut self, now: Micros, event: &Event, effects: &mut Vec<Effect>) {
        let Some(live) = &mut self.live else { return };
        self.processing = named(&live.state, event);
        if let Some(answer) = skip(&self.skipped, self.processing, event) {
            effects.extend(answer);
            return;
        }
        live.state.step(now, event.clone(), effects);
        if let Err(violation) = live.state.check() {
            panic!("invariant {} does not hold: {}", violation.number, violation.rule);
        }
    }

    fn release(&self, before: Shown, effects: Vec<Effect>, outputs: &mut Vec<ReplicaOutput>) {
        let news = |live: &&Live| !effects.is_empty() || live.state.shown() != before;
        if let Some(live) = self.live.as_ref().filter(news) {
            outputs.push(ReplicaOutput::Release(before, Box::new(live.state.clone()), effects));
        }
    }

    /// The outcome of the commit in flight.
    pub fn committed(&mut self, now: Micros, outcome: Outcome, outputs: &mut Vec<ReplicaOutput>) {
        let Some(flight) = self.flight.take() else { return };
        let trouble = match &outcome {
            Outcome::Committed => String::new(),
            Outcome::Conflict(_) => "a commit found another record in the database than expected".to_owned(),
            Outcome::NotSent(error) => format!("a change was not written: {error}"),
            Outcome::Unknown(error) => format!("a commit has no answer: {error}"),
        };
        match (flight, outcome) {
            (Flight::Load | Flight::Pause, _) => {}
            (Flight::Begin(live), Outcome::Committed) => {
                self.live = Some(*live);
                self.starts_paused = false;
                self.all_is_stored();
            }
            (Flight::Change { before, effects, .. }, Outcome::Committed) => {
                (self.attempts, self.in_doubt) = (0, false);
                self.all_is_stored();
                self.release(before.shown(), effects, outputs);
            }
            (Flight::Write(stamp, queue_revision), Outcome::Committed) => self.stored(stamp, queue_revision),
            (Flight::Write(..), Outcome::NotSent(_)) => outputs.push(ReplicaOutput::WriteSoon),
            (flight, outcome) if self.limits.is_shared => {
                self.not_committed_shared(now, flight, outcome, trouble, outputs);
            }
            (flight, outcome) => self.not_committed_single(now, flight, &outcome, trouble, outputs),
        }
        self.go_on(now, outputs);
    }

    /// A change was not written: the session is as it was before.
    fn take_back(&mut self, before: SessionState) {
        if let Some(live) = &mut self.live {
            live.state = before;
        }
    }

    fn restart(&mut self, why: String, outputs: &mut Vec<ReplicaOutput>) {
        self.is_outdated = false;
        if let Some(live) = self.live.take() {
            self.floor = self.floor.max(live.state.record().stamp.epoch);
        }
        self.inbox.clear();
        (self.news, self.attempts, self.in_doubt) = (None, 0, false);
        self.load(ReplicaOutput::Restart(why), outputs);
    }

    fn load(&mut self, output: ReplicaOutput, outputs: &mut Vec<ReplicaOutput>) {
        self.flight = Some(Flight::Load);
        outputs.push(output);
    }

    /// Puts events back into the inbox, before those that arrived since.
    fn put_back(&mut self, events: Vec<Event>) {
        for event in events.into_iter().rev() {
            self.inbox.push_front(event);
        }
    }

    /// The events' change was not written: those that needed it are rejected or answered, the others are stepped again.
    fn undo(&mut self, now: Micros, events: Vec<Event>, reject: &Reject, outputs: &mut Vec<ReplicaOutput>) {
        let Some(live) = &self.live else { return };
        let (all, mut light, mut effects) = (events.len(), Vec::new(), Vec::new());
        let joined: Vec<_> = events.iter().filter_map(Event::joining).collect();
        let answer = |connection: ConnectionId, id: CommandId| {
            let devices = live.state.devices();
            let listed = devices.by_connection(connection).map(|device| device.id);
            let device_id = joined.iter().find(|(at, _)| *at == connection).map(|(_, id)| *id).or(listed);
            match device_id.and_then(|device_id| devices.answer_to(device_id, id)) {
                Some(revision) => Effect::Ack(connection, id, revision),
                None => Effect::Reject(connection, id, reject.clone()),
            }
        };
        for event in events {
            match event {
                Event::Device { connection, event: event @ DeviceEvent::Command { .. } } => {
                    effects.extend(event.commands().map(|id| answer(connection, id)));
                }
                Event::Join(join) if reject.code == RejectCode::Busy => {
                    effects.push(Effect::Close(join.connection, CloseReason::Overloaded));
                }
                Event::Join(join) if live.state.lost_stamp(&join).is_some() => {
                    effects.push(Effect::Close(join.connection, CloseReason::Unavailable));
                }
                Event::Asked { connection, asked: Asked::Command { command, .. } } => {
                    effects.push(answer(connection, command.id));
                }
                Event::Device { connection, event } if event.needs_commit() => {
                    effects.push(Effect::ShowPlayback(connection));
                }
                other => light.push(other),
            }
        }
        self.release(live.state.shown(), effects, outputs);
        if self.limits.is_shared {
            self.put_back(light);
        } else {
            self.step_the_rest(now, light, all, outputs);
        }
    }

    /// Writes what was shown and is not in the database yet; steps what waits since a refused commit.
    pub fn write(&mut self, now: Micros, outputs: &mut Vec<ReplicaOutput>) {
        if self.flight.take_if(|flight| matches!(flight, Flight::Pause)).is_some() {
            self.go_on(now, outputs);
        }
        let Some(live) = self.live.as_ref().filter(|live| !live.is_stored()) else { return };
        if self.flight.is_some() {
            outputs.push(ReplicaOutput::WriteSoon);
        } else {
            let change = live.change();
            self.flight = Some(Flight::Write(change.record.stamp, change.record.queue_revision()));
            outputs.push(ReplicaOutput::Commit(change));
        }
    }

    /// Notes that the record of this stamp is in the database, with the queue of this revision.
    fn stored(&mut self, stamp: Stamp, queue_revision: u64) {
        if let Some(live) = &mut self.live {
            live.stored = Some((stamp, queue_revision));
        }
    }

    /// Notes that the present record is in the database.
    fn all_is_stored(&mut self) {
        if let Some(record) = self.state().map(SessionState::record) {
            self.stored(record.stamp, record.queue_revision());
        }
    }

    /// The device event that was stepped last, for after a panic.
    #[must_use]
    pub const fn processing(&self) -> Option<EventKey> {
        self.processing
    }

    /// The session, once it is loaded.
    #[must_use]
    pub fn state(&self) -> Option<&SessionState> {
        self.live.as_ref().map(|live| &live.state)
    }

    /// Whether the database has everything that was shown; also while no session is loaded.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.live.as_ref().is_none_or(Live::is_stored)
    }

    /// Whether a call to the database is in flight.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Whether an event that needs no commit is stepped when it comes: no call is in flight or, on a single node, only
    /// the write of what was shown already. Behind an event that waits for that write all others wait too.
    #[must_use]
    pub fn steps_at_once(&self) -> bool {
        let may_step = match &self.flight {
            None => true,
            Some(Flight::Write(..)) => !self.limits.is_shared && !self.is_outdated,
            Some(_) => false,
        };
        may_step && self.inbox.is_empty()
    }

    /// How many events wait for the database.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.iter().map(Event::weight).sum()
    }
}
