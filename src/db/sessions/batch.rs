//! What one transaction of the writer of sessions holds.

use crate::db::{DbError, plays::NewPlay};
use segue_client::protocol::ids::{Stamp, UserId};

/// A session's record and, where it changed, its queue; both are JSON.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose.
    pub user: UserId,
    /// The stamp that must stand there; `None`: no record may.
    pub expected: Option<Stamp>,
    /// The record's own stamp.
    pub stamp: Stamp,
    /// The record.
    pub record: String,
    /// The queue's revision and the queue.
    pub queue: Option<(u64, String)>,
}

/// What one transaction writes: at most one session of each user, and any plays.
#[derive(Debug, Default)]
pub struct Batch {
    /// Each is written if what it expects stands there, whatever becomes of the others.
    pub sessions: Vec<NewSession>,
    /// Each is kept once.
    pub plays: Vec<NewPlay>,
}

/// Why a batch has no answer.
#[derive(Debug)]
pub enum BatchError {
    /// Nothing of it is written or ever will be.
    NotSent(DbError),
    /// All of it may have been written.
    Unknown(DbError),
}
