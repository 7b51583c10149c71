//! A node's session: the real replica, driven as the session's actor drives it.

use crate::lies::Lie;
use crate::server::TIMING;
use crate::store::fault;
use crate::world::{Fate, Happening, World};
use segue_actors::node::ports::{Outcome, SessionChange};
use segue_actors::protocol::close::CloseReason;
use segue_actors::protocol::ids::{ConnectionId, Micros, NodeId, Stamp};
use segue_actors::session::own_reports::OwnReports;
use segue_actors::session::replica::{Replica, ReplicaOutput};
use segue_actors::state::{DeviceEvent, Event, Limits, Record};
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
    pub(crate) watched: Option<ConnectionId>,
    pub(crate) own_reports: OwnReports,
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
            let own_reports = OwnReports::default();
            let session = Session {
                replica,
                devices,
                watched,
                own_reports,
                deadline,
                writes_soon,
                at_work,
                claimed,
                is_stopping,
            };
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
}

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
