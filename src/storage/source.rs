//! An object as the source of the blocks that are kept of it.

use super::{
    client::Storage,
    error::{StorageError, StorageFailure},
};
use crate::{
    media::blocks::{BlockSource, FetchError, FetchFailure},
    values::object::ObjectUrl,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::ops::Range;

/// An object as it was scanned.
#[derive(Debug)]
pub struct StoredObject {
    storage: Storage,
    url: ObjectUrl,
    etag: String,
    length: u64,
}

impl StoredObject {
    /// The object at `url` with this entity tag (without quotes, empty if there is none) and this length in bytes.
    #[must_use]
    pub const fn new(storage: Storage, url: ObjectUrl, etag: String, length: u64) -> Self {
        Self { storage, url, etag, length }
    }
}

impl BlockSource for StoredObject {
    fn fetch(&self, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, FetchError>> {
        let (storage, url, etag, length) = (self.storage.clone(), self.url.clone(), self.etag.clone(), self.length);
        Box::pin(async move {
            let got = storage.get(&url, range, Some(&etag)).await?;
            if got.head.size != length {
                return Err(StorageError::changed(&url).into());
            }
            Ok(got.bytes)
        })
    }
}

impl From<StorageError> for FetchError {
    fn from(error: StorageError) -> Self {
        let failure = match error.kind {
            StorageFailure::Absent => FetchFailure::Absent,
            StorageFailure::Changed => FetchFailure::Changed,
            _ => FetchFailure::Unavailable,
        };
        Self { failure, reason: error.to_string().into() }
    }
}
