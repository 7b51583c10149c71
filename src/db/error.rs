//! What can go wrong with the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use std::{error::Error, fmt, path::PathBuf};

/// The database failed, or could not be reached in time.
#[derive(Debug)]
pub enum DbError {
    /// No connection could be made.
    Connect(Box<dyn Error + Send + Sync>),
    /// The SQLite file of this path cannot be opened, read or written; the text says why.
    Unusable(PathBuf, String),
    /// A command that makes no database found none; the text names the place where it looked.
    Absent(String),
    /// The handle was closed, because the process ends.
    Closed,
    /// All connections stayed busy for as long as one may wait.
    Busy,
    /// A statement failed.
    Query(DieselError),
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

impl DbError {
    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(kind, information)) => match kind {
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure => true,
                // SQLite's text for SQLITE_BUSY and SQLITE_LOCKED, PostgreSQL's for a deadlock, a time limit and a shut-down.
                _ => [
                    "is locked",
                    "deadlock detected",
                    "canceling statement",
                    "server closed the connection",
                    "terminating connection",
                ]
                .iter()
                .any(|text| information.message().contains(text)),
            },
            Self::Connect(_) | Self::Busy | Self::Closed | Self::Query(DieselError::BrokenTransactionManager) => true,
            Self::Query(_)
            | Self::Unusable(..)
            | Self::Absent(_)
            | Self::Migrate(_)
            | Self::Newer(_)
            | Self::Corrupt(_)
            | Self::Panicked
            | Self::Abandoned => false,
        }
    }

    /// Whether there was no room to write: SQLite's text for `SQLITE_FULL`, PostgreSQL's for "disk full".
    #[must_use]
    pub fn is_full(&self) -> bool {
        let Self::Query(DieselError::DatabaseError(_, information)) = self else { return false };
        ["disk is full", "No space left on device"].iter().any(|text| information.message().contains(text))
    }

    /// Whether a row was refused because another with its unique value is there.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "the database cannot be reached: {error}"),
            Self::Unusable(path, reason) => write!(f, "the database {} cannot be used: {reason}", path.display()),
            Self::Absent(place) => write!(
                f,
                "there is no database of segue at {place}: name the right one with --data-dir or --database-url; \
                 a server makes a new one when it starts"
            ),
            Self::Closed => f.write_str("the database is closed, for this process ends"),
            Self::Busy => f.write_str("all database connections are busy"),
            Self::Query(error) => write!(f, "the database refused a statement: {error}"),
            Self::Migrate(error) => write!(f, "the database's tables cannot be brought up to date: {error}"),
            Self::Newer(version) => {
                write!(f, "the database was made by a newer version of segue (migration {version}): start that version")
            }
            Self::Corrupt(what) => write!(f, "the database holds something unreadable: {what}"),
            Self::Panicked => f.write_str("a database function panicked"),
            Self::Abandoned => f.write_str("a transaction was given up"),
        }
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(error) | Self::Migrate(error) => Some(error.as_ref()),
            Self::Query(error) => Some(error),
            Self::Unusable(..)
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

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        Self::Query(error)
    }
}
