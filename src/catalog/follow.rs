//! Keeps the search index up with the database: in the background, in the order of the changes, from where it stopped.

use super::{
    search::{Kind, Query, Results, SearchError, SearchIndex},
    stop::Stop,
};
use crate::db::{Db, DbConnection, DbError, changes, popularity, search, secrets};
use segue_actors::ids::UserId;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How often the database is asked whether anything changed: a change is found within about a second.
const POLL: Duration = Duration::from_millis(400);
/// Changes read at once.
const STEP: i64 = 2_000;
/// Changes in one commit while there are many; each commit is a new segment and a sync of the disk.
const COMMIT: usize = 20_000;

/// How long a search may wait for its turn.
const TURN: Duration = Duration::from_secs(2);

/// The search of a server: the index once it is open, and the thread that feeds it.
pub struct Search {
    shared: Arc<Shared>,
    /// One for each core: more searches at once would only slow each other down.
    turns: Arc<Semaphore>,
}

impl Default for Search {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { shared: Arc::default(), turns: Arc::new(Semaphore::new(cores)) }
    }
}

/// Which results of each kind, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Who asks.
    pub user: UserId,
    /// Results of each kind.
    pub limit: usize,
    /// Results of each kind to leave out first.
    pub offset: usize,
}

/// Why a search has no results to show.
#[derive(Debug)]
pub enum NotSearched {
    /// The index is not open yet, or in use by another process.
    NotOpen,
    /// Others were searching all the time.
    Busy,
    /// The index could not be read.
    Failed(SearchError),
    /// The search panicked.
    Panicked,
}

impl fmt::Display for NotSearched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str("the index is not open yet"),
            Self::Busy => f.write_str("too many searches at once"),
            Self::Failed(error) => error.fmt(f),
            Self::Panicked => f.write_str("a search panicked"),
        }
    }
}

#[derive(Default)]
struct Shared {
    index: OnceLock<Arc<SearchIndex>>,
    stop: Stop,
}

impl Search {
    /// The index; `None` for the first moments of a server.
    #[must_use]
    pub fn index(&self) -> Option<Arc<SearchIndex>> {
        self.shared.index.get().map(Arc::clone)
    }

    /// Searches on a thread that may block.
    ///
    /// # Errors
    /// `NotOpen` at first, `Busy` under load; `Failed` and `Panicked` when the files are damaged.
    pub async fn find(&self, text: String, kinds: Vec<Kind>, page: Page) -> Result<Results, NotSearched> {
        let index = self.index().ok_or(NotSearched::NotOpen)?;
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(NotSearched::Busy) };
        let found = spawn_blocking(move || {
            let Page { user, limit, offset } = page;
            let found = index.search(&Query { text: &text, kinds: &kinds, user: Some(user), limit, offset });
            drop(turn);
            found
        });
        found.await.map_err(|_| NotSearched::Panicked)?.map_err(NotSearched::Failed)
    }

    /// Begins to follow the database, with the index below `folder`.
    pub fn start(&self, db: Db, folder: PathBuf) {
        let shared = Arc::clone(&self.shared);
        let run = move || shared.run(&db, &folder);
        if let Err(error) = thread::Builder::new().name("search".to_owned()).spawn(run) {
            log::error!("the search index is not kept up to date, for want of a thread: {error}");
        }
    }

    /// Ends the feeding.
    pub fn stop(&self) {
        self.shared.stop.tell();
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
        // What is there can be searched while it is checked and brought up to date.
        let index = Arc::clone(self.index.get_or_init(|| Arc::new(index)));
        if self.retry(|| check(&index)).is_none() {
            return;
        }
        while self.retry(|| self.follow(db, &index)).is_some() && !self.stop.within(POLL) {}
    }

    /// Tries until it succeeds; `None` when it is time to stop. A failure is logged when it begins.
    fn retry<T>(&self, mut attempt: impl FnMut() -> Result<T, FollowError>) -> Option<T> {
        let mut failing = false;
        loop {
            match attempt() {
                Ok(value) => return Some(value),
                Err(error) if !failing => log::error!("{error}; search may be behind until this is over"),
                Err(_) => {}
            }
            failing = true;
            if self.stop.within(POLL) {
                return None;
            }
        }
    }

    /// Brings the index up to the database as it is now.
    fn follow(&self, db: &Db, index: &SearchIndex) -> Result<(), FollowError> {
        count_plays(db, &self.stop)?;
        let (catalogue, last) = standing(db)?;
        let catalogue = catalogue.as_str();
        let mut after = index.cursor().as_deref().map_or(0, |cursor| place(cursor, catalogue));
        // Another database, or this one put back from an earlier day: the numbers mean other changes now.
        if after < 0 || after > last {
            log::info!("search index is made anew, for the database is not the one it followed");
            index.clear()?;
            after = 0;
        }
        if after == last {
            return Ok(index.refresh()?);
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
                return Ok(());
            }
        }
        // The highest numbers may have been taken for rows that are gone.
        Ok(index.commit(&cursor(after.max(last), catalogue))?)
    }
}

fn open(folder: &Path) -> Result<SearchIndex, FollowError> {
    Ok(SearchIndex::open(folder)?)
}

/// Empties an index that has rotted on disk.
fn check(index: &SearchIndex) -> Result<(), FollowError> {
    if !index.is_sound()? {
        log::warn!("search index is made anew, for its files are damaged");
        index.clear()?;
    }
    Ok(())
}

/// Counts the plays that came in, a batch in each transaction, so that what became popular is a change like any other.
fn count_plays(db: &Db, stop: &Stop) -> Result<(), FollowError> {
    if db.read_blocking(popularity::is_behind)? {
        while db.write_blocking(popularity::count)? && !stop.is_over() {}
    }
    Ok(())
}

/// The name of the database's catalogue, an index that followed another one being of no use, and its last change.
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

/// The number of the last change that the index has; -1 when it followed another catalogue.
fn place(cursor: &str, catalogue: &str) -> i64 {
    let place = cursor.split_once(' ').filter(|(_, followed)| *followed == catalogue);
    place.and_then(|(after, _)| after.parse().ok()).unwrap_or(-1)
}

/// Why the index could not be brought up to date.
#[derive(Debug)]
enum FollowError {
    Index(SearchError),
    Db(DbError),
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(error) => error.fmt(f),
            Self::Db(error) => write!(f, "search index cannot follow: {error}"),
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
