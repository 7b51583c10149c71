//! The format of a backup: lines of JSON, compressed by gzip (RFC 1952), so that `zcat FILE | less` shows it.
//!
//! The first line is [`Head`]; then, for each table, a line of its name, columns and number of rows, and that many
//! lines of one array each; the last line is [`End`], with the SHA-256 of all lines before it.

use crate::{db::DbError, media::digest::Digest, time};
use segue_client::protocol::ids::Micros;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, io, path::PathBuf};

/// The value of `format` in the first line.
pub(super) const FORMAT: &str = "segue-backup";
/// The version of the format. A change that older versions of segue cannot read increases it.
pub(super) const VERSION: u32 = 1;
/// The greatest length of a line in bytes. The longest lines are queues of 10,000 items, which are much shorter.
pub(super) const LINE_BYTES: usize = 64 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub(super) format: String,
    pub(super) version: u32,
    /// The version of segue that wrote it.
    pub segue: String,
    /// When it was written, RFC 3339, UTC.
    pub created: String,
    /// The migrations that had been applied to its database.
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
    /// The number of lines before this one.
    lines: u64,
    /// SHA-256 of those lines with their line ends, hexadecimal.
    sha256: String,
}

/// Counts and hashes lines, for the last line.
#[derive(Default)]
pub(super) struct Tally {
    lines: u64,
    hash: Sha256,
}

impl Tally {
    /// Counts and hashes a line, given without its line end.
    pub(super) fn count(&mut self, line: &str) {
        self.lines = self.lines.saturating_add(1);
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
    }

    /// The number of lines counted.
    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    /// The last line of a file that consists of the lines counted so far.
    pub(super) fn end(&self) -> End {
        let digest = Digest(self.hash.clone().finalize().into());
        End { lines: self.lines, sha256: digest.to_string() }
    }
}

/// Why a backup could not be written or read.
#[derive(Debug)]
pub enum Problem {
    /// A file of this name exists.
    Exists(PathBuf),
    /// Another process is writing a file of this name.
    Busy(PathBuf),
    /// The file or its folder cannot be read or written.
    File(PathBuf, io::Error),
    /// The file is not a backup of segue.
    NotABackup(String),
    /// The content is not what was written: a checksum, a line or the end is wrong.
    Damaged(String),
    /// A newer version of segue wrote it.
    Newer(String),
    /// Its tables are not those that its migrations create.
    Foreign(String),
    /// An error of the database.
    Db(DbError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => {
                write!(f, "{} exists already: name another file, or use --force to overwrite it", path.display())
            }
            Self::Busy(path) => {
                write!(
                    f,
                    "another process is writing {}: wait until it has ended, or name another file",
                    path.display()
                )
            }
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
