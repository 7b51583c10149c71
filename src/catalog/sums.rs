//! The SHA-256 of every file, taken and checked in the background: at a bounded rate, and not beside a scan.

use super::{path, scan::Board, stop::Stop};
use crate::{
    db::{
        Db, DbError,
        media::{self, Sum, Unread},
    },
    media::file::MediaFile,
    time,
};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// A file is read again when its sum is older than this: disks lose bits.
const CHECK_EVERY: Duration = Duration::from_hours(90 * 24);
/// How long to wait when nothing is to be read.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Files that are looked up at once.
const BATCH: i64 = 100;

/// Reads files in the background of a server until it is dropped. Idle until started.
#[derive(Debug, Default)]
pub struct Sums(Arc<Stop>);

impl Sums {
    /// Begins; reads up to `rate` bytes a second, and nothing while `board` tells of a scan.
    pub fn start(&self, db: Db, board: Arc<Board>, rate: u64) {
        let stop = Arc::clone(&self.0);
        let run = move || {
            let pace = Pace { stop: &stop, rate };
            while !stop.is_over() {
                let read = if board.read().running { Ok(false) } else { round(&db, &pace) };
                if let Err(error) = &read {
                    log::warn!("files are not checked: {error}");
                }
                if !matches!(read, Ok(true)) && stop.within(LOOK_AGAIN) {
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("sums".to_owned()).spawn(run) {
            log::warn!("files are not checked, for want of a thread: {error}");
        }
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// How fast files are read, and whether to go on.
struct Pace<'a> {
    stop: &'a Stop,
    /// Bytes per second.
    rate: u64,
}

impl Pace<'_> {
    /// Waits for as long as so many bytes take that were read since `began`; says whether to go on.
    fn keep(&self, bytes: u64, began: Instant) -> bool {
        let due_ms = bytes.saturating_mul(1_000).checked_div(self.rate).unwrap_or(0);
        !self.stop.within(Duration::from_millis(due_ms).saturating_sub(began.elapsed()))
    }
}

/// Reads the files of the library that are due now, as fast as the disk allows; `now_us` in place of the time lets it
/// be later. Returns whether any were.
///
/// # Errors
/// Those of the database.
pub fn check_all(db: &Db, now_us: i64) -> Result<bool, DbError> {
    let (stop, mut any) = (Stop::default(), false);
    while round_at(db, &Pace { stop: &stop, rate: u64::MAX }, now_us)? {
        any = true;
    }
    Ok(any)
}

fn round(db: &Db, pace: &Pace<'_>) -> Result<bool, DbError> {
    round_at(db, pace, time::now().0)
}

/// Reads a few files; says whether there were any.
fn round_at(db: &Db, pace: &Pace<'_>, now_us: i64) -> Result<bool, DbError> {
    let age_us = i64::try_from(CHECK_EVERY.as_micros()).unwrap_or(i64::MAX);
    let due = db.read_blocking(|connection| media::unread_since(connection, now_us.saturating_sub(age_us), BATCH))?;
    for file in &due {
        if pace.stop.is_over() {
            break;
        }
        check(db, pace, file, now_us)?;
    }
    Ok(!due.is_empty())
}

fn check(db: &Db, pace: &Pace<'_>, file: &Unread, now_us: i64) -> Result<(), DbError> {
    let path = path::from_bytes(&file.folder).join(path::from_bytes(&file.name));
    let began = Instant::now();
    let read = MediaFile::open(&path, file.stat).map_err(|error| format!("{error:?}"));
    let read =
        read.and_then(|opened| opened.digest(|bytes| pace.keep(bytes, began)).map_err(|error| error.to_string()));
    match read {
        Ok(None) => Ok(()),
        Ok(Some(digest)) => {
            let sum = db.write_blocking(|connection| media::record_sum(connection, &file.version, digest, now_us))?;
            if let Sum::Other { confirmed } = sum {
                log::warn!("{}: {}", path.display(), what_is_wrong(confirmed));
            }
            Ok(())
        }
        // The next scan finds what is gone or has changed.
        Err(reason) => {
            log::info!("{} cannot be checked: {reason}", path.display());
            db.write_blocking(|connection| media::pass_over(connection, file.id, now_us))
        }
    }
}

/// What another sum than the one known means for a file.
#[must_use]
pub fn what_is_wrong(confirmed: bool) -> &'static str {
    if confirmed {
        "its bytes are not what they were, though size, time and both ends say so; is the disk well? It has a new version"
    } else {
        "its bytes are not those it had before it was copied or touched, though size and both ends are; was it damaged then?"
    }
}
