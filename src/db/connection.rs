//! One connection: how it is opened and made ready, for the pools and for migrations.

use super::{
    DatabaseUrl, DbError,
    advice::advised,
    closing::{Census, CensusEntry},
    obstacle,
};
use diesel::{
    Connection as _, MultiConnection, PgConnection, QueryResult, QueryableByName, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _},
    r2d2::{ManageConnection, R2D2Connection as _},
    sql_types::BigInt,
};
use std::ops::{Deref, DerefMut};

/// A connection to either database; diesel queries run on it as they are.
///
/// Statements that only one dialect has, such as `ON CONFLICT`, are written twice, in a match on this enum.
#[derive(MultiConnection)]
pub enum DbConnection {
    /// PostgreSQL, through libpq.
    Postgres(PgConnection),
    /// SQLite, bundled.
    Sqlite(SqliteConnection),
}

/// The answer to `SELECT count(*) AS count`.
#[derive(QueryableByName)]
pub(super) struct RowCount {
    #[diesel(sql_type = BigInt)]
    pub(super) count: i64,
}

/// A connection that is counted until it has closed: fields are dropped in their order.
pub(super) struct CountedConnection {
    connection: DbConnection,
    _counted: CensusEntry,
}

impl Deref for CountedConnection {
    type Target = DbConnection;

    fn deref(&self) -> &DbConnection {
        &self.connection
    }
}

impl DerefMut for CountedConnection {
    fn deref_mut(&mut self) -> &mut DbConnection {
        &mut self.connection
    }
}

/// Inserts all rows of a slice, however many: diesel's two-dialect connection takes one at a time.
macro_rules! insert_all {
    ($connection:expr, $table:expr, $rows:expr) => {{
        match $connection {
            // PostgreSQL takes 65,535 values in a statement; no table has 32 columns.
            $crate::db::DbConnection::Postgres(postgres) => {
                for rows in $rows.chunks(1_000) {
                    diesel::insert_into($table).values(rows).execute(postgres)?;
                }
            }
            // SQLite compiles the statement of one row once, one of many rows each time.
            $crate::db::DbConnection::Sqlite(sqlite) => {
                $rows.iter().try_for_each(|row| diesel::insert_into($table).values(row).execute(sqlite).map(|_| ()))?;
            }
        }
    }};
}
pub(in crate::db) use insert_all;

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reads only; the database refuses statements that write.
    Read,
    /// Everything.
    Write,
    /// Reads and writes on a connection of `Write`. A power cut may undo the last commits.
    WriteLazily,
    /// Reads and writes; a commit is on disk when it returns. Statements have a time limit on PostgreSQL.
    Sessions,
}

/// With the write-ahead log (WAL), reads and one write run at the same time. It is moved into the database when it has 8,000
/// pages (32 MB; SQLite's default is 1,000), because a scan writes the same pages again and again; then it is cut short.
/// For the same reason the cache has up to 32 MiB (2 MiB by default), which are given back after a scan.
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 8000;
PRAGMA journal_size_limit = 4194304; PRAGMA cache_size = -32768;";
/// Executed before each transaction: with FULL a commit survives a power cut (sqlite.org/pragma.html).
pub(super) const SQLITE_SYNCED: &str = "PRAGMA synchronous = FULL;";
/// A commit survives the end of the process, and is on disk some time later.
const SQLITE_LAZY: &str = "PRAGMA synchronous = NORMAL;";
/// Executed on every new connection: SQLite keeps these settings for one connection only.
const SQLITE_ALWAYS: &str = "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

/// `synchronous_commit = off` in the server's configuration could lose acknowledged changes, so it is overridden here;
/// its other values are left as they are.
const POSTGRES_SESSIONS: &str = "SET statement_timeout = '3s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

impl DbConnection {
    /// Opens a connection and makes it ready.
    ///
    /// # Errors
    /// `DbError::Connect` when the database cannot be opened or reached.
    pub(super) fn open(url: &DatabaseUrl, access: Access) -> Result<Self, DbError> {
        match url {
            DatabaseUrl::Postgres(address) => {
                let refused = |error| DbError::Connect(format!("{url}: {}", advised(error)).into());
                let mut connection = PgConnection::establish(&patient(address)).map_err(refused)?;
                if access == Access::Sessions {
                    connection.batch_execute(POSTGRES_SESSIONS)?;
                }
                Ok(Self::Postgres(connection))
            }
            DatabaseUrl::Sqlite(path) => {
                let opened = SqliteConnection::establish(&path.to_string_lossy());
                let mut connection = opened.map_err(|error| obstacle::of_sqlite(path, &error))?;
                let prepared = connection.batch_execute(SQLITE_ALWAYS).and_then(|()| {
                    connection.batch_execute(match access {
                        Access::Read => "PRAGMA query_only = ON;",
                        Access::Write | Access::WriteLazily | Access::Sessions => SQLITE_WRITER,
                    })
                });
                prepared.map_err(|error| obstacle::of_db(path, error.into()))?;
                Ok(Self::Sqlite(connection))
            }
        }
    }

    /// Runs the closure in one transaction: for `Read` on one snapshot, otherwise with the write lock from the start.
    pub(super) fn in_transaction<T>(
        &mut self,
        access: Access,
        run: impl FnOnce(&mut Self) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        match (&mut *self, access) {
            (Self::Sqlite(sqlite), Access::Read) => AnsiTransactionManager::begin_transaction(sqlite)?,
            (Self::Sqlite(sqlite), _) => {
                sqlite.batch_execute(if access == Access::WriteLazily { SQLITE_LAZY } else { SQLITE_SYNCED })?;
                AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
            }
            (Self::Postgres(postgres), Access::Read) => AnsiTransactionManager::begin_transaction_sql(
                postgres,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            )?,
            (Self::Postgres(postgres), _) => {
                AnsiTransactionManager::begin_transaction(postgres)?;
                if access == Access::WriteLazily {
                    postgres.batch_execute("SET LOCAL synchronous_commit = off")?;
                }
            }
        }
        match run(self) {
            Ok(value) => self.commit().map(|()| value).map_err(DbError::from),
            Err(error) => {
                if let Err(second) = self.roll_back() {
                    log::warn!("a transaction could not be rolled back: {second}");
                }
                Err(error)
            }
        }
    }

    /// Makes PostgreSQL look rows up by index in the rest of this transaction. Its statistics of a table that was empty
    /// minutes ago are out of date, so it would read the whole table, and compile the query (JIT) because it estimates a
    /// high cost. SQLite uses its indices without this.
    pub(super) fn prefer_indices(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.batch_execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off"),
        }
    }

    fn commit(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(sqlite) => AnsiTransactionManager::commit_transaction(sqlite),
            Self::Postgres(postgres) => AnsiTransactionManager::commit_transaction(postgres),
        }
    }

    fn roll_back(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(sqlite) => AnsiTransactionManager::rollback_transaction(sqlite),
            Self::Postgres(postgres) => AnsiTransactionManager::rollback_transaction(postgres),
        }
    }
}

/// Opens connections for a pool, and counts them.
#[derive(Debug)]
pub(super) struct Opener {
    url: DatabaseUrl,
    access: Access,
    census: Census,
    /// As long as the pool is there, it may open another connection.
    _counted: CensusEntry,
}

impl Opener {
    pub(super) fn new(url: &DatabaseUrl, access: Access, census: &Census) -> Self {
        Self { url: url.clone(), access, census: census.clone(), _counted: census.count() }
    }
}

impl ManageConnection for Opener {
    type Connection = CountedConnection;
    type Error = DbError;

    fn connect(&self) -> Result<CountedConnection, DbError> {
        let counted = self.census.count();
        Ok(CountedConnection { connection: DbConnection::open(&self.url, self.access)?, _counted: counted })
    }

    fn is_valid(&self, connection: &mut CountedConnection) -> Result<(), DbError> {
        connection.ping().map_err(DbError::from)
    }

    fn has_broken(&self, connection: &mut CountedConnection) -> bool {
        // A panic leaves the transaction open. The connection is closed, and the database rolls back.
        std::thread::panicking() || connection.is_broken()
    }
}

/// The URL with time limits for connecting to and waiting for a host that does not answer, unless it sets them itself
/// (postgresql.org, "Parameter Key Words"). libpq's defaults are minutes, or no limit.
fn patient(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in [("connect_timeout", "5"), ("tcp_user_timeout", "5000")] {
        if !url.contains(&format!("{name}=")) {
            let sign = if url.contains('?') { "&" } else { "?" };
            url.extend([sign, name, "=", value]);
        }
    }
    url
}
