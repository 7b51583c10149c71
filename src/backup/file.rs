//! The format of a backup: lines of JSON, compressed by gzip (RFC 1952), so that `zcat FILE | less` shows it.
//!
//! The first line is [`Head`]; then, for each table, a line of its name, columns and number of rows, and that many lines of
//! one array each; the last line is [`End`], with the SHA-256 of all lines before it.

use crate::{db::DbError, media::digest::Digest, time};
use segue_actors::ids::Micros;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, io, path::PathBuf};

/// What the first line calls the format.
pub(super) const FORMAT: &str = "segue-backup";
/// The version of the format; a change that older programs cannot read raises it.
pub(super) const VERSION: u32 = 1;
/// The longest line, in bytes: a queue of 10,000 items is well below.
pub(super) const LINE_BYTES: usize = 64 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub(super) format: String,
    pub(super) version: u32,
    /// The version of segue that wrote it.
    pub segue: String,
    /// When, RFC 3339, UTC.
    pub created: String,
    /// The migrations its database had been through.
    pub migrations: Vec<String>,
}

impl Head {
    pub(super) fn new(now: Micros, migrations: Vec<String>) -> Self {
        let segue = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT.to_owned(), version: VERSION, segue, created: time::rfc3339(now), migrations }
    }
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Lines before this one.
    lines: u64,
    /// SHA-256 of them with their line ends, hexadecimal.
    sha256: String,
}

/// What the last line must say, kept while lines go by.
#[derive(Default)]
pub(super) struct Tally {
    lines: u64,
    hash: Sha256,
}

impl Tally {
    /// Counts a line without its end.
    pub(super) fn count(&mut self, line: &str) {
        self.lines = self.lines.saturating_add(1);
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
    }

    /// How many lines went by.
    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    /// The last line after those.
    pub(super) fn end(&self) -> End {
        let digest = Digest(self.hash.clone().finalize().into());
        End { lines: self.lines, sha256: digest.to_string() }
    }
}

/// Why a backup could not be written or read.
#[derive(Debug)]
pub enum Problem {
    /// There is a file of this name.
    Exists(PathBuf),
    /// Another process writes a backup of this name.
    Busy(PathBuf),
    /// The file or its folder cannot be used.
    File(PathBuf, io::Error),
    /// It is no backup.
    NotABackup(String),
    /// It is not as it was written.
    Damaged(String),
    /// A newer version of segue wrote it.
    Newer(String),
    /// Its tables are not those that its migrations make.
    Foreign(String),
    /// The database's.
    Db(DbError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => {
                write!(f, "{} is there already: name another file, or say --force to overwrite it", path.display())
            }
            Self::Busy(path) => write!(f, "another process writes {} now", path.display()),
            Self::File(path, error) => write!(f, "{} cannot be used: {error}", path.display()),
            Self::NotABackup(why) => write!(f, "this is not a backup of segue: {why}"),
            Self::Damaged(what) => write!(f, "the backup is damaged: {what}; use another one"),
            Self::Newer(by) => {
                write!(f, "the backup was made by a newer version of segue ({by}): restore it with that one")
            }
            Self::Foreign(what) => write!(f, "the backup does not fit this version of segue: {what}"),
            Self::Db(DbError::Newer(migration)) => {
                write!(
                    f,
                    "the backup was made by a newer version of segue (migration {migration}): restore it with that one"
                )
            }
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, error) => Some(error),
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
