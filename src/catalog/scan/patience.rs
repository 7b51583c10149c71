//! How a scan waits for a database that is busy, and why it ends early.

use crate::db::DbError;
use std::{
    fmt, io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long the database may be away before a scan gives up.
const PATIENCE: Duration = Duration::from_mins(5);

/// Why a scan ended early. What it wrote stays, and the next one goes on from there.
#[derive(Debug)]
pub enum ScanError {
    /// The database.
    Db(DbError),
    /// Threads could not be had, or too many got lost.
    Threads(io::Error),
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Threads(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ScanError {}

impl From<DbError> for ScanError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Calls `run` until the database answers: a lock that somebody holds for a while must not end a scan of hours.
pub(super) fn patiently<T>(stop: &AtomicBool, mut run: impl FnMut() -> Result<T, DbError>) -> Result<T, DbError> {
    let began = Instant::now();
    loop {
        match run() {
            Err(error) if error.is_transient() && began.elapsed() < PATIENCE && !stop.load(Ordering::Relaxed) => {
                log::warn!("scan: waiting for the database: {error}");
                thread::sleep(Duration::from_millis(500));
            }
            outcome => return outcome,
        }
    }
}
