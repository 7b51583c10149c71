//! The bytes of an object in a bucket as a body. The first piece is read before the answer begins, so that an error of the
//! service is one of the answer; a later one breaks the body off.

use crate::{
    db::media::{BucketObject, Media},
    error::{ApiError, Kind},
    media::{file::CHUNK_BYTES, multipart::BodyPiece, range::ByteRange},
    storage::{Storage, StorageError, StorageFailure},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::{collections::VecDeque, io};

/// How many bytes a request to the service reads: what a slow client holds in memory.
const PIECE_BYTES: u64 = 256 * 1024;
/// After how many seconds to ask again while the service does not answer.
const RETRY_AFTER_S: u64 = 5;

/// What is left of a body.
struct ObjectBody {
    storage: Storage,
    object: BucketObject,
    length: u64,
    pieces: VecDeque<BodyPiece>,
    /// Bytes of the first range that were read and are not sent yet.
    read: Bytes,
}

/// A body of these segments of the object that `media` is.
///
/// # Errors
/// `unavailable` when the service gives no bytes within 10 s, `not_found` when the object is gone, `media_changed` when it is
/// another one than was scanned.
pub(super) async fn body(
    storage: &Storage,
    object: &BucketObject,
    media: &Media,
    segments: Vec<BodyPiece>,
) -> Result<impl Stream<Item = io::Result<Bytes>> + use<>, ApiError> {
    let mut body = ObjectBody {
        storage: storage.clone(),
        object: object.clone(),
        length: media.stat.length(),
        pieces: segments.into(),
        read: Bytes::new(),
    };
    // Of several ranges the first segment is text.
    let first = body.pieces.iter().find_map(|piece| match piece {
        BodyPiece::Range(range) => Some(*range),
        BodyPiece::Text(_) => None,
    });
    if let Some(range) = first {
        body.read = body.fetch(range).await.map_err(|error| refusal(&error))?;
    }
    Ok(stream::try_unfold(body, |mut body| async move {
        let next = body.next().await.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(next.map(|bytes| (bytes, body)))
    }))
}

impl ObjectBody {
    /// The first bytes of a range.
    async fn fetch(&self, range: ByteRange) -> Result<Bytes, StorageError> {
        let end = range.first.saturating_add(range.length().min(PIECE_BYTES));
        let etag = Some(&*self.object.etag);
        let got = self.storage.get(&self.object.url, range.first..end, etag).await?;
        if got.head.size != self.length {
            return Err(StorageError::changed(&self.object.url));
        }
        Ok(got.bytes)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        let range = match self.pieces.front_mut() {
            None => return Ok(None),
            Some(BodyPiece::Text(text)) => {
                let text = std::mem::take(text);
                self.pieces.pop_front();
                return Ok(Some(text));
            }
            Some(BodyPiece::Range(range)) => *range,
        };
        if self.read.is_empty() {
            self.read = self.fetch(range).await?;
        }
        let bytes = self.read.split_to(self.read.len().min(CHUNK_BYTES));
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self.pieces.front_mut() {
            Some(BodyPiece::Range(range)) if count < range.length() => range.first += count,
            _ => drop(self.pieces.pop_front()),
        }
        Ok(Some(bytes))
    }
}

fn refusal(error: &StorageError) -> ApiError {
    match error.kind {
        StorageFailure::Absent => ApiError::new(
            Kind::NotFound,
            "the object of this track is not where it was scanned: scan again if it was moved",
        ),
        StorageFailure::Changed => ApiError {
            retry_after_s: Some(RETRY_AFTER_S),
            ..ApiError::new(
                Kind::MediaChanged,
                "the object of this track has changed and is being scanned again; try again",
            )
        },
        _ => ApiError {
            retry_after_s: Some(RETRY_AFTER_S),
            cause: Some(error.to_string()),
            ..ApiError::new(
                Kind::Unavailable,
                "the storage with the bytes of this track does not give them: try again in some seconds",
            )
        },
    }
}
