//! Where the bytes of a media file are: in a file of a music folder, or in blocks of an object.

use super::{
    blocks::{BlockReader, FetchError},
    file::MediaFile,
    part::{MediaPart, PartBytes},
    threads::FolderThreads,
};
use segue_actors::count::{self, MediaSource};
use std::sync::Arc;

/// The bytes of a media file. A clone shares what is open.
#[derive(Debug, Clone)]
pub enum MediaBytes {
    /// A file, read on these threads unless it is in the page cache.
    File(Arc<MediaFile>, FolderThreads),
    /// Blocks of an object, from the cache or the storage.
    Blocks(BlockReader),
}

impl MediaBytes {
    /// The part with the byte at `at`, which lies in the media file. Awaits the storage where the cache does not have it.
    ///
    /// # Errors
    /// See [`FetchError`]; a file has none.
    pub async fn part(&mut self, at: u64) -> Result<MediaPart, FetchError> {
        match self {
            Self::File(file, _) => Ok(MediaPart { held: PartBytes::File(Arc::clone(file)), first: 0, end: u64::MAX }),
            Self::Blocks(reader) => reader.part(at).await,
        }
    }

    /// The threads on which its files are read.
    #[must_use]
    pub fn threads(&self) -> &FolderThreads {
        match self {
            Self::File(_, threads) => threads,
            Self::Blocks(reader) => reader.threads(),
        }
    }

    /// Counts bytes of a part that were handed on.
    pub fn count(&self, part: &MediaPart, bytes: u64) {
        let source = match (self, &part.held) {
            (Self::File(..), _) => MediaSource::Folder,
            (Self::Blocks(_), PartBytes::File(_)) => MediaSource::Cache,
            (Self::Blocks(_), PartBytes::Memory(_)) => MediaSource::Storage,
        };
        count::media_bytes(source, bytes);
    }
}
