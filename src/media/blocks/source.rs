//! Where blocks come from.

use super::name::BlockName;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::{fmt, ops::Range, sync::Arc};

/// Gives the bytes of one object.
pub trait BlockSource: fmt::Debug + Send + Sync {
    /// These bytes, which lie in the object: as many as were asked for, and of the object that was scanned. Fails within a
    /// bounded time.
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, FetchError>>;
}

/// An object whose blocks are cached.
#[derive(Debug)]
pub struct CachedObject {
    version: u128,
    /// Size in bytes.
    pub(super) length: u64,
    pub(super) source: Box<dyn BlockSource>,
}

impl CachedObject {
    /// The object with the bytes of this version, which has 32 hexadecimal digits; `None` for another text.
    pub fn new(version: &str, length: u64, source: impl BlockSource + 'static) -> Option<Arc<Self>> {
        let version = u128::from_str_radix(version, 16).ok()?;
        Some(Arc::new(Self { version, length, source: Box::new(source) }))
    }

    /// The block with the byte at `at`.
    pub(super) fn block(&self, at: u64) -> BlockName {
        BlockName::at(self.version, at)
    }
}

/// Why bytes of an object cannot be had, by what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchFailure {
    /// There is no such object.
    Absent,
    /// It is another object than was scanned.
    Changed,
    /// The storage does not give it now.
    Unavailable,
}

/// An error of the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// Its kind.
    pub failure: FetchFailure,
    /// What was wrong, for logs: it may name the storage.
    pub reason: Arc<str>,
}

impl FetchError {
    /// The storage does not give the bytes now.
    pub(super) fn unavailable(reason: impl fmt::Display) -> Self {
        Self { failure: FetchFailure::Unavailable, reason: reason.to_string().into() }
    }

    /// Whether it may pass by itself.
    pub(super) fn is_transient(&self) -> bool {
        self.failure == FetchFailure::Unavailable
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for FetchError {}
