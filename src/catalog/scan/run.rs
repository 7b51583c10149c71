//! One scan: walks and compares on one thread, reads on several, writes on the calling thread.
//!
//! The progress of a scan is stored only in the database: files that were written are unchanged for the next scan. So a
//! scan may be interrupted at any time.

use super::{
    compare::{Compare, Finding, Walked},
    job::Done,
    objects,
    patience::{ScanError, patiently},
    progress::Board,
    readers::Readers,
    recorder::{Places, Recorder},
    scope::{Music, Scope},
    trouble::in_words,
    walk,
};
use crate::{
    db::{Db, DbError, covers, files, scan::has_files_below},
    storage::Storage,
    values::{
        object::{ObjectUrl, is_object},
        path,
    },
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How long the writing thread waits for a result before it runs its periodic work.
const TICK: Duration = Duration::from_millis(100);
/// The capacity of the queue of results that wait to be written; it bounds memory when the database is slow.
const ARRIVALS: usize = 1_000;
/// Threads that read objects: they wait for the network, not for a processor.
const OBJECT_READERS: usize = 16;
/// A message to the writing thread.
enum Arrival {
    Read(Done),
    Found(Finding),
}

/// Scans the music folders once and updates the catalogue. Blocks until the scan has ended; `stop` ends it early.
///
/// # Errors
/// See [`ScanError`]. Unreadable files and folders are not errors; they are counted and logged.
pub fn scan(db: &Db, music: &Music, scope: &Scope, board: &Board, stop: &AtomicBool) -> Result<(), ScanError> {
    let outcome = scan_noted(db, music, scope, board, stop);
    // An error after `stop` was set is not a problem.
    if let (Err(error), false) = (&outcome, stop.load(Ordering::Relaxed)) {
        board.trouble(None, &format!("the scan ended early: {error}"));
    }
    outcome
}

fn scan_noted(db: &Db, music: &Music, scope: &Scope, board: &Board, stop: &AtomicBool) -> Result<(), ScanError> {
    let salt = patiently(stop, || db.write_blocking(|connection| covers::salt(connection, rand::random())))?;
    let known = patiently(stop, || db.read_blocking(files::count))?;
    if scope.is_all() {
        board.change(|progress| progress.expected = u64::try_from(known).unwrap_or(0));
    }
    let RootStates { there, away } = RootStates::of(db, music, board)?;
    let (sender, arrivals) = sync_channel(ARRIVALS);
    let processors = thread::available_parallelism().map_or(2, usize::from);
    let threads = if there.iter().any(is_object) { processors.max(OBJECT_READERS) } else { processors };
    let (parts, storage) = ((&music.splits, &music.storage), &music.storage);
    let (mut readers, jobs) =
        Readers::start(threads, salt, parts, sender.clone(), Arrival::Read).map_err(ScanError::Threads)?;
    let roots = there.iter().cloned().map(Arc::new).collect();
    let (starts, hidden) = (scope.starts(&there, music.hidden), music.hidden);
    let over = AtomicBool::new(false);
    let (over, again) = (&over, *scope == Scope::AllAgain);
    let (findings, wrap) = (sender, Arrival::Found);
    let compare = {
        let storage = storage.clone();
        Compare { db, board, stop, over, jobs, findings, wrap, roots, hidden, again, starts, storage }
    };
    thread::scope(|threads| {
        threads.spawn(|| compare.run());
        if known == 0 && scope.is_all() {
            threads.spawn(|| count(&there, storage, hidden, board, stop));
        }
        let mut recorder = Recorder::new(
            db,
            board,
            stop,
            Places { there: &there, away: &away, others_stay: music.others_stay, storage },
            again,
        );
        let outcome = write(&mut recorder, &mut readers, &arrivals);
        // This closes the queue of results, which ends the readers.
        over.store(true, Ordering::Relaxed);
        drop(arrivals);
        let mut walked = outcome?;
        walked.refused.extend_from_slice(&away);
        recorder.finish(&walked, scope)
    })
}

/// Writes results until the walk has ended and the result of every job has arrived.
fn write(
    recorder: &mut Recorder<'_>,
    readers: &mut Readers<Arrival>,
    arrivals: &Receiver<Arrival>,
) -> Result<Walked, ScanError> {
    let mut walked: Option<Walked> = None;
    let mut back = 0_u64;
    loop {
        if let Some(walked) = walked.take_if(|walked| walked.stopped || walked.jobs == back) {
            recorder.flush()?;
            return Ok(walked);
        }
        match arrivals.recv_timeout(TICK) {
            Ok(Arrival::Read(done)) => {
                back = back.saturating_add(1);
                recorder.take(done)?;
            }
            Ok(Arrival::Found(Finding::End(outcome))) => walked = Some((*outcome)?),
            Ok(Arrival::Found(finding)) => recorder.note(finding)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(ScanError::Threads(io::Error::other("the reading threads ended")));
            }
        }
        for done in readers.watch(Instant::now()).map_err(ScanError::Threads)? {
            back = back.saturating_add(1);
            recorder.take(done)?;
        }
        recorder.tick()?;
    }
}

fn count(roots: &[PathBuf], storage: &Storage, hidden: bool, board: &Board, stop: &AtomicBool) {
    let mut count = 0_u64;
    let mut see = || {
        count = count.saturating_add(1);
        !stop.load(Ordering::Relaxed)
    };
    let (buckets, folders): (Vec<_>, Vec<_>) = roots.iter().cloned().partition(|root| is_object(root));
    walk::count(&folders, hidden, &mut see);
    for start in buckets.iter().filter_map(|root| ObjectUrl::of_path(root)) {
        objects::count(storage, &start, hidden, &mut see);
    }
    board.change(|progress| progress.expected = count);
}

/// The music folders by state.
struct RootStates {
    /// Folders that can be walked.
    there: Vec<PathBuf>,
    /// Folders that are absent or empty, for example because a disk is not mounted. Their rows are left unchanged.
    away: Vec<PathBuf>,
}

impl RootStates {
    fn of(db: &Db, music: &Music, board: &Board) -> Result<Self, ScanError> {
        let mut roots = Self { there: Vec::new(), away: Vec::new() };
        let absolute = |root: &PathBuf| match ObjectUrl::of_path(root) {
            Some(url) => url.to_path(),
            None => std::path::absolute(root).unwrap_or_else(|_| root.clone()),
        };
        let mut absolute: Vec<PathBuf> = music.folders.iter().map(absolute).collect();
        absolute.sort();
        absolute.dedup();
        for root in absolute {
            if roots.there.iter().any(|outer: &PathBuf| root.starts_with(outer)) {
                continue;
            }
            match state_of(&root, &music.storage) {
                Ok(true) => roots.there.push(root),
                Ok(false) if !has_files(db, &root)? => roots.there.push(root),
                Ok(false) => {
                    board.trouble(Some(&root), "the folder is empty; its tracks are kept: is a disk not mounted?");
                    roots.away.push(root);
                }
                Err(reason) => {
                    board.trouble(Some(&root), &format!("{reason}; its tracks are kept"));
                    roots.away.push(root);
                }
            }
        }
        board.change(|progress| progress.away = u64::try_from(roots.away.len()).unwrap_or(u64::MAX));
        Ok(roots)
    }
}

/// Whether the folder has any entries, or why that cannot be seen.
fn state_of(root: &Path, storage: &Storage) -> Result<bool, String> {
    if let Some(start) = ObjectUrl::of_path(root) {
        return objects::has_any(storage, &start).map_err(|error| error.reason().to_owned());
    }
    let entries = std::fs::read_dir(root).map_err(|error| in_words(&error))?;
    Ok({ entries }.next().is_some())
}

fn has_files(db: &Db, root: &Path) -> Result<bool, DbError> {
    db.read_blocking(|connection| has_files_below(connection, &path::to_bytes(root)))
}
