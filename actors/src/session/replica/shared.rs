//! Nodes that share a session: every change is written before it is shown, a record that another node wrote is adopted,
//! and events whose commit found such a record are stepped again on it.

use super::{Flight, Live, Replica, ReplicaOutput};
use crate::node::ports::Outcome;
use crate::protocol::ids::Micros;
use crate::state::queue::Queue;
use crate::state::{Asked, Durability, Effect, Event, Record, Reject, SessionState};
use std::sync::Arc;

/// Every change is written before it is shown.
pub(super) fn durability(before: &SessionState, state: &SessionState) -> Option<Durability> {
    (state.record().stamp != before.record().stamp).then_some(Durability::Now)
}

impl Replica {
    /// Continues the session under the epoch of the record in the database.
    pub(super) fn resume(&mut self, now: Micros, kept: (Record, Arc<Queue>)) {
        let stored = Some((kept.0.stamp, kept.0.queue_revision()));
        self.live = Some(Live { state: SessionState::resume(kept, self.node, self.limits), stored });
        // The record may list devices with sockets on this node that ended with an earlier run of this session.
        self.inbox.push_front(Event::NodeLost { node: self.node, last: now });
    }

    /// Takes in a record of another node, published by it or read from the database.
    pub fn remote_record(&mut self, now: Micros, record: Arc<Record>, outputs: &mut Vec<ReplicaOutput>) {
        if self.news.as_ref().is_none_or(|known| known.stamp < record.stamp) {
            self.news = Some(record);
        }
        self.go_on(now, outputs);
    }

    /// Replaces this state by a record of another node if it is newer; loads its queue first where this node has
    /// another.
    pub(super) fn adopt(
        &mut self,
        now: Micros,
        record: Arc<Record>,
        queue: Option<Arc<Queue>>,
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        let Some(live) = self.live.as_mut().filter(|live| record.stamp > live.state.record().stamp) else { return };
        let of = |record: &Record| (record.stamp.epoch, record.queue_revision());
        let known = of(live.state.record()) == of(&record);
        let Some(queue) = queue.or_else(|| known.then(|| live.state.queue().clone())) else {
            return self.load(ReplicaOutput::Load, outputs);
        };
        self.in_doubt = false;
        let (before, mut effects) = (live.state.shown(), Vec::new());
        live.stored = Some((record.stamp, record.queue_revision()));
        live.state.adopt(now, record, queue, &mut effects);
        if live.state.has_pending_joins() {
            self.inbox.push_back(Event::Deadline);
        }
        self.release(before, effects, outputs);
    }

    pub(super) fn not_committed_shared(
        &mut self,
        now: Micros,
        flight: Flight,
        outcome: Outcome,
        trouble: String,
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        match (flight, outcome) {
            (Flight::Begin(_), Outcome::Conflict(_)) => self.load(ReplicaOutput::Load, outputs),
            (Flight::Begin(_), _) => self.load(ReplicaOutput::LoadAgain(trouble), outputs),
            (Flight::Change { before, events, .. }, outcome) => {
                outputs.push(ReplicaOutput::Log(trouble.clone()));
                self.take_back(*before);
                self.try_again(now, events, outcome, trouble, outputs);
            }
            _ => self.restart(trouble, outputs),
        }
    }

    /// A change was not written, or it is not known whether it was: steps its events again on the record in the
    /// database.
    fn try_again(
        &mut self,
        now: Micros,
        events: Vec<Event>,
        outcome: Outcome,
        trouble: String,
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        if matches!(outcome, Outcome::NotSent(_)) && !self.in_doubt {
            self.undo(now, events, &Reject::UNAVAILABLE, outputs);
        } else {
            let events = if matches!(outcome, Outcome::Unknown(_)) { self.give_up(events, outputs) } else { events };
            self.put_back(events);
        }
        match (outcome, &self.live) {
            (Outcome::Conflict(Some(record)), Some(live)) if !live.is_after(&record) => {
                self.attempts = self.attempts.saturating_add(1);
                self.adopt(now, Arc::from(record), None, outputs);
            }
            (Outcome::NotSent(_), _) => self.load(ReplicaOutput::LoadAgain(trouble), outputs),
            (outcome @ (Outcome::Conflict(_) | Outcome::Unknown(_)), _) => {
                self.in_doubt |= matches!(outcome, Outcome::Unknown(_));
                self.load(ReplicaOutput::Load, outputs);
            }
            (Outcome::Committed, _) => {}
        }
    }

    /// Answers programs' commands `unavailable`: no record shows whether one was applied, so none is applied twice.
    /// Returns the other events, which are stepped again.
    fn give_up(&self, events: Vec<Event>, outputs: &mut Vec<ReplicaOutput>) -> Vec<Event> {
        let (mut rest, mut effects) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Asked { connection, asked: Asked::Command { command, .. } } => {
                    effects.push(Effect::Reject(connection, command.id, Reject::UNKNOWN));
                }
                other => rest.push(other),
            }
        }
        if let Some(live) = &self.live {
            self.release(live.state.shown(), effects, outputs);
        }
        rest
    }
}
