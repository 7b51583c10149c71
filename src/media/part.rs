//! Bytes of a media file that are held in one place.

use super::file::MediaFile;
use bytes::Bytes;
use std::sync::Arc;

/// Bytes that are held in one place.
#[derive(Debug, Clone)]
pub struct MediaPart {
    /// Where they are.
    pub held: PartBytes,
    /// Where the first of them is in the media file.
    pub first: u64,
    /// Where they end in the media file.
    pub end: u64,
}

/// Where a part is held.
#[derive(Debug, Clone)]
pub enum PartBytes {
    /// In a file, from its start on.
    File(Arc<MediaFile>),
    /// In memory: the cache could not keep them.
    Memory(Bytes),
}

impl MediaPart {
    /// Whether the byte at `at` is one of these.
    #[must_use]
    pub const fn has(&self, at: u64) -> bool {
        self.first <= at && at < self.end
    }
}
