//! One transaction of the writer: collects jobs, writes them, answers each caller.

use super::{
    answer::{fault, parse, port_error},
    job::WriteJob,
};
use crate::db::{
    Db, DbError,
    plays::NewPlay,
    sessions::{self, BatchError, NewSession, SessionBatch},
};
use segue_actors::{
    count,
    node::ports::{Outcome, PortError, SessionChange},
    state::Record,
};
use segue_client::protocol::ids::UserId;
use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};
use tokio::sync::oneshot;

/// The most rows of one transaction: enough that the disk limits the throughput, few enough that it takes milliseconds.
const ROWS: usize = 512;
/// No further job is added when records and queues of a transaction have this many bytes; the last job may exceed it.
const BYTES: usize = 4 << 20;
/// The most attempts to write a batch whose transient error guarantees that nothing was written.
const TRIES: u32 = 3;

/// Changes of different users, and plays.
#[derive(Default)]
pub(super) struct Gathered {
    batch: SessionBatch,
    users: HashSet<UserId>,
    bytes: usize,
    commits: Vec<(UserId, oneshot::Sender<Outcome>)>,
    plays: Vec<oneshot::Sender<Result<(), PortError>>>,
}

impl Gathered {
    /// Adds `first` and what `more` returns, up to the limits. Returns a job that has to wait for the next batch: a
    /// second change of the same user, which depends on the result of the first.
    pub(super) fn gather(&mut self, first: WriteJob, mut more: impl FnMut() -> Option<WriteJob>) -> Option<WriteJob> {
        let mut next = Some(first);
        while let Some(job) = next.take() {
            match job {
                WriteJob::Commit(user, ..) if self.users.contains(&user) => return Some(job),
                WriteJob::Commit(user, change, answer) => self.add(user, &change, answer),
                WriteJob::Play(user, play, answer) => {
                    self.batch.plays.push(NewPlay::of(user, &play));
                    self.plays.push(answer);
                }
            }
            if self.batch.sessions.len() + self.batch.plays.len() < ROWS && self.bytes < BYTES {
                next = more();
            }
        }
        None
    }

    fn add(&mut self, user: UserId, change: &SessionChange, answer: oneshot::Sender<Outcome>) {
        match row(user, change) {
            Ok(session) => {
                let queue_bytes = session.queue.as_ref().map_or(0, |(_, text)| text.len());
                self.bytes += session.record.len() + queue_bytes;
                self.batch.sessions.push(session);
                self.users.insert(user);
                self.commits.push((user, answer));
            }
            Err(error) => tell(answer, Outcome::NotSent(fault(format!("a session cannot be stored: {error}"), false))),
        }
    }

    /// Writes the transaction and answers all callers. Blocks.
    pub(super) fn write(self, db: &Db) {
        let (began, rows) = (Instant::now(), self.batch.sessions.len() + self.batch.plays.len());
        let outcome = self.try_to_write(db);
        count::stored(began.elapsed(), outcome.is_ok().then_some(rows));
        match outcome {
            Ok(written) => self.answer(db, &written.into_iter().collect()),
            Err(BatchError::NotSent(error)) => {
                log::warn!("sessions were not written: {error}");
                let error = port_error(&error);
                self.fail(&error, Outcome::NotSent);
            }
            Err(BatchError::Unknown(error)) => {
                log::warn!("sessions may not have been written: {error}");
                let error = PortError { is_transient: true, ..port_error(&error) };
                self.fail(&error, Outcome::Unknown);
            }
        }
    }

    fn try_to_write(&self, db: &Db) -> Result<Vec<UserId>, BatchError> {
        let mut outcome = db.write_batch_blocking(&self.batch);
        for _ in 1..TRIES {
            match &outcome {
                // Not tried again: waiting for a connection has taken its time already.
                Err(BatchError::NotSent(DbError::Connect(_))) => break,
                Err(BatchError::NotSent(error)) if error.is_transient() => {
                    outcome = db.write_batch_blocking(&self.batch);
                }
                _ => break,
            }
        }
        outcome
    }

    fn answer(self, db: &Db, written: &HashSet<UserId>) {
        for play in self.plays {
            tell(play, Ok(()));
        }
        let (won, lost): (Vec<_>, Vec<_>) = self.commits.into_iter().partition(|(user, _)| written.contains(user));
        for (_, answer) in won {
            tell(answer, Outcome::Committed);
        }
        if lost.is_empty() {
            return;
        }
        let users: Vec<_> = lost.iter().map(|(user, _)| *user).collect();
        let standing = db.read_blocking(|connection| sessions::records(connection, &users));
        let standing: Result<HashMap<_, _>, _> = standing.map(|rows| rows.into_iter().collect());
        for (user, answer) in lost {
            tell(
                answer,
                match &standing {
                    Ok(standing) => conflict(user, standing.get(&user).map(String::as_str)),
                    Err(error) => Outcome::NotSent(port_error(error)),
                },
            );
        }
    }

    fn fail(self, error: &PortError, outcome: fn(PortError) -> Outcome) {
        for (_, answer) in self.commits {
            tell(answer, outcome(error.clone()));
        }
        for play in self.plays {
            tell(play, Err(error.clone()));
        }
    }
}

fn row(user: UserId, change: &SessionChange) -> serde_json::Result<NewSession> {
    let queue = match &change.queue {
        Some(queue) => Some((change.record.queue_revision(), serde_json::to_string(queue.as_ref())?)),
        None => None,
    };
    let record = serde_json::to_string(change.record.as_ref())?;
    Ok(NewSession { user, expected: change.expected, stamp: change.record.stamp, record, queue })
}

fn conflict(user: UserId, standing: Option<&str>) -> Outcome {
    match standing.map(|text| parse::<Record>("record", user, text)).transpose() {
        Ok(record) => Outcome::Conflict(record.map(Box::new)),
        Err(error) => Outcome::NotSent(error),
    }
}

fn tell<T>(answer: oneshot::Sender<T>, value: T) {
    // The caller may have stopped waiting.
    let _ = answer.send(value);
}
