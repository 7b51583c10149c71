//! A node's session: the real replica, driven as the session's actor drives it, and what is shown.

use crate::lies::Lie;
use crate::server::{JITTER_MS, TIMING};
use crate::store::fault;
use crate::world::{Down, Fate, Happening, World};
use segue_actors::node::ports::{Outcome, SessionChange};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ClockId, ConnectionId, Micros, NodeId, Stamp};
use segue_actors::protocol::playback::Intent;
use segue_actors::protocol::wire::{ClientLimits, Library, ServerMessage, Welcome};
use segue_actors::session::replica::{Replica, ReplicaOutput};
use segue_actors::state::{DeviceEvent, Durability, Effect, Event, Limits, Record, Reject, SessionState, Shown};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) const AUDIO_MS: i64 = 60_000;
/// Between two looks into the database for what the bus has lost.
const POLL_US: i64 = 5_000_000;

/// The longest that a socket's actor is busy with something else, in microseconds.
const CLOSED_WITHIN_US: i64 = 2_000_000;

/// This many unknown sockets are let in as devices of the user.
const SPARE_DEVICES: usize = 2;

/// One user's session on one node.
pub(crate) struct Session {
    pub(crate) replica: Replica,
    pub(crate) devices: BTreeSet<u64>,
    watched: Option<ConnectionId>,
    deadline: Option<(i64, u64)>,
    writes_soon: bool,
    pub(crate) at_work: AtWork,
    /// What a device has seen and the record does not have.
    claimed: Option<Stamp>,
    /// Its node is drained: it ends as soon as everything is written.
    pub(crate) is_stopping: bool,
}

/// What a session has asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtWork {
    Nothing,
    Loads,
    Writes,
    /// It is written, and the answer is on its way.
    HasWritten,
}

impl World {
    /// Whether the node takes it.
    pub(crate) fn attach(&mut self, n: usize, id: u64) -> bool {
        if self.nodes[n].is_draining && self.nodes[n].session.as_ref().is_none_or(|session| session.is_stopping) {
            return false;
        }
        if self.nodes[n].session.is_none() {
            self.nodes[n].generation += 1;
            let replica = Replica::new(NodeId(self.nodes[n].id), self.limits());
            let (watched, deadline, writes_soon) = (None, None, false);
            let (devices, at_work, claimed, is_stopping) = (BTreeSet::new(), AtWork::Nothing, None, false);
            let session = Session { replica, devices, watched, deadline, writes_soon, at_work, claimed, is_stopping };
            self.nodes[n].session = Some(session);
            self.load_soon(n, 100);
            self.poll_later(n);
        }
        if let Some(session) = &mut self.nodes[n].session {
            session.devices.insert(id);
        }
        true
    }

    fn limits(&self) -> Limits {
        let strict_ms = self.weather.is_strict.then_some(TIMING.lease_ms);
        let devices = self.devices.len() + SPARE_DEVICES;
        Limits { strict_ms, is_shared: self.is_shared(), devices, ..Limits::default() }
    }

    fn is_at(&mut self, n: usize, at_work: AtWork) {
        if let Some(session) = &mut self.nodes[n].session {
            session.at_work = at_work;
        }
    }

    fn load_soon(&mut self, n: usize, least_us: i64) {
        self.is_at(n, AtWork::Loads);
        if self.is_busy() && self.chance.permille(8) {
            self.after_us(0, 60_000, Happening::NodeCrashes(n, self.nodes[n].id));
        }
        let generation = self.nodes[n].generation;
        self.after_us(least_us, least_us + 30_000, Happening::Load(n, generation));
    }

    pub(crate) fn drive(&mut self, n: usize, act: impl FnOnce(&mut Replica, Micros, &mut Vec<ReplicaOutput>)) {
        let (now, mut outputs) = (self.server_now(n), Vec::new());
        let before = self.nodes[n].state().cloned();
        let Some(session) = &mut self.nodes[n].session else { return };
        act(&mut session.replica, now, &mut outputs);
        self.note_change(n, before.as_ref());
        for output in outputs {
            self.carry_out(n, output);
        }
        self.rest(n);
    }

    pub(crate) fn take_in(&mut self, n: usize, event: Event) {
        self.note(match &event {
            Event::Join(_) => "event join",
            Event::Leave { .. } => "event leave",
            Event::Device { event, .. } => event_name(event),
            Event::NodeLost { .. } => "event node lost",
            Event::Asked { .. } => "event asked",
            Event::Deadline => "event deadline",
        });
        if let Event::Join(join) = &event {
            let claimed = self.nodes[n].state().and_then(|state| state.lost_stamp(join));
            if let Some(session) = &mut self.nodes[n].session {
                session.claimed = claimed.or(session.claimed);
            }
        }
        self.drive(n, |replica, now, outputs| replica.take_in(now, event, outputs));
    }

    /// What was written is above what a device has seen and the database had lost.
    fn note_epoch(&mut self, n: usize, generation: u64, record: &Record) {
        let node = &mut self.nodes[n];
        let session = if node.generation == generation { node.session.as_mut() } else { None };
        let claimed = session.and_then(|session| session.claimed.take());
        if claimed.is_some_and(|seen| record.stamp.epoch > seen.epoch) {
            self.note("epoch raised above what a device has seen");
        }
    }

    pub(crate) fn load(&mut self, n: usize, generation: u64) {
        if generation != self.nodes[n].generation {
            return;
        }
        if self.is_cut(n) {
            self.load_soon(n, 500_000);
            return;
        }
        self.notice_database(n);
        let record = self.store.row.clone().map(|(record, queue)| (Record::clone(&record), queue));
        let known = (self.store.identity, self.store.last_heartbeat());
        let is_first = self.nodes[n].state().is_none();
        self.is_at(n, AtWork::Nothing);
        self.drive(n, |replica, now, outputs| replica.loaded(now, record, known, outputs));
        if is_first {
            for (node, last) in self.dead_nodes(n) {
                self.take_in(n, Event::NodeLost { node, last });
            }
        }
    }

    pub(crate) fn write(&mut self, n: usize, generation: u64) {
        if generation == self.nodes[n].generation {
            if let Some(session) = &mut self.nodes[n].session {
                session.writes_soon = false;
            }
            self.drive(n, Replica::write);
        }
    }

    fn poll_later(&mut self, n: usize) {
        if self.is_shared() {
            let generation = self.nodes[n].generation;
            self.after_us(POLL_US, POLL_US + 1, Happening::Poll(n, generation));
        }
    }

    /// A look into the database, for what the bus has lost.
    pub(crate) fn poll(&mut self, n: usize, generation: u64) {
        if generation != self.nodes[n].generation {
            return;
        }
        self.poll_later(n);
        if !self.is_cut(n) {
            self.notice_database(n);
            if let Some((record, _)) = self.store.row.clone() {
                self.after_us(50, 10_000, Happening::Published(n, generation, record));
            }
        }
    }

    pub(crate) fn take_record(&mut self, n: usize, generation: u64, record: Arc<Record>) {
        if generation == self.nodes[n].generation {
            self.drive(n, |replica, now, outputs| replica.remote_record(now, record, outputs));
        }
    }

    /// The change reaches the database, whoever still waits for it.
    pub(crate) fn commit(&mut self, n: usize, generation: u64, change: SessionChange, fate: Fate) {
        if self.is_cut(n) {
            self.note("commit of a node that is cut off");
            let outcome = if self.chance.permille(500) { Outcome::NotSent } else { Outcome::Unknown };
            self.after_us(50, 300_000, Happening::Committed(n, generation, Box::new(outcome(fault("cut off")))));
            return;
        }
        let is_known = self.nodes[n].database == self.store.identity;
        self.notice_database(n);
        if generation == self.nodes[n].generation && matches!(fate, Fate::Answered | Fate::UnknownWritten) {
            self.is_at(n, AtWork::HasWritten);
        }
        let record = change.record.clone();
        let is_storm = self.is_shared() && self.now < self.weather.storm_until;
        let outcome = match fate {
            _ if !is_known => Outcome::NotSent(fault("this is another database")),
            Fate::Answered if self.is_told(Lie::CommitsAreForgotten) && self.counter.is_multiple_of(2) => {
                Outcome::Committed
            }
            Fate::Answered => {
                if is_storm {
                    self.store.bump();
                }
                self.store.commit(self.now, change)
            }
            Fate::NotSent => Outcome::NotSent(fault("not sent")),
            Fate::UnknownLost => Outcome::Unknown(fault("lost")),
            Fate::UnknownWrittenLate => {
                self.after_us(50, 1_000_000, Happening::CommitLate(Box::new(change)));
                Outcome::Unknown(fault("late"))
            }
            Fate::UnknownWritten => {
                if let Outcome::Committed = self.store.commit(self.now, change) {
                    self.check_orphans(&record);
                }
                Outcome::Unknown(fault("no answer"))
            }
        };
        match (&outcome, fate) {
            (Outcome::Committed, _) => {
                self.check_orphans(&record);
                self.note_epoch(n, generation, &record);
                if self.is_shared() {
                    self.note_wait(&record.playback);
                }
                self.publish(n, &record);
            }
            (Outcome::Conflict(_), _) => self.note("commit Conflict"),
            (Outcome::NotSent(_), _) => self.note("commit NotSent"),
            (_, Fate::UnknownWrittenLate) => {}
            (_, Fate::UnknownLost) => self.note("commit Unknown, lost"),
            _ => self.note("commit Unknown, written"),
        }
        self.after_us(50, 10_000, Happening::Committed(n, generation, Box::new(outcome)));
    }

    pub(crate) fn committed(&mut self, n: usize, generation: u64, outcome: Outcome) {
        if generation == self.nodes[n].generation {
            self.is_at(n, AtWork::Nothing);
            let outcome = if self.is_cut(n) { Outcome::Unknown(fault("cut off")) } else { outcome };
            self.drive(n, |replica, now, outputs| replica.committed(now, outcome, outputs));
        }
    }

    pub(crate) fn deadline(&mut self, n: usize, version: u64) {
        let session = self.nodes[n].session.as_mut();
        let due = session.and_then(|session| session.deadline.take_if(|due| due.1 == version));
        if due.is_some() {
            self.take_in(n, Event::Deadline);
        }
    }

    fn carry_out(&mut self, n: usize, output: ReplicaOutput) {
        let generation = self.nodes[n].generation;
        match output {
            ReplicaOutput::Load => self.load_soon(n, 100),
            ReplicaOutput::LoadAgain(_) => self.load_soon(n, 400_000),
            ReplicaOutput::Commit(change) => {
                let fates = [Fate::NotSent, Fate::UnknownWritten, Fate::UnknownWrittenLate, Fate::UnknownLost];
                let share = if self.is_busy() { self.weather.store_faults } else { 0 };
                let fate = if self.chance.permille(share) { self.chance.pick(&fates) } else { Fate::Answered };
                if fate != Fate::Answered {
                    self.waits = None;
                }
                self.is_at(n, AtWork::Writes);
                let most_us = self.slowest_commit_us();
                self.after_us(50, most_us, Happening::Commit(n, generation, Box::new(change), fate));
            }
            ReplicaOutput::Log(_) => {}
            ReplicaOutput::WriteSoon => {
                let session = self.nodes[n].session.as_mut().expect("it has an output");
                if !session.writes_soon {
                    session.writes_soon = true;
                    self.after_us(1_000_000, 1_000_001, Happening::Write(n, generation));
                }
            }
            ReplicaOutput::Release(before, state, effects) => self.release(n, before, &state, effects),
            ReplicaOutput::Restart(_) => {
                let session = self.nodes[n].session.as_mut().expect("it has an output");
                (session.watched, session.deadline, session.writes_soon) = (None, None, false);
                let mut closed_at = self.now;
                for id in std::mem::take(&mut session.devices) {
                    // The socket's actor may be busy, and its device may be let in on another socket meanwhile.
                    let most_us = if self.chance.permille(300) { CLOSED_WITHIN_US } else { 1_000 };
                    let at = self.now + self.chance.between(0, most_us);
                    closed_at = closed_at.max(at);
                    self.at(at, Happening::Close(id, CloseReason::Restart));
                }
                self.load_soon(n, closed_at - self.now);
            }
        }
    }

    pub(crate) fn rest(&mut self, n: usize) {
        let clock_us = self.nodes[n].clock_us;
        let Some(session) = &mut self.nodes[n].session else { return };
        let Some(state) = session.replica.state().filter(|_| session.replica.steps_at_once()) else { return };
        let due = state.next_deadline().map(|due| due.0 - clock_us);
        if session.deadline.map(|(at, _)| at) != due {
            self.counter += 1;
            let version = self.counter;
            session.deadline = due.map(|due| (due, version));
            if let Some(due) = due {
                self.at(due, Happening::Deadline(n, version));
            }
        }
        let session = self.nodes[n].session.as_ref().expect("it rests");
        let is_idle = session.devices.is_empty() && !session.replica.is_busy();
        if is_idle && (due.is_none() || session.is_stopping) {
            if session.replica.is_stored() {
                let is_stopping = session.is_stopping;
                self.nodes[n].session = None;
                self.nodes[n].generation += 1;
                if is_stopping {
                    self.note("node drained");
                    self.halt_node(n, true);
                }
            } else {
                self.drive(n, Replica::write);
            }
        }
    }

    // What is shown

    fn release(&mut self, n: usize, before: Shown, state: &SessionState, effects: Vec<Effect>) {
        let Some(session) = &self.nodes[n].session else { return };
        let (shown, playback) = (state.shown(), state.playback().clone());
        let devices = state.record().device_list();
        let is_welcomed = |id: u64| effects.iter().any(|effect| matches!(effect, Effect::Welcome(to, _) if to.0 == id));
        let is_listed = |id: u64| state.devices().by_connection(ConnectionId(id)).is_some();
        let others = session.devices.iter().copied().filter(|id| is_listed(*id) && !is_welcomed(*id));
        let others: Vec<u64> = others.collect();
        for id in others {
            if shown.playback != before.playback {
                self.send_down(id, Down::Frame(Box::new(ServerMessage::Playback(Box::new(playback.clone())))));
            }
            if shown.devices != before.devices {
                self.send_down(id, Down::Frame(Box::new(ServerMessage::Devices(devices.clone()))));
            }
        }
        for effect in effects {
            self.release_one(n, effect, state);
        }
        self.watch(n, state);
    }

    fn release_one(&mut self, n: usize, effect: Effect, state: &SessionState) {
        let now_us = self.server_now(n);
        let record = state.record().clone();
        let effect = match effect {
            Effect::Ack(to, id, _) if self.is_told(Lie::AcceptedIsRejected) => Effect::Reject(to, id, Reject::BUSY),
            other => other,
        };
        let (what, sent) = match effect {
            Effect::Commit(Durability::Now) => ("effect commit now", None),
            Effect::Commit(Durability::Soon) => ("effect commit soon", None),
            Effect::Played(_) => ("effect played", None),
            Effect::Probe(to) => {
                self.note("effect probe");
                if !self.ends_at(n, to.0) {
                    return;
                }
                if let Some(served) = self.sockets.get_mut(&to.0).and_then(|socket| socket.served.as_mut()) {
                    served.liveness.probe(now_us);
                    self.send_down(to.0, Down::Frame(Box::new(ServerMessage::Ping { now_us })));
                    self.send_down(to.0, Down::Ping);
                    self.schedule_timers(to.0);
                }
                return;
            }
            Effect::Close(to, reason) => {
                self.note("effect close");
                if self.ends_at(n, to.0) {
                    // Through the socket's actor: the session's current step is not interrupted.
                    self.at(self.now, Happening::Close(to.0, reason));
                }
                return;
            }
            Effect::Welcome(to, device_id) => {
                let (playback, devices) = (record.playback.clone(), record.device_list());
                let clock_id = ClockId(if self.is_shared() { 1 } else { self.nodes[n].id });
                let audio_ms = if self.weather.is_strict { TIMING.lease_ms } else { AUDIO_MS };
                let limits = ClientLimits { audio_ms, ..CLIENT_LIMITS };
                let library = Library::default();
                let welcome =
                    Welcome { device_id, now_us, clock_id, jitter_ms: JITTER_MS, limits, playback, devices, library };
                ("effect welcome", Some((to, ServerMessage::Welcome(Box::new(welcome)))))
            }
            Effect::ShowAll(to) => {
                assert!(self.programs.remove(&to), "a look is answered once");
                ("effect show all", None)
            }
            Effect::Ack(to, _, revision) if self.programs.remove(&to) => {
                assert!(revision <= record.stamp.revision, "a program is told of a revision to come");
                ("program granted", None)
            }
            Effect::Reject(to, ..) if self.programs.remove(&to) => ("program refused", None),
            Effect::Ack(to, id, revision) => {
                let device_id = record.devices.by_connection(to).map(|device| device.id);
                let stands = self.store.row.as_ref().and_then(|(row, _)| row.devices.answer_to(device_id?, id));
                // A program that has gone gets no answer; a database that was put back has lost what it had.
                let is_known = device_id.is_some_and(|device_id| self.store.applied.contains_key(&(device_id, id)));
                assert!(!is_known || stands == Some(revision), "an ack of what is not in the database");
                if let Some(device_id) = device_id.filter(|_| stands == Some(revision)) {
                    self.store.acked.insert(device_id, (id, revision, self.now));
                }
                ("effect ack", Some((to, ServerMessage::Ack { id, revision, queue_length: None })))
            }
            Effect::Reject(to, id, reject) => {
                self.note(&format!("reject {:?}", reject.code));
                let device_id = record.devices.by_connection(to).map(|device| device.id);
                // A frame for a socket that its device has left is lost: the device gets the state on its new socket.
                let reader = device_id.filter(|_| self.devices.iter().any(|device| device.socket == Some(to.0)));
                let made = reader.and_then(|device_id| self.store.applied.get(&(device_id, id)));
                assert!(made.is_none_or(Vec::is_empty), "a reject of what is in the database");
                ("effect reject", Some((to, reject.answer(id))))
            }
            Effect::ShowPlayback(to) => {
                ("effect show playback", Some((to, ServerMessage::Playback(Box::new(record.playback.clone())))))
            }
            Effect::ShowDevices(to) => {
                ("effect show devices", Some((to, ServerMessage::Devices(record.device_list()))))
            }
            Effect::ShowQueue(to, from, limit) => (
                "effect show queue",
                Some((to, ServerMessage::Queue(state.queue().page(&record.playback, from, limit)))),
            ),
        };
        self.note(what);
        if let Some((to, message)) = sent {
            self.send_down(to.0, Down::Frame(Box::new(message)));
        }
    }

    /// Whether a socket ends at this node.
    fn ends_at(&self, n: usize, id: u64) -> bool {
        self.sockets.get(&id).is_some_and(|socket| socket.node == n)
    }

    /// As the session's actor does.
    fn watch(&mut self, n: usize, state: &SessionState) {
        let now = self.server_now(n);
        let Some(session) = &mut self.nodes[n].session else { return };
        let active = state.playback().active.filter(|_| state.playback().intent == Intent::Play);
        let device = active.and_then(|active| state.devices().get(active.device_id));
        let wanted = device.and_then(|device| device.presence.connection());
        if session.watched == wanted {
            return;
        }
        let told = [(session.watched, false), (wanted, true)];
        session.watched = wanted;
        for (connection, is_active) in told {
            let Some(ConnectionId(id)) = connection.filter(|connection| self.ends_at(n, connection.0)) else {
                continue;
            };
            if let Some(served) = self.sockets.get_mut(&id).and_then(|socket| socket.served.as_mut()) {
                served.liveness.watch(now, is_active);
                self.schedule_timers(id);
            }
        }
    }
}

pub(crate) const CLIENT_LIMITS: ClientLimits = ClientLimits {
    heartbeat_ms: TIMING.heartbeat_ms,
    idle_ms: TIMING.idle_ms,
    lease_ms: TIMING.lease_ms,
    audio_ms: AUDIO_MS,
    frame_bytes: 65_536,
    page_items: 200,
    tracks: 500,
};

/// What a device says, for the counts.
const fn event_name(event: &DeviceEvent) -> &'static str {
    match event {
        DeviceEvent::Command { .. } => "event command",
        DeviceEvent::Report(_) => "event report",
        DeviceEvent::Ready(_) => "event ready",
        DeviceEvent::Yield(_) => "event yield",
        DeviceEvent::Ended(_) => "event ended",
        DeviceEvent::Volume(_) => "event volume",
        DeviceEvent::Queue { .. } => "event queue",
        DeviceEvent::Alive => "event alive",
    }
}
