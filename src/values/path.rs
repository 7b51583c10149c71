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

/// The disc number in the name of a folder for one disc of an album: `CD1`, `Disc 2`, `disk-03`; `None` for other
/// names.
#[must_use]
pub fn disc_of_folder(folder: &str) -> Option<u32> {
    let lower = folder.to_lowercase();
    let rest = ["cd", "disc", "disk"].iter().find_map(|word| lower.strip_prefix(word))?;
    let digits = rest.trim_start_matches([' ', '-', '_', '.', '#']);
    let number = digits.get(..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()))?;
    let ends = digits.get(number.len()..).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    number.parse().ok().filter(|disc| ends && (1..=99).contains(disc))
}
