//! Jobs of the writer of sessions, and counters of what it wrote.

use segue_actors::{
    node::ports::{Outcome, PortError, SessionChange},
    state::Play,
};
use segue_client::protocol::ids::UserId;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// What to write, and the channel of its answer.
pub(super) enum Job {
    Commit(UserId, SessionChange, oneshot::Sender<Outcome>),
    Play(UserId, Play, oneshot::Sender<Result<(), PortError>>),
}

/// What a store has written since its start; for benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Transactions.
    pub transactions: u64,
    /// Changes of sessions that were written.
    pub changes: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    transactions: AtomicU64,
    changes: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, changes: usize) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(u64::try_from(changes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Written {
        Written {
            transactions: self.transactions.load(Ordering::Relaxed),
            changes: self.changes.load(Ordering::Relaxed),
        }
    }
}
