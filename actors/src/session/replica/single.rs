//! The only node of its database: a change is written before it is shown where an effect asks for it, and shown first
//! and written soon otherwise, also while an earlier such write is in flight. A record in the database that this
//! session has not written makes it restart.

use super::{Flight, Replica, ReplicaOutput};
use crate::node::ports::Outcome;
use crate::protocol::ids::Micros;
use crate::state::{Durability, Effect, Event, Reject};

/// The strictest durability that an effect asks for.
pub(super) fn durability(effects: &[Effect]) -> Option<Durability> {
    let wanted = effects.iter().filter_map(|effect| match effect {
        Effect::Commit(durability) => Some(*durability),
        _ => None,
    });
    wanted.max()
}

impl Replica {
    /// Steps an event while the write of what was shown already is in flight, and shows what it changed; that is written
    /// later. Returns the event, and leaves the state as it was, if its change must be written before it is shown: the
    /// next commit has to expect the record that is being written.
    pub(super) fn step_beside_write(
        &mut self,
        now: Micros,
        event: Event,
        outputs: &mut Vec<ReplicaOutput>,
    ) -> Option<Event> {
        let Some(before) = self.state().cloned() else { return Some(event) };
        let mut effects = Vec::new();
        self.apply(now, &event, &mut effects);
        let durability = durability(&effects);
        if durability == Some(Durability::Now) {
            self.take_back(before);
            return Some(event);
        }
        self.release(before.shown(), effects, outputs);
        if durability.is_some() {
            outputs.push(ReplicaOutput::WriteSoon);
        }
        None
    }

    pub(super) fn not_committed_single(
        &mut self,
        now: Micros,
        flight: Flight,
        outcome: &Outcome,
        trouble: String,
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        match (flight, outcome) {
            (Flight::Begin(_), _) => self.load(ReplicaOutput::LoadAgain(trouble), outputs),
            (Flight::Change { before, events, .. }, Outcome::NotSent(_)) => {
                outputs.push(ReplicaOutput::Log(trouble));
                self.take_back(*before);
                self.undo(now, events, &Reject::UNAVAILABLE, outputs);
            }
            _ => self.restart(trouble, outputs),
        }
    }

    /// Steps the events of a refused commit again that were not rejected or answered. If that is all of them they would
    /// ask for the same commit at once, so they wait for the next [`Replica::write`].
    pub(super) fn step_the_rest(
        &mut self,
        now: Micros,
        rest: Vec<Event>,
        all: usize,
        outputs: &mut Vec<ReplicaOutput>,
    ) {
        if all > 0 && rest.len() == all {
            self.put_back(rest);
            self.flight = Some(Flight::Pause);
            outputs.push(ReplicaOutput::WriteSoon);
        } else if !rest.is_empty() {
            self.step(now, rest, outputs);
        }
    }
}
