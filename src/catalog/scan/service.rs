//! Starts scans: at start, at each interval, on request, and when files change; one at a time.

use super::{
    changes::Changes,
    progress::{Board, ScanProgress},
    run::scan,
    scope::{Music, Scope},
    watch::watch,
};
use crate::{db::Db, time, values::printed::counted};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long to wait before the lock of scans is tried again, when another process has it or it cannot be read.
const BUSY: Duration = Duration::from_secs(5);

/// Scans in a background thread of a server; can be used from any thread. Does nothing until it is started.
#[derive(Debug, Default)]
pub struct Scanner {
    board: Arc<Board>,
    requests: Arc<Requests>,
}

/// The requests that the scanning thread waits for.
#[derive(Debug, Default)]
struct Requests {
    state: Mutex<State>,
    changed: Condvar,
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<Scope>,
    changes: Changes,
}

impl State {
    /// A scan of everything is due, which reads every file again when one of the requests did.
    fn ask(&mut self, scope: Scope) {
        if self.asked != Some(Scope::AllAgain) {
            self.asked = Some(if scope == Scope::AllAgain { scope } else { Scope::All });
        }
    }
}

impl Requests {
    /// Something changed in a folder; `None` when it is not known in which.
    fn note(&self, folder: Option<PathBuf>) {
        self.lock().changes.note(folder, Instant::now());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a scan is due and returns its scope; `None` when the thread has to end.
    fn next(&self, interval_ends: Option<Instant>) -> Option<Scope> {
        let mut state = self.lock();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            let now = Instant::now();
            let at_intervals = interval_ends.filter(|at| now >= *at).map(|_| Scope::All);
            if let Some(scope) = state.asked.take().or(at_intervals) {
                state.changes = Changes::default();
                return Some(scope);
            }
            let settled = state.changes.due();
            if settled.is_some_and(|at| now >= at) {
                return Some(std::mem::take(&mut state.changes).scope());
            }
            let until = [settled, interval_ends].into_iter().flatten().min();
            let wait = until.map_or(Duration::from_hours(1), |at| at.saturating_duration_since(now));
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Scanner {
    /// Starts the thread: it scans at once, and then whenever a scan is due. `interval` is the time from the end of a
    /// scan to the start of the next. `publish` is as in [`run_one`].
    pub fn start(&self, db: Db, music: Music, interval: Option<Duration>, publish: impl Fn() + Send + 'static) {
        if music.folders.is_empty() {
            return;
        }
        self.requests.lock().ask(Scope::All);
        let (board, requests) = (Arc::clone(&self.board), Arc::clone(&self.requests));
        let run = move || {
            let noted = Arc::clone(&requests);
            let watcher = watch(&music.folders, move |folder| noted.note(folder));
            let mut interval_ends = None;
            while let Some(scope) = requests.next(interval_ends) {
                match db.lock_scans() {
                    Ok(Some(_lock)) => {
                        run_one(&db, &music, &scope, &board, &requests.stop, &publish);
                        if let Err(error) = db.release_memory() {
                            log::warn!("memory of the database is not given back after the scan: {error}");
                        }
                        segue_heap::trim();
                    }
                    Ok(None) => wait_for_others(&requests, scope),
                    Err(error) => {
                        board.trouble(None, &format!("the lock for scanning cannot be taken: {error}"));
                        wait_for_others(&requests, scope);
                    }
                }
                interval_ends = interval.and_then(|interval| Instant::now().checked_add(interval));
            }
            drop(watcher);
        };
        if let Err(error) = thread::Builder::new().name("scan".to_owned()).spawn(run) {
            self.board.trouble(None, &format!("the scanning thread cannot be started: {error}"));
        }
    }

    /// Requests a scan of everything, which reads every file again if `again`. It begins after the running one; several
    /// requests before it begins count as one.
    pub fn ask(&self, again: bool) {
        self.requests.lock().ask(if again { Scope::AllAgain } else { Scope::All });
        self.requests.changed.notify_all();
    }

    /// Requests a scan of a folder with a file that has changed since it was scanned. Returns whether it was not
    /// waiting for a scan already.
    #[must_use]
    pub fn notice(&self, folder: &Path) -> bool {
        let is_news = self.requests.lock().changes.find(folder.to_owned(), Instant::now());
        self.requests.changed.notify_all();
        is_news
    }

    /// The progress of the running scan, or of the last one.
    #[must_use]
    pub fn progress(&self) -> ScanProgress {
        let queued = self.requests.lock().asked.is_some();
        ScanProgress { queued, ..self.board.read() }
    }

    /// The board to which scans write their progress.
    #[must_use]
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Ends the running scan and the thread.
    pub fn stop(&self) {
        self.requests.stop.store(true, Ordering::Relaxed);
        self.requests.changed.notify_all();
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Scans once and writes start, end and result to the board. When all is written, and before the scan counts as finished,
/// it calls `publish`, which blocks until the search finds what was written.
pub fn run_one(db: &Db, music: &Music, scope: &Scope, board: &Board, stop: &AtomicBool, publish: &impl Fn()) {
    board.change(|progress| {
        *progress = ScanProgress { running: true, started: Some(time::now()), ..ScanProgress::default() }
    });
    let before = music.storage.traffic();
    let outcome = scan(db, music, scope, board, stop);
    let after = music.storage.traffic();
    if after != before {
        let (requests, read) = (after.requests - before.requests, after.read - before.read);
        log::info!("scan: {}, {read} bytes read from buckets", counted(requests, "request"));
    }
    publish();
    board.change(|progress| {
        progress.running = false;
        progress.complete = outcome.is_ok() && !stop.load(Ordering::Relaxed);
        progress.folder = None;
        progress.finished = Some(time::now());
    });
    let progress = board.read();
    if outcome.is_ok() {
        log::info!(
            "scan: {}, {} new, {} changed, {} moved, {} gone, {} unreadable",
            counted(progress.seen, "file"),
            progress.added,
            progress.changed,
            progress.moved,
            progress.gone(),
            progress.unreadable
        );
    }
}

fn wait_for_others(requests: &Requests, scope: Scope) {
    let mut state = requests.lock();
    state.ask(scope);
    drop(requests.changed.wait_timeout(state, BUSY));
}
