//! Paths as the database stores them: the bytes of the operating system, which need not be UTF-8.

use super::spelling::short_hash;
use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

/// The bytes of a path or of a part of one.
#[must_use]
pub fn to_bytes(path: impl AsRef<OsStr>) -> Vec<u8> {
    path.as_ref().as_bytes().to_vec()
}

/// The path of these bytes.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// The id of a folder: a hash of its path, so that it is the same in each scan.
#[must_use]
pub fn folder_id(path: &Path) -> i64 {
    short_hash(&[path.as_os_str().as_bytes()])
}

/// Whether an error says that there is nothing at a path; any other one says that it cannot be known.
#[must_use]
pub fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
