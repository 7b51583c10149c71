//! Computes and checks the SHA-256 of every file in the background, at a limited rate, and not during a scan.

use super::{scan::Board, stop::Stop};
use crate::{
    db::{
        Db, DbError,
        media::{self, Sum, Unread},
    },
    media::{
        digest::{Digest, what_is_wrong},
        file::MediaFile,
    },
    time,
    values::path,
};
use std::{
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// A file is checked again when its SHA-256 is older than this, to find files that the disk has damaged.
const CHECK_EVERY: Duration = Duration::from_hours(90 * 24);
/// How long to wait when no file is due, during a scan, and after an error.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Files that are looked up in one query.
const BATCH: i64 = 100;
/// What was read is stored at least this often.
const STORE_EVERY: Duration = Duration::from_secs(10);

/// Reads files in the background of a server until it is dropped. Idle until started.
#[derive(Debug, Default)]
pub struct Sums(Arc<Stop>);

impl Sums {
    /// Starts the thread. It reads at most `rate` bytes a second, and nothing while `board` shows a running scan.
    pub fn start(&self, db: Db, board: Arc<Board>, rate: u64) {
        let stop = Arc::clone(&self.0);
        let run = move || {
            let pace = Pace { stop: &stop, rate };
            while !stop.is_over() {
                let read = if board.read().running { Ok(false) } else { check_due(&db, &pace, time::now().0) };
                if let (Err(error), false) = (&read, stop.is_over()) {
                    log::warn!("files are not checked: {error}");
                }
                if !matches!(read, Ok(true)) && stop.within(LOOK_AGAIN) {
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("sums".to_owned()).spawn(run) {
            log::warn!("the SHA-256 of files is not checked, because the thread cannot be started: {error}");
        }
    }

    /// Begins no other file, and gives up the one that is read.
    pub fn stop(&self) {
        self.0.tell();
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The rate limit of reading, and the flag that ends it.
#[derive(Debug)]
pub struct Pace<'a> {
    /// When it is set, no other file is begun, and the one that is read is given up.
    pub stop: &'a Stop,
    /// Bytes per second.
    pub rate: u64,
}

impl Pace<'_> {
    /// Waits until `bytes`, read since `began`, are within the rate; returns whether to continue.
    fn keep(&self, bytes: u64, began: Instant) -> bool {
        let due_ms = bytes.saturating_mul(1_000).checked_div(self.rate).unwrap_or(0);
        !self.stop.within(Duration::from_millis(due_ms).saturating_sub(began.elapsed()))
    }
}

/// Reads up to `BATCH` files that are due at `now_us` (microseconds since 1970); returns whether any were due.
///
/// # Errors
/// Those of the database.
pub fn check_due(db: &Db, pace: &Pace<'_>, now_us: i64) -> Result<bool, DbError> {
    let age_us = i64::try_from(CHECK_EVERY.as_micros()).unwrap_or(i64::MAX);
    let due = db.read_blocking(|connection| media::unread_since(connection, now_us.saturating_sub(age_us), BATCH))?;
    let (mut read, mut since) = (Vec::new(), Instant::now());
    for file in &due {
        if pace.stop.is_over() {
            break;
        }
        read.extend(check(pace, file).map(|sum| (file, sum)));
        if since.elapsed() >= STORE_EVERY {
            store(db, &std::mem::take(&mut read), now_us)?;
            since = Instant::now();
        }
    }
    store(db, &read, now_us)?;
    Ok(!due.is_empty())
}

/// The SHA-256 of a file, or why it cannot be read; `None` when it was given up.
fn check(pace: &Pace<'_>, file: &Unread) -> Option<Result<Digest, String>> {
    let began = Instant::now();
    let read = MediaFile::open(&path_of(file), file.stat).map_err(|error| format!("{error:?}"));
    read.and_then(|opened| opened.digest(|bytes| pace.keep(bytes, began)).map_err(|error| error.to_string()))
        .transpose()
}

/// Stores what was read, in one transaction.
fn store(db: &Db, read: &[(&Unread, Result<Digest, String>)], now_us: i64) -> Result<(), DbError> {
    if read.is_empty() {
        return Ok(());
    }
    let sums = db.write_blocking(|connection| {
        let mut sums = Vec::new();
        for (file, sum) in read {
            match sum {
                Ok(digest) => sums.push((file, media::record_sum(connection, &file.version, *digest, now_us)?)),
                // The file is gone or has changed: the next scan will find that.
                Err(_) => media::pass_over(connection, file.id, now_us)?,
            }
        }
        Ok(sums)
    })?;
    for (file, sum) in sums {
        if let Sum::Other { confirmed } = sum {
            log::warn!("{}: {}", path_of(file).display(), what_is_wrong(confirmed));
        }
    }
    for (file, reason) in read.iter().filter_map(|(file, sum)| Some((file, sum.as_ref().err()?))) {
        log::info!("{} cannot be checked: {reason}", path_of(file).display());
    }
    Ok(())
}

fn path_of(file: &Unread) -> PathBuf {
    path::from_bytes(&file.folder).join(path::from_bytes(&file.name))
}
