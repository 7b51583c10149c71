//! What the bare connection needs of a file: bytes that go from the page cache to a connection without being copied.

use super::{file::MediaFile, version::Stat};
use std::{
    io,
    os::{fd::AsFd, unix::fs::FileExt as _},
};

/// How far apart bytes are looked for in the page cache: half of what Linux reads ahead by default.
const READ_AHEAD_BYTES: usize = 64 * 1024;

impl MediaFile {
    /// Whether the file has not changed since it was opened. A change of its names or permissions alone counts as one.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.file.metadata().is_ok_and(|now| self.is_same(Stat::of(&now)))
    }

    /// Whether `length` bytes from `at` on seem to be in the page cache: some of them are looked for, as far apart as the
    /// kernel reads ahead at most.
    #[must_use]
    pub fn is_in_memory(&self, at: u64, length: u64) -> bool {
        let is_there = |at| {
            let mut byte = [0];
            let mut buffers = [io::IoSliceMut::new(&mut byte)];
            rustix::io::preadv2(&self.file, &mut buffers, at, rustix::io::ReadWriteFlags::NOWAIT).is_ok()
        };
        let last = at.saturating_add(length.saturating_sub(1));
        (at..last).step_by(READ_AHEAD_BYTES).chain([last]).all(is_there)
    }

    /// Hands at most `length` bytes from `at` on to a connection, without copying them; returns how many. Blocks unless they
    /// are in the page cache.
    ///
    /// # Errors
    /// Those of `sendfile(2)`; `WouldBlock` when the connection takes nothing now.
    pub fn send_to(&self, connection: impl AsFd, at: u64, length: u64) -> io::Result<u64> {
        let (mut at, length) = (at, usize::try_from(length).unwrap_or(usize::MAX));
        let sent = rustix::fs::sendfile(connection, &self.file, Some(&mut at), length)?;
        Ok(u64::try_from(sent).unwrap_or(u64::MAX))
    }

    /// Reads `length` bytes from `at` on, without a look at whether the file has changed. Blocks unless they are in the page
    /// cache.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read_now(&self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}
