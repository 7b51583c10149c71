//! The lock that allows one scan at a time in all processes of a database: `segue scan` beside a server, or two servers.

use crate::db::{DatabaseUrl, Db, DbConnection, DbError, connection::Access, obstacle, private};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::Bool};
use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// The number of PostgreSQL's advisory lock for scans (postgresql.org, "Advisory Locks"): "segscan" in ASCII.
const SCANS: i64 = 0x0073_6567_7363_616e;

/// The lock, held until the value is dropped or the process ends. On PostgreSQL it is also lost with its connection: when
/// the database restarts, the running scan continues without it.
pub enum ScanLock {
    /// A locked file beside that of SQLite.
    File(File),
    /// A connection that holds the lock in PostgreSQL.
    Connection(Box<DbConnection>),
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Db {
    /// Takes the lock of scans; `None` while another process has it. Blocks.
    ///
    /// # Errors
    /// `Connect` or `Unusable` when the lock cannot be asked for.
    pub fn lock_scans(&self) -> Result<Option<ScanLock>, DbError> {
        if let DatabaseUrl::Sqlite(path) = &*self.url {
            let mut name = OsString::from(path);
            name.push(".scan.lock");
            let failed = |error: &io::Error| obstacle::of_io(path, Path::new(&name), error);
            let file = private::lock_file(Path::new(&name)).map_err(|error| failed(&error))?;
            return match file.try_lock() {
                Ok(()) => Ok(Some(ScanLock::File(file))),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(failed(&error)),
            };
        }
        // A connection of its own: the pool may have only one.
        let mut connection = DbConnection::open(&self.url, Access::Write)?;
        let ask = format!("SELECT pg_try_advisory_lock({SCANS}) AS taken");
        let answer: Taken = sql_query(ask).get_result(&mut connection)?;
        Ok(answer.taken.then(|| ScanLock::Connection(Box::new(connection))))
    }
}
