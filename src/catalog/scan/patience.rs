//! Waiting for a busy database during a scan, and the errors that end a scan early.

use crate::db::DbError;
use std::{
    fmt, io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// A scan ends with an error when the database has been unreachable for this long.
const PATIENCE: Duration = Duration::from_mins(5);

/// Why a scan ended early. What it wrote stays, and the next scan continues from there.
#[derive(Debug)]
pub enum ScanError {
    /// An error of the database.
    Db(DbError),
    /// A thread could not be started, or too many threads were abandoned.
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

/// Repeats `run` while it fails with a transient error of the database, for up to [`PATIENCE`]: a temporary lock must
/// not end a long scan.
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
