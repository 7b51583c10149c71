//! What can go wrong with the database.

use super::{DatabaseUrl, advice::advised};
use diesel::result::{
    DatabaseErrorKind,
    Error::{self as DieselError, DatabaseError},
};
use pq_sys::SqlState;
use std::{error::Error, fmt, path::PathBuf};

/// The database failed, or could not be reached in time.
#[derive(Debug)]
pub enum DbError {
    /// No connection could be made.
    Connect(Box<dyn Error + Send + Sync>),
    /// The SQLite file of this path cannot be opened, read or written; the text says why.
    Unusable(PathBuf, String),
    /// There is no room on the disk of the database at this place; the second text is what the database said.
    Full(String, String),
    /// A command that makes no database found none; the text names the place where it looked.
    Absent(String),
    /// The handle was closed, because the process ends.
    Closed,
    /// All connections stayed busy for as long as one may wait.
    Busy,
    /// A statement was refused.
    Query(Refused),
    /// The tables could not be brought up to date.
    Migrate(Box<dyn Error + Send + Sync>),
    /// The tables were made by a newer version, which ran this migration.
    Newer(String),
    /// A row holds what no version of segue writes; the text says which.
    Corrupt(String),
    /// The closure panicked; its transaction was rolled back.
    Panicked,
    /// The closure gave up for a reason of its own; its transaction was rolled back.
    Abandoned,
}

/// A statement that the database refused, and why by code.
#[derive(Debug)]
pub struct Refused {
    error: DieselError,
    /// PostgreSQL's code; `None` from SQLite, and when the connection broke.
    sqlstate: Option<SqlState>,
}

impl DbError {
    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Query(refused) => refused.is_transient(),
            Self::Connect(_) | Self::Busy | Self::Closed => true,
            Self::Unusable(..)
            | Self::Full(..)
            | Self::Absent(_)
            | Self::Migrate(_)
            | Self::Newer(_)
            | Self::Corrupt(_)
            | Self::Panicked
            | Self::Abandoned => false,
        }
    }

    /// Whether there was no room to write.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Query(refused) => refused.is_full(),
            // Diesel hands out only the text of what made a migration fail.
            Self::Migrate(error) => error.to_string().contains(SQLITE_FULL),
            Self::Full(..) => true,
            _ => false,
        }
    }

    /// The same error with the place of the database, where a person has to know which disk or tables it is about.
    #[must_use]
    pub(super) fn at(self, url: &DatabaseUrl) -> Self {
        match self {
            Self::Full(..) => self,
            full if full.is_full() => Self::Full(url.to_string(), full.to_string()),
            Self::Migrate(error) => Self::Migrate(format!("{url}: {}", advised(error)).into()),
            other => other,
        }
    }

    /// Whether a row was refused because another row has its unique value.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        let unique = |refused: &Refused| matches!(refused.error, DatabaseError(DatabaseErrorKind::UniqueViolation, _));
        matches!(self, Self::Query(refused) if unique(refused))
    }
}

impl Refused {
    fn is_transient(&self) -> bool {
        let kind = match &self.error {
            DatabaseError(kind, _) => kind,
            other => return matches!(other, DieselError::BrokenTransactionManager),
        };
        matches!(
            kind,
            DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure
        ) || match self.sqlstate {
            Some(code) => TRANSIENT.contains(&&code) || TRANSIENT_CLASSES.iter().any(|class| code.starts_with(class)),
            None => self.is_of_sqlite(SQLITE_TRANSIENT),
        }
    }

    fn is_full(&self) -> bool {
        match self.sqlstate {
            Some(code) => &code == DISK_FULL,
            None => self.is_of_sqlite(&[SQLITE_FULL]),
        }
    }

    /// Whether SQLite gave one of these texts, with or without more after it.
    fn is_of_sqlite(&self, texts: &[&str]) -> bool {
        let DatabaseError(DatabaseErrorKind::Unknown, information) = &self.error else { return false };
        texts.iter().any(|text| information.message().starts_with(text))
    }
}

/// Codes of PostgreSQL for what may succeed when it is tried again (postgresql.org, "PostgreSQL Error Codes"):
/// `deadlock_detected`, `query_canceled` (the time limit of a statement), `lock_not_available`.
const TRANSIENT: &[&SqlState] = &[b"40P01", b"57014", b"55P03"];
/// The same, by the class of the code: the connection broke; the server shuts down, crashed or starts.
const TRANSIENT_CLASSES: &[&[u8]] = &[b"08", b"57P"];
/// PostgreSQL's `disk_full`.
const DISK_FULL: &SqlState = b"53100";

/// Diesel hands out no code of SQLite but this text, which `sqlite3_errstr` has for `SQLITE_FULL`. SQLite is bundled and its
/// texts are in no other language.
const SQLITE_FULL: &str = "database or disk is full";
/// The texts of `SQLITE_BUSY` and, with a name after the second, `SQLITE_LOCKED`.
const SQLITE_TRANSIENT: &[&str] = &["database is locked", "database table is locked", "database schema is locked"];

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "the database cannot be reached: {error}"),
            Self::Unusable(path, reason) => write!(f, "the database {} cannot be used: {reason}", path.display()),
            Self::Full(place, said) => write!(f, "there is no room on the disk of the database {place}: {said}"),
            Self::Absent(place) => write!(
                f,
                "there is no database of segue at {place}: name the right one with --data-dir or --database-url; \
                 a server makes a new one when it starts"
            ),
            Self::Closed => f.write_str("the database is closed, for this process ends"),
            Self::Busy => f.write_str(
                "all database connections are in use: try again; if that happens often, raise database_connections",
            ),
            Self::Query(refused) => write!(f, "the database refused a statement: {refused}"),
            Self::Migrate(error) => write!(f, "the database's tables cannot be brought up to date: {error}"),
            Self::Newer(version) => {
                write!(f, "the database was made by a newer version of segue (migration {version}): start that version")
            }
            Self::Corrupt(what) => write!(f, "the database holds something unreadable: {what}"),
            Self::Panicked => f.write_str("a function panicked in its transaction, which was rolled back"),
            Self::Abandoned => f.write_str("a transaction was rolled back, because what it was for had failed"),
        }
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(error) | Self::Migrate(error) => Some(error.as_ref()),
            Self::Query(refused) => Some(&refused.error),
            Self::Unusable(..)
            | Self::Full(..)
            | Self::Absent(_)
            | Self::Closed
            | Self::Busy
            | Self::Newer(_)
            | Self::Corrupt(_)
            | Self::Panicked
            | Self::Abandoned => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        match self.sqlstate {
            Some(code) => write!(f, " (SQLSTATE {})", code.escape_ascii()),
            None => Ok(()),
        }
    }
}

/// To be called on the thread that the error occurred on, before it uses the database again: the code is read there.
impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        let sqlstate = pq_sys::take_sqlstate().filter(|_| matches!(error, DatabaseError(..)));
        Self::Query(Refused { error, sqlstate })
    }
}
