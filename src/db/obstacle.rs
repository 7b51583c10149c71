//! Why a SQLite file cannot be used, in words: which path it is about and what to do. Asked only after something failed.

use super::{DatabaseUrl, DbError};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    process,
};

/// The first bytes of every SQLite database (sqlite.org/fileformat.html, "The Database Header").
const HEADER: &[u8; 16] = b"SQLite format 3\0";
/// As much as SQLite writes beside a database when it opens it: a part of the index of its log.
const PROBE_BYTES: usize = 32 << 10;

/// The error of a failed operation on `path`, which is the database `database` or something beside it.
pub(super) fn of_io(database: &Path, path: &Path, error: &io::Error) -> DbError {
    DbError::Unusable(database.to_owned(), reason(path, error))
}

/// The error of a database that could not be used: what may pass stays as it is, and a full disk keeps its kind.
pub(super) fn of_db(database: &Path, error: DbError) -> DbError {
    if error.is_transient() || error.is_full() {
        return error.at(&DatabaseUrl::Sqlite(database.to_owned()));
    }
    of_sqlite(database, &error)
}

/// The error of a database that SQLite could not open or make ready; `error` is what SQLite said.
pub(super) fn of_sqlite(database: &Path, error: &dyn std::fmt::Display) -> DbError {
    let reason = found(database).unwrap_or_else(|| error.to_string());
    DbError::Unusable(database.to_owned(), reason)
}

/// What stands in the way of reading and writing this file, if it can be seen from outside.
fn found(database: &Path) -> Option<String> {
    if database.is_dir() {
        return Some("it is a folder: name a file in it".to_owned());
    }
    if !database.exists() {
        return None;
    }
    if let Err(error) = OpenOptions::new().read(true).write(true).open(database) {
        return Some(reason(database, &error));
    }
    let mut header = [0; HEADER.len()];
    let is_empty = fs::metadata(database).is_ok_and(|metadata| metadata.len() == 0);
    let read = File::open(database).and_then(|mut file| file.read_exact(&mut header));
    if !is_empty && (read.is_err() || header != *HEADER) {
        return Some("it is not a SQLite database: name another file, or move this one away".to_owned());
    }
    found_beside(database)
}

/// What stands in the way of the files that SQLite writes beside its database, even to read it (sqlite.org/wal.html,
/// "Read-Only Databases"). It is found by writing one.
fn found_beside(database: &Path) -> Option<String> {
    let mut name = database.to_owned().into_os_string();
    name.push(format!("-probe-{}", process::id()));
    let probe = Path::new(&name);
    let made = File::create_new(probe).map(|mut file| {
        let written = file.write_all(&vec![0; PROBE_BYTES]);
        // What cannot be removed was removed by somebody else.
        drop(fs::remove_file(probe));
        written
    });
    let error = made.and_then(|written| written).err()?;
    match error.kind() {
        io::ErrorKind::AlreadyExists => None,
        io::ErrorKind::PermissionDenied => Some(reason(database.parent()?, &error)),
        _ => Some(reason(database, &error)),
    }
}

/// What is in the way of using this path.
pub(super) fn reason(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{} ({error})", unwritable(path))
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("{shown} is on a disk that is mounted read-only"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("there is no room for {shown} ({error})"),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            format!("{shown} cannot be made, for a part of that path is a file ({error})")
        }
        io::ErrorKind::IsADirectory => format!("{shown} is a folder"),
        _ => format!("{shown}: {error}"),
    }
}

/// The path itself or the nearest folder above it that can be seen, with its owner and mode, and who this process is.
fn unwritable(path: &Path) -> String {
    let Some((place, metadata)) = path.ancestors().find_map(|place| Some((place, fs::metadata(place).ok()?))) else {
        return format!("{} cannot be written", path.display());
    };
    let what = if metadata.is_dir() { "folder" } else { "file" };
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    // Linux only (proc(5)); elsewhere the owner must do.
    let this = fs::metadata("/proc/self").map(|this| format!(" by user {}", this.uid())).unwrap_or_default();
    format!("the {what} {} of user {owner} (mode {mode:o}) cannot be written{this}", place.display())
}
