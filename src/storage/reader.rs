//! An object as a file that is read by blocks, for readers of tags. It holds little of it.

use super::{
    client::{ObjectHead, Storage},
    error::{StorageError, StorageFailure},
};
use crate::values::object::ObjectUrl;
use bytes::Bytes;
use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// The bytes of a block that is read alone. Blocks that are read one after the other double, up to…
const BLOCK: u64 = 64 * 1024;
/// … this.
const MAX_BLOCK: u64 = 1024 * 1024;
/// How many blocks are held.
const HELD: usize = 4;

/// Reads an object by ranges. Blocks the thread.
#[derive(Debug)]
pub struct ObjectReader {
    storage: Storage,
    object: ObjectUrl,
    head: ObjectHead,
    /// The name of the file that was imported as this object, once anything was read.
    name: Option<String>,
    /// The newest last.
    held: Vec<(u64, Bytes)>,
    at: u64,
    failure: Option<StorageError>,
}

impl ObjectReader {
    /// Will read the object that has this head; another one is an error.
    #[must_use]
    pub const fn new(storage: Storage, object: ObjectUrl, head: ObjectHead) -> Self {
        Self { storage, object, head, name: None, held: Vec::new(), at: 0, failure: None }
    }

    /// Why reading failed, if it did: the object is not known to be broken then.
    #[must_use]
    pub const fn failure(&self) -> Option<&StorageError> {
        self.failure.as_ref()
    }

    /// The name of the file that was imported as this object, if its metadata say so.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// These bytes, which must lie in the object.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn read_range(&mut self, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.seek(SeekFrom::Start(range.start))?;
        let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// What is held from the current offset on; read before if nothing is.
    fn block(&mut self) -> io::Result<Bytes> {
        let at = self.at;
        let from = |(start, bytes): &(u64, Bytes)| {
            let within = usize::try_from(at.checked_sub(*start)?).ok()?;
            (within < bytes.len()).then(|| bytes.slice(within..))
        };
        if let Some(found) = self.held.iter().rev().find_map(from) {
            return Ok(found);
        }
        // Who reads on where the last block ended is likely to go on.
        let end_of = |(start, bytes): &(u64, Bytes)| start.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        let grown = self.held.last().filter(|last| end_of(last) == at);
        let wanted = grown.map_or(BLOCK, |(_, bytes)| {
            u64::try_from(bytes.len()).unwrap_or(0).saturating_mul(2).clamp(BLOCK, MAX_BLOCK)
        });
        let range = at..at.saturating_add(wanted).min(self.head.size);
        let etag = Some(self.head.etag.as_str()).filter(|tag| !tag.is_empty());
        let got = self.storage.get_blocking(&self.object, range, etag).and_then(|piece| {
            if piece.head.size == self.head.size {
                return Ok(piece);
            }
            Err(StorageError::new(StorageFailure::Changed, &self.object, "the object has changed; scan again"))
        });
        let piece = match got {
            Ok(piece) => piece,
            Err(error) => {
                let text = error.to_string();
                self.failure = Some(error);
                return Err(io::Error::other(text));
            }
        };
        self.name = self.name.take().or(piece.name);
        if self.held.len() >= HELD {
            // The first block has the tags of most formats, and is asked for again.
            self.held.remove(1);
        }
        self.held.push((at, piece.bytes.clone()));
        Ok(piece.bytes)
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.at >= self.head.size {
            return Ok(0);
        }
        let block = self.block()?;
        let count = block.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(&block) {
            *to = *from;
        }
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.head.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a seek to before the start"))?;
        Ok(self.at)
    }
}
