//! What a node does with a session, pure: it steps events, commits their changes, releases what they show, and loads the
//! session again when the record in the database is not the expected one. The actor around it, and the simulation,
//! carry out its [`ReplicaOutput`]s and bring the answers.
//!
//! Here is what every node does. `single` is the rest for a node that is the only one, `shared` for nodes that share the
//! session ([`Limits::is_shared`]):
//!
//! | | single | shared |
//! |---|---|---|
//! | written before it is shown | what an effect asks for; the rest within 2 s | every change |
//! | a load | begins a new epoch | goes on under the epoch that stands, unless stamps may be lost |
//! | a commit was refused | the commands in it are rejected, the other events are stepped again | the same, after a load |
//! | another record stands | the session starts anew | it is adopted, and the events are stepped again on it |
//! | a commit has no answer | the session starts anew | the record is read, and the events are stepped again on it |

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

/// How often events are stepped before their commit, each time, comes too late.
const ATTEMPTS: u8 = 8;

/// What is to be done.
#[derive(Debug)]
pub enum ReplicaOutput {
    /// Read the record and its queue, and bring them by [`Replica::loaded`].
    Load,
    /// The load came to nothing, and why: read again, after a while.
    LoadAgain(String),
    /// Write this, and bring the outcome by [`Replica::committed`].
    Commit(SessionChange),
    /// Call [`Replica::write`] within 2 s.
    WriteSoon,
    /// For the log: a change was not written, and why.
    Log(String),
    /// Show everybody what differs from the revisions given, and each one what the effects say, as it stood then: later
    /// events may have changed the session since, and that is not to be seen yet.
    Release(Shown, Box<SessionState>, Vec<Effect>),
    /// What was shown may not stand: send every device away to come back at once, and read the record once their sockets
    /// are closed, so that nobody sounds who does not know of it.
    Restart(String),
}

/// What was asked of the database and is not answered.
#[derive(Debug)]
enum Flight {
    Load,
    /// The first record under a new epoch: nothing was shown under it.
    Begin(Box<Live>),
    /// A change, with the state before it.
    Change {
        before: Box<SessionState>,
        events: Vec<Event>,
        effects: Vec<Effect>,
    },
    /// What was shown already.
    Write,
    /// Nothing: the database refuses what must be, and is asked again in a while.
    Pause,
}

/// A session that is loaded.
#[derive(Debug)]
struct Live {
    state: SessionState,
    /// The stamp that stands in the database, and its queue's revision.
    stored: Option<(Stamp, u64)>,
}

impl Live {
    fn is_stored(&self) -> bool {
        self.stored.is_some_and(|(stamp, _)| stamp == self.state.record().stamp)
    }

    /// Whether the database has lost what this node knows of it.
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

/// One user's session as one node has it.
#[derive(Debug)]
pub struct Replica {
    node: NodeId,
    limits: Limits,
    live: Option<Live>,
    /// Events that wait for an answer of the database; stepped together then.
    inbox: VecDeque<Event>,
    flight: Option<Flight>,
    /// Commits in a row that came too late.
    attempts: u8,
    /// A commit without an answer may still be written.
    in_doubt: bool,
    /// The newest record that another node is known to have written.
    news: Option<Arc<Record>>,
    /// No stamp of this epoch or an earlier one may be given again.
    floor: u64,
    /// What is known may never have been.
    is_outdated: bool,
    /// What was said last, for whoever must know it after a panic.
    processing: Option<EventKey>,
    /// What made earlier runs of this session panic.
    skipped: Vec<EventKey>,
    /// The session starts paused, for it panicked too often.
    starts_paused: bool,
}

impl Replica {
    /// A session that is to be loaded: the first output is [`ReplicaOutput::Load`].
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

    /// The same after runs that panicked: what is `skipped` is answered and not stepped.
    #[must_use]
    pub fn after_panics(self, skipped: Vec<EventKey>, starts_paused: bool) -> Self {
        Self { skipped, starts_paused, ..self }
    }

    /// The answer to a load of the database of this identity. A new epoch is durable before anything is shown under it:
    /// one begins with each load on a single node, and among several where stamps may have been lost.
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

    /// Something happens.
    pub fn take_in(&mut self, now: Micros, event: Event, outputs: &mut Vec<ReplicaOutput>) {
        self.inbox.push_back(event);
        self.go_on(now, outputs);
    }

    /// The database was put back: the session is loaded anew as soon as nothing is in flight.
    pub fn outdate(&mut self, now: Micros, outputs: &mut Vec<ReplicaOutput>) {
        self.is_outdated = true;
        self.go_on(now, outputs);
    }

    fn go_on(&mut self, now: Micros, outputs: &mut Vec<ReplicaOutput>) {
        if self.is_outdated && self.flight.is_none() {
            self.restart("the database was put back".to_owned(), outputs);
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
        let Some(live) = &mut self.live else { return };
        let before = live.state.clone();
        let mut effects = Vec::new();
        for event in &events {
            self.processing = named(&live.state, event);
            if let Some(answer) = skip(&self.skipped, self.processing, event) {
                effects.extend(answer);
                continue;
            }
            live.state.step(now, event.clone(), &mut effects);
            if let Err(violation) = live.state.check() {
                panic!("invariant {} does not hold: {}", violation.number, violation.rule);
            }
        }
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

    fn release(&self, before: Shown, effects: Vec<Effect>, outputs: &mut Vec<ReplicaOutput>) {
        let news = |live: &&Live| !effects.is_empty() || live.state.shown() != before;
        if let Some(live) = self.live.as_ref().filter(news) {
            outputs.push(ReplicaOutput::Release(before, Box::new(live.state.clone()), effects));
        }
    }

    /// What became of a commit.
    pub fn committed(&mut self, now: Micros, outcome: Outcome, outputs: &mut Vec<ReplicaOutput>) {
        let Some(flight) = self.flight.take() else { return };
        let trouble = match &outcome {
            Outcome::Committed => String::new(),
            Outcome::Conflict(_) => "another record stands in the database".to_owned(),
            Outcome::NotSent(error) => format!("a change was not written: {error}"),
            Outcome::Unknown(error) => format!("a commit has no answer: {error}"),
        };
        match (flight, outcome) {
            (Flight::Load | Flight::Pause, _) => {}
            (Flight::Begin(live), Outcome::Committed) => {
                self.live = Some(*live);
                self.starts_paused = false;
                self.stored();
            }
            (Flight::Change { before, effects, .. }, Outcome::Committed) => {
                (self.attempts, self.in_doubt) = (0, false);
                self.stored();
                self.release(before.shown(), effects, outputs);
            }
            (Flight::Write, Outcome::Committed) => self.stored(),
            (Flight::Write, Outcome::NotSent(_)) => outputs.push(ReplicaOutput::WriteSoon),
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

    /// The events are still to come, before those that came since.
    fn put_back(&mut self, events: Vec<Event>) {
        for event in events.into_iter().rev() {
            self.inbox.push_front(event);
        }
    }

    /// What needed the database did not happen; the rest of what came with it does.
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

    /// Writes what was shown already, if it is not written.
    pub fn write(&mut self, now: Micros, outputs: &mut Vec<ReplicaOutput>) {
        if self.flight.take_if(|flight| matches!(flight, Flight::Pause)).is_some() {
            self.go_on(now, outputs);
        }
        let Some(live) = self.live.as_ref().filter(|live| !live.is_stored()) else { return };
        if self.flight.is_some() {
            outputs.push(ReplicaOutput::WriteSoon);
        } else {
            outputs.push(ReplicaOutput::Commit(live.change()));
            self.flight = Some(Flight::Write);
        }
    }

    /// The present record stands in the database.
    fn stored(&mut self) {
        if let Some(live) = &mut self.live {
            let record = live.state.record();
            live.stored = Some((record.stamp, record.queue_revision()));
        }
    }

    /// What was said last.
    #[must_use]
    pub const fn processing(&self) -> Option<EventKey> {
        self.processing
    }

    /// The session, once it is loaded.
    #[must_use]
    pub fn state(&self) -> Option<&SessionState> {
        self.live.as_ref().map(|live| &live.state)
    }

    /// Whether the database has what was shown, or nothing was.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.live.as_ref().is_none_or(Live::is_stored)
    }

    /// Whether an answer of the database is waited for.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// How many events wait for it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inbox.len()
    }
}
