//! The content of one transaction of the writer of sessions.

use crate::db::{DbError, plays::NewPlay};
use segue_client::protocol::ids::{Stamp, UserId};

/// The record of a session and, when it changed, its queue; both are JSON.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The user.
    pub user: UserId,
    /// The stamp that the stored record must have; `None` when there must be no record.
    pub expected: Option<Stamp>,
    /// The stamp of the new record.
    pub stamp: Stamp,
    /// The record.
    pub record: String,
    /// The queue's revision and the queue.
    pub queue: Option<(u64, String)>,
}

/// What one transaction writes: at most one session of each user, and plays.
#[derive(Debug, Default)]
pub struct SessionBatch {
    /// Each is written when its expected stamp is stored, independently of the others.
    pub sessions: Vec<NewSession>,
    /// Each is stored once, also when it is written twice.
    pub plays: Vec<NewPlay>,
}

/// Why the result of a batch is not known to be a success.
#[derive(Debug)]
pub enum BatchError {
    /// Nothing was written, and nothing will be.
    NotSent(DbError),
    /// The transaction may have been committed.
    Unknown(DbError),
}
