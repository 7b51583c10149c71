//! Feeds the search index from the database on a background thread: all changes in their order, starting after the last
//! one that the index has.

use super::{
    rounds::Rounds,
    search::{Query, Results, SearchError, SearchIndex},
    stop::Stop,
};
use crate::{
    db::{Db, DbConnection, DbError, changes, popularity, search, secrets},
    values::document::ItemKind,
};
use segue_client::protocol::ids::UserId;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How often the database is polled for changes.
const POLL: Duration = Duration::from_millis(400);
/// Without changes for this many polls (10 s) the writer of the index is closed: it holds memory.
const IDLE_POLLS: u32 = 25;
/// Changes read in one transaction.
const STEP: i64 = 2_000;
/// A commit is made after this many changes, while more are waiting: each commit makes a segment and syncs the disk.
const COMMIT: usize = 20_000;

/// How long [`Search::stop`] waits for the end of the thread: a commit takes less, the merge of a large index may not.
const END_WITHIN: Duration = Duration::from_secs(10);

/// How long a search waits for a free slot.
const TURN: Duration = Duration::from_secs(2);

/// The search of a server: the index once it is open, and the thread that feeds it.
pub struct Search {
    shared: Arc<Shared>,
    /// The slots of searches, one for each core: more at once would only slow each other down.
    turns: Arc<Semaphore>,
    /// Closed when the thread has ended; `None` if none runs, or once it was waited for.
    running: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Default for Search {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { shared: Arc::default(), turns: Arc::new(Semaphore::new(cores)), running: Mutex::default() }
    }
}

/// Which part of the results is wanted, and the user who searches.
#[derive(Debug, Clone, Copy)]
pub struct SearchPage {
    /// The user who searches; private playlists of other users are not found.
    pub user: UserId,
    /// The most results of each kind.
    pub limit: usize,
    /// How many results of each kind to skip.
    pub offset: usize,
}

/// Why a search could not be made.
#[derive(Debug)]
pub enum NotSearched {
    /// The index is not open yet, or in use by another process.
    NotOpen,
    /// No slot became free within 2 s.
    Busy,
    /// The index could not be read.
    Failed(SearchError),
    /// The search panicked.
    Panicked,
}

impl fmt::Display for NotSearched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str("the search index is not open yet: try again in a few seconds"),
            Self::Busy => f.write_str("too many searches at the same time: try again in a few seconds"),
            Self::Failed(error) => error.fmt(f),
            Self::Panicked => f.write_str("a search panicked: if that happens again, stop the server, delete the folder of the index and start it"),
        }
    }
}

#[derive(Default)]
struct Shared {
    index: OnceLock<Arc<SearchIndex>>,
    stop: Stop,
    rounds: Rounds,
}

impl Search {
    /// The index; `None` until it has been opened after the start of the server.
    #[must_use]
    pub fn index(&self) -> Option<Arc<SearchIndex>> {
        self.shared.index.get().map(Arc::clone)
    }

    /// Searches on the blocking thread pool.
    ///
    /// # Errors
    /// See [`NotSearched`]; `Failed` and `Panicked` mean that the files of the index are damaged.
    pub async fn find(&self, text: String, kinds: Vec<ItemKind>, page: SearchPage) -> Result<Results, NotSearched> {
        let index = self.index().ok_or(NotSearched::NotOpen)?;
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(NotSearched::Busy) };
        let found = spawn_blocking(move || {
            let SearchPage { user, limit, offset } = page;
            let found = index.search(&Query { text: &text, kinds: &kinds, user: Some(user), limit, offset });
            drop(turn);
            found
        });
        found.await.map_err(|_| NotSearched::Panicked)?.map_err(NotSearched::Failed)
    }

    /// Starts the thread that feeds the index; its files are in `folder`.
    pub fn start(&self, db: Db, folder: PathBuf) {
        let shared = Arc::clone(&self.shared);
        let (runs, running) = mpsc::channel();
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        shared.rounds.resume();
        let run = move || {
            // Dropped when the thread ends, also by a panic.
            let (_runs, _ends): (mpsc::Sender<()>, _) = (runs, shared.rounds.suspended_at_end());
            shared.run(&db, &folder);
        };
        if let Err(error) = thread::Builder::new().name("search".to_owned()).spawn(run) {
            self.shared.rounds.suspend();
            log::error!("the search index is not updated, because its thread cannot be started: {error}");
        }
    }

    /// Blocks until the index has all changes that the database has now, at most for `within`. Returns at once while the
    /// index cannot be fed: the thread does not run, or its last attempt failed.
    pub fn catch_up(&self, within: Duration) {
        self.shared.rounds.await_next(within);
    }

    /// Ends the thread that feeds the index, and closes its files. Blocks until that is done, for at most 10 s: a process
    /// that ends meanwhile leaves files half-way.
    pub fn stop(&self) {
        self.shared.stop.tell();
        self.shared.rounds.suspend();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if running.is_some_and(|running| running.recv_timeout(END_WITHIN) == Err(RecvTimeoutError::Timeout)) {
            log::warn!("the search index is still being written; what is not finished is done again at the next start");
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn run(&self, db: &Db, folder: &Path) {
        let Some(index) = self.retry(|| open(folder)) else { return };
        // The index can be searched while it is checked and updated.
        let index = Arc::clone(self.index.get_or_init(|| Arc::new(index)));
        if self.retry(|| check(&index)).is_some() {
            let mut idle = 0_u32;
            while let Some(has_changed) = self.retry(|| self.rounds.one(|| self.follow(db, &index))) {
                idle = if has_changed { 0 } else { idle.saturating_add(1) };
                if idle == IDLE_POLLS {
                    rest(&index);
                }
                self.rounds.wait(POLL);
                if self.stop.is_over() {
                    break;
                }
            }
        }
        if let Err(error) = index.close() {
            log::warn!("{error}");
        }
    }

    /// Repeats `attempt` until it succeeds; `None` when [`Stop`] was set. Only the first failure is logged.
    fn retry<T>(&self, mut attempt: impl FnMut() -> Result<T, FollowError>) -> Option<T> {
        let mut failing = false;
        loop {
            match attempt() {
                Ok(value) => {
                    self.rounds.resume();
                    return Some(value);
                }
                Err(error) if !failing && !self.stop.is_over() => {
                    log::error!("{error}; search may be behind until this is over");
                }
                Err(_) => {}
            }
            failing = true;
            self.rounds.suspend();
            if self.stop.within(POLL) {
                return None;
            }
        }
    }

    /// Feeds all changes that the database has now; returns whether there were any.
    fn follow(&self, db: &Db, index: &SearchIndex) -> Result<bool, FollowError> {
        count_plays(db, &self.stop)?;
        let (catalogue, last) = standing(db)?;
        let catalogue = catalogue.as_str();
        let mut after = index.cursor().as_deref().map_or(0, |cursor| place(cursor, catalogue));
        // Another database, or this one restored from a backup: the numbers stand for other changes now.
        if after < 0 || after > last {
            log::info!("rebuilding the search index: it belongs to another database, or the database was restored");
            index.clear()?;
            after = 0;
        }
        if after == last {
            index.refresh()?;
            return Ok(false);
        }
        let mut uncommitted = 0_usize;
        while let Some(step) = db.read_blocking(|connection| search::step(connection, after, STEP))? {
            uncommitted = uncommitted.saturating_add(step.changes.len());
            index.apply(step.changes)?;
            after = step.upto;
            let stopping = self.stop.is_over();
            if uncommitted >= COMMIT || stopping {
                index.commit(&cursor(after, catalogue))?;
                uncommitted = 0;
            }
            if stopping {
                return Ok(true);
            }
        }
        // The last change read can be below `last`, when the rows with the highest numbers were deleted.
        index.commit(&cursor(after.max(last), catalogue))?;
        Ok(true)
    }
}

/// Closes the writer of an index that is up to date, and gives its memory back.
fn rest(index: &SearchIndex) {
    if let Err(error) = index.close() {
        log::warn!("{error}");
    }
    segue_heap::trim();
}

fn open(folder: &Path) -> Result<SearchIndex, FollowError> {
    Ok(SearchIndex::open(folder)?)
}

/// Clears an index whose files are damaged, so that it is rebuilt.
fn check(index: &SearchIndex) -> Result<(), FollowError> {
    if !index.is_sound()? {
        log::warn!("rebuilding the search index: its files are damaged");
        index.clear()?;
    }
    Ok(())
}

/// Counts new plays, a batch in each transaction. A changed popularity becomes a change that [`Shared::follow`] reads.
fn count_plays(db: &Db, stop: &Stop) -> Result<(), FollowError> {
    if db.read_blocking(popularity::is_behind)? {
        while db.write_blocking(popularity::count)? && !stop.is_over() {}
    }
    Ok(())
}

/// The name of the database's catalogue and the number of its last change. An index of another catalogue is not usable.
fn standing(db: &Db) -> Result<(String, i64), FollowError> {
    let read =
        |connection: &mut DbConnection| Ok((secrets::get(connection, secrets::CATALOGUE)?, changes::last(connection)?));
    match db.read_blocking(read)? {
        (Some(catalogue), last) => Ok((catalogue, last)),
        (None, last) => Ok((db.write_blocking(secrets::catalogue)?, last)),
    }
}

fn cursor(after: i64, catalogue: &str) -> String {
    format!("{after} {catalogue}")
}

/// The number of the last change that the index has; -1 when it belongs to another catalogue.
fn place(cursor: &str, catalogue: &str) -> i64 {
    let place = cursor.split_once(' ').filter(|(_, followed)| *followed == catalogue);
    place.and_then(|(after, _)| after.parse().ok()).unwrap_or(-1)
}

/// Why the index could not be updated.
#[derive(Debug)]
enum FollowError {
    Index(SearchError),
    Db(DbError),
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(error) => error.fmt(f),
            Self::Db(error) => write!(f, "the search index cannot be updated: {error}"),
        }
    }
}

impl From<SearchError> for FollowError {
    fn from(error: SearchError) -> Self {
        Self::Index(error)
    }
}

impl From<DbError> for FollowError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stops_the_search_has_waited_until_its_files_are_closed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = folder.path().join("search");
        let url = format!("sqlite:{}", folder.path().join("segue.db").display());
        let db = Db::open(&url.parse().expect("a good URL"), 2).expect("the database opens");
        let search = Search::default();
        search.start(db, files.clone());
        while search.index().is_none() {
            thread::yield_now();
        }
        search.stop();
        assert!(SearchIndex::open(&files).is_ok(), "nobody else writes there");
        search.stop();
        assert_eq!(search.index().expect("it can still be searched").documents(), 0);
    }
}
