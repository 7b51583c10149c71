//! The claim of a server on its database: one server at a time, for sessions and sockets live in its memory.

use super::{DatabaseUrl, Db, DbConnection, DbError, connection::Access, obstacle, private};
use diesel::{QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types};
use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The number of PostgreSQL's advisory lock of servers (postgresql.org, "Advisory Locks"): "segserve" in ASCII.
const SERVERS: i64 = 0x7365_6773_6572_7665;
/// The connection that holds the lock ends at most 5 s after its host is gone: PostgreSQL's own limits are hours.
const NOTICED: &str = "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;";
/// The longest description of another server that is read, in bytes.
const DESCRIPTION_BYTES: u64 = 200;

/// The claim, held until the value is dropped or the process ends, however it ends.
pub struct Claim {
    url: DatabaseUrl,
    /// What another server that finds the database claimed says of this one.
    description: String,
    held: ClaimLock,
}

enum ClaimLock {
    /// A locked file beside that of SQLite.
    File(#[expect(dead_code, reason = "closing the file gives the lock up")] File),
    /// A connection that holds a lock in PostgreSQL.
    Connection(Mutex<DbConnection>),
}

/// Why a database is not claimed.
#[derive(Debug)]
pub enum Unclaimed {
    /// Another server has it; its description, where that can be read.
    Taken(Option<String>),
    /// It cannot be asked for.
    Db(DbError),
}

impl std::fmt::Display for Unclaimed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken(other) => {
                let other = other.as_ref().map_or_else(String::new, |other| format!(" ({other})"));
                write!(
                    f,
                    "another server uses this database{other}: stop it first, or give this one a database of its own \
                     with --data-dir or --database-url"
                )
            }
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unclaimed {}

impl From<DbError> for Unclaimed {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl Db {
    /// Claims the database for the server of this process. `description` is at most 63 ASCII characters. Blocks.
    ///
    /// # Errors
    /// `Taken` while another server has it.
    pub fn claim(&self, description: &str) -> Result<Claim, Unclaimed> {
        let held = match &*self.url {
            DatabaseUrl::Sqlite(path) => ClaimLock::File(lock(path, description)?),
            DatabaseUrl::Postgres(_) => ClaimLock::Connection(Mutex::new(connect(&self.url, description)?)),
        };
        Ok(Claim { url: (*self.url).clone(), description: description.to_owned(), held })
    }
}

impl Claim {
    /// Looks whether the claim still stands, and claims again after its connection to PostgreSQL has broken. Blocks.
    ///
    /// # Errors
    /// `Taken` when another server has claimed the database meanwhile.
    pub fn renew(&self) -> Result<(), Unclaimed> {
        let ClaimLock::Connection(connection) = &self.held else { return Ok(()) };
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.batch_execute("SELECT 1").is_err() {
            *connection = connect(&self.url, &self.description)?;
        }
        Ok(())
    }
}

/// Locks the file beside a SQLite database and writes the description into it.
fn lock(database: &Path, description: &str) -> Result<File, Unclaimed> {
    let mut name = database.as_os_str().to_owned();
    name.push("-server");
    let name = Path::new(&name);
    let failed = |error: io::Error| obstacle::of_io(database, name, &error);
    let mut file = private::lock_file(name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            let written =
                file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(description.as_bytes()));
            written.map_err(failed)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut other = String::new();
            let read = File::open(name).and_then(|file| file.take(DESCRIPTION_BYTES).read_to_string(&mut other));
            Err(Unclaimed::Taken(read.ok().filter(|_| is_printable(&other)).map(|_| other)))
        }
        Err(TryLockError::Error(error)) => Err(failed(error).into()),
    }
}

/// Whether a description can be shown in a terminal.
fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic())
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = sql_types::Bool)]
    is_ours: bool,
}

#[derive(QueryableByName)]
struct Holder {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    description: Option<String>,
}

/// Opens a connection that holds the lock of servers, under the description as its name.
fn connect(url: &DatabaseUrl, description: &str) -> Result<DbConnection, Unclaimed> {
    // A connection of its own: those of the pool are closed and opened as needed.
    let mut connection = DbConnection::open(url, Access::Write)?;
    connection.batch_execute(NOTICED).map_err(DbError::from)?;
    let name = sql_query("SELECT set_config('application_name', $1, false)").bind::<sql_types::Text, _>(description);
    name.execute(&mut connection).map_err(DbError::from)?;
    let ask = sql_query("SELECT pg_try_advisory_lock($1) AS is_ours").bind::<sql_types::BigInt, _>(SERVERS);
    if ask.get_result::<Locked>(&mut connection).map_err(DbError::from)?.is_ours {
        return Ok(connection);
    }
    let holder = sql_query(
        "SELECT application_name AS description FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND granted AND objsubid = 1
           AND (classid::bigint << 32 | objid::bigint) = $1 AND pg_locks.database = pg_stat_activity.datid",
    );
    let holder = holder.bind::<sql_types::BigInt, _>(SERVERS).load::<Holder>(&mut connection).map_err(DbError::from)?;
    let description = holder.into_iter().find_map(|holder| holder.description);
    Err(Unclaimed::Taken(description.filter(|description| is_printable(description))))
}
