//! The only node of its database: a change is written before it is shown where an effect asks for it, and shown first
//! and written soon otherwise. A record in the database that this session has not written makes it restart.

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
