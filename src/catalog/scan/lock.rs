//! One scan at a time, over all processes that share a data folder: `segue scan` beside a running server, say.

use std::{
    fmt,
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// The right to scan; it ends with the value, or with the process however that ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

/// Why the right to scan was not to be had.
#[derive(Debug)]
pub enum NotLocked {
    /// Another process scans.
    Busy,
    /// The lock file cannot be used.
    Failed(io::Error),
}

impl fmt::Display for NotLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another process is scanning"),
            Self::Failed(error) => write!(f, "the lock of scans cannot be had: {error}"),
        }
    }
}

impl std::error::Error for NotLocked {}

impl Lock {
    /// Takes the right to scan for this data folder.
    ///
    /// # Errors
    /// See [`NotLocked`].
    pub fn take(data_dir: &Path) -> Result<Self, NotLocked> {
        std::fs::create_dir_all(data_dir).map_err(NotLocked::Failed)?;
        let file = File::create(data_dir.join("scan.lock")).map_err(NotLocked::Failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(NotLocked::Busy),
            Err(TryLockError::Error(error)) => Err(NotLocked::Failed(error)),
        }
    }
}
