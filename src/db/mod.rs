//! The database: the only user of diesel. One file per noun holds the functions that handlers call.

mod advice;
pub mod albums;
pub mod api_keys;
pub mod artists;
pub mod backup;
pub mod changes;
pub mod claim;
mod closing;
mod connection;
pub mod covers;
mod error;
pub mod files;
pub mod genres;
pub mod history;
pub mod hot;
pub mod lists;
pub mod login_codes;
pub mod login_networks;
pub mod logins;
pub mod media;
mod merged;
mod migrate;
pub mod nodes;
mod obstacle;
pub mod passwordless;
pub mod playlists;
pub mod plays;
pub mod popularity;
pub mod private;
pub mod queueable;
pub mod saved;
pub mod scan;
#[allow(missing_docs, reason = "generated")]
pub mod schema;
pub mod search;
pub mod secrets;
pub mod sessions;
mod stat;
mod statement;
pub mod tracks;
pub mod unscaled;
mod url;
pub mod users;

pub use connection::DbConnection;
pub use error::{DbError, Refused};
pub use migrate::migrate;
pub use url::{BadDatabaseUrl, DatabaseUrl};

use closing::Census;
use connection::{Access, Opener};
use diesel::{
    connection::SimpleConnection as _,
    r2d2::{NopErrorHandler, Pool, PooledConnection, R2D2Connection as _},
};
use segue_actors::count;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How long a call waits for a free connection before it fails with [`DbError::Busy`].
const TURN: Duration = Duration::from_secs(5);

/// How long the writer of sessions waits for a connection to PostgreSQL; less, because its callers wait 10 s in all.
const SESSION_TURN: Duration = Duration::from_secs(2);

/// How long [`Db::close`] waits for calls that are under way.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// A handle of the database; clones share its connections.
///
/// `read` and `write` are for async code, the `_blocking` ones for threads that may wait.
/// Each call is one transaction: `read` sees one snapshot and may not write; `write` is rolled back when it returns an error.
#[derive(Clone)]
pub struct Db {
    readers: Lane,
    writers: Lane,
    sessions: Lane,
    url: Arc<DatabaseUrl>,
    census: Census,
}

impl Db {
    /// Brings the tables up to date and opens the pools; `connections` may read at once.
    ///
    /// # Errors
    /// As [`migrate`], and `Connect`.
    pub fn open(url: &DatabaseUrl, connections: u32) -> Result<Self, DbError> {
        migrate(url).map_err(|error| error.at(url))?;
        let writers = match url {
            DatabaseUrl::Sqlite(_) => 1,
            DatabaseUrl::Postgres(_) => connections,
        };
        let (url, census) = (Arc::new(url.clone()), Census::default());
        let readers = Lane::open(&url, Access::Read, connections, &census)?;
        let writers = Lane::open(&url, Access::Write, writers, &census)?;
        let sessions = match *url {
            // SQLite has one writer, so that all writes use the same queue.
            DatabaseUrl::Sqlite(_) => writers.clone(),
            DatabaseUrl::Postgres(_) => Lane::open(&url, Access::Sessions, 1, &census)?,
        };
        Ok(Self { readers, writers, sessions, url, census })
    }

    /// As [`Db::open`], for commands that make no database.
    ///
    /// # Errors
    /// `Absent` when there is none of segue, and as [`Db::open`].
    pub fn open_existing(url: &DatabaseUrl, connections: u32) -> Result<Self, DbError> {
        migrate::require(url)?;
        Self::open(url, connections)
    }

    /// Closes every connection of this handle and its clones, whose calls fail as [`DbError::Closed`] from now on. Blocks
    /// until calls that are under way have ended, for at most 10 s.
    ///
    /// A process calls it before it ends: the last connection to a SQLite file moves the write-ahead log into the file and
    /// removes it, and so the file alone holds everything.
    pub fn close(&self) {
        for lane in [&self.readers, &self.writers, &self.sessions] {
            drop(lane.pool.write().unwrap_or_else(PoisonError::into_inner).take());
        }
        if !self.census.wait_for_none(CLOSE_WITHIN) {
            log::warn!("the database is still in use: {} may need the -wal file beside it", self.url);
        }
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn ping(&self) -> Result<(), DbError> {
        self.read(|connection| Ok(connection.ping()?)).await
    }

    /// Gives back the memory of SQLite's writer connection, which a scan fills. Blocks until that connection is free.
    ///
    /// # Errors
    /// The database's.
    pub fn release_memory(&self) -> Result<(), DbError> {
        match &mut **self.writers.connection()? {
            DbConnection::Sqlite(sqlite) => Ok(sqlite.batch_execute("PRAGMA shrink_memory")?),
            DbConnection::Postgres(_) => Ok(()),
        }
    }

    /// Reads on a thread that may block.
    ///
    /// # Errors
    /// The closure's; `Busy` or `Connect` when there was no free connection in time.
    pub async fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        self.readers.run(run).await
    }

    /// Writes in one transaction on a thread that may block.
    ///
    /// # Errors
    /// The closure's, after a roll-back; `Busy` or `Connect` when there was no free connection in time.
    pub async fn write<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        self.writers.run(run).await
    }

    /// Writes as [`Db::write`] does, without waiting for the disk: a power cut may undo it.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_lazily<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        Lane { access: Access::WriteLazily, ..self.writers.clone() }.run(run).await
    }

    /// The connection that writes sessions, in no transaction. Blocks until it is free.
    fn sessions(&self) -> Result<PooledConnection<Opener>, DbError> {
        self.sessions.connection()
    }

    /// Reads on this thread.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T>(&self, run: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> Result<T, DbError> {
        self.readers.run_blocking(run)
    }

    /// Writes in one transaction on this thread.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T>(&self, run: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> Result<T, DbError> {
        self.writers.run_blocking(run)
    }
}

/// A pool for one kind of access. Its semaphore has a permit for each connection, so that waiting calls use no thread.
#[derive(Clone)]
struct Lane {
    /// None once closed.
    pool: Arc<RwLock<Option<Pool<Opener>>>>,
    turns: Arc<Semaphore>,
    access: Access,
    url: Arc<DatabaseUrl>,
}

impl Lane {
    fn open(url: &Arc<DatabaseUrl>, access: Access, connections: u32, census: &Census) -> Result<Self, DbError> {
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(1))
            .connection_timeout(if access == Access::Sessions { SESSION_TURN } else { TURN })
            .test_on_check_out(matches!(**url, DatabaseUrl::Postgres(_)))
            // Failures to connect are returned to the caller; r2d2 need not log them too.
            .error_handler(Box::new(NopErrorHandler))
            .build(Opener::new(url, access, census))
            .map_err(|error| DbError::Connect(error.into()))?;
        let turns = usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS);
        let (pool, turns) = (Arc::new(RwLock::new(Some(pool))), Arc::new(Semaphore::new(turns)));
        Ok(Self { pool, turns, access, url: Arc::clone(url) })
    }

    /// A connection of the pool. Blocks until one is free.
    fn connection(&self) -> Result<PooledConnection<Opener>, DbError> {
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner).clone();
        pool.ok_or(DbError::Closed)?.get().map_err(|error| DbError::Connect(error.into()))
    }

    async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut DbConnection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(DbError::Busy) };
        let lane = self.clone();
        let outcome = spawn_blocking(move || {
            let outcome = lane.run_blocking(run);
            drop(turn);
            outcome
        });
        outcome.await.unwrap_or(Err(DbError::Panicked))
    }

    fn run_blocking<T>(&self, run: impl FnOnce(&mut DbConnection) -> Result<T, DbError>) -> Result<T, DbError> {
        let began = Instant::now();
        let outcome = self.connection()?.in_transaction(self.access, run);
        count::database(began.elapsed(), self.access == Access::Read);
        outcome.map_err(|error| error.at(&self.url))
    }
}
