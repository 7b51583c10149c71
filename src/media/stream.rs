//! The bytes of a media file as a stream of chunks: bounded memory, no blocking on the event loop.

use super::{
    blocks::FetchError,
    bytes::MediaBytes,
    digest::Digest,
    multipart::BodyPiece,
    part::{MediaPart, PartBytes},
    range::ByteRange,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use sha2::{Digest as _, Sha256};
use std::{collections::VecDeque, io, sync::Arc};

/// The most bytes read at once.
///
/// A slow client costs the memory of one chunk, in the buffer of its connection. That buffer doubles when a chunk does
/// not fit after the unsent rest of the one before, so two chunks and that rest must stay below 64 KiB. Larger chunks
/// gain nothing for files in the page cache and about 20 % for others (figures in README.md).
pub const CHUNK_BYTES: usize = 24 * 1024;

/// Called with the SHA-256 of a file after its last byte was read.
pub type DigestSink = Box<dyn FnOnce(Digest) + Send>;

struct Hashing {
    hash: Sha256,
    sink: DigestSink,
}

/// A body that is read chunk by chunk. A chunk is read when it is asked for, not ahead.
///
/// Bytes in the page cache are read on the event loop (`RWF_NOWAIT`), which costs less than a change of threads. Other
/// bytes, and all bytes of a hashed body, are read on a thread of the file's folder. After an error the body is incomplete:
/// the connection must be aborted.
pub struct MediaBody {
    bytes: MediaBytes,
    segments: VecDeque<BodyPiece>,
    hashing: Option<Hashing>,
    /// The part that was read last.
    part: Option<MediaPart>,
}

impl MediaBody {
    /// A body of these segments.
    #[must_use]
    pub fn new(bytes: MediaBytes, segments: Vec<BodyPiece>) -> Self {
        Self { bytes, segments: segments.into(), hashing: None, part: None }
    }

    /// A body of all `length` bytes; `sink` is called with their SHA-256 after the last one was read.
    #[must_use]
    pub fn hashed(bytes: MediaBytes, length: u64, sink: DigestSink) -> Self {
        let whole = length.checked_sub(1).map(|last| BodyPiece::Range(ByteRange { first: 0, last }));
        let hashing = Some(Hashing { hash: Sha256::new(), sink });
        Self { hashing, ..Self::new(bytes, whole.into_iter().collect()) }
    }

    /// Finds the part with the first byte, so that an error of the storage is known before the answer begins.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn begin(&mut self) -> Result<(), FetchError> {
        // Of several ranges the first segment is text.
        let first = self.segments.iter().find_map(|segment| match segment {
            BodyPiece::Range(range) => Some(range.first),
            BodyPiece::Text(_) => None,
        });
        if let Some(first) = first {
            self.part = Some(self.bytes.part(first).await?);
        }
        Ok(())
    }

    /// The number of bytes that have not been read yet.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.segments.iter().map(BodyPiece::length).sum()
    }

    /// The body as a stream.
    pub fn stream(self) -> impl Stream<Item = io::Result<Bytes>> {
        stream::try_unfold(self, |mut body| async move { Ok(body.next().await?.map(|chunk| (chunk, body))) })
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// Those of reading, and one when the file has changed.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let range = match self.segments.front_mut() {
            None => {
                if let Some(Hashing { hash, sink }) = self.hashing.take() {
                    sink(Digest(hash.finalize().into()));
                }
                return Ok(None);
            }
            Some(BodyPiece::Text(text)) => {
                let text = std::mem::take(text);
                self.segments.pop_front();
                return Ok(Some(text));
            }
            Some(BodyPiece::Range(range)) => *range,
        };
        let part = match self.part.take().filter(|part| part.has(range.first)) {
            Some(part) => part,
            None => self.bytes.part(range.first).await.map_err(io::Error::other)?,
        };
        let length = range.length().min(part.end - range.first);
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let chunk = self.read(&part, range.first - part.first, length).await?;
        let count = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.bytes.count(&part, count);
        self.part = Some(part);
        match self.segments.front_mut() {
            Some(BodyPiece::Range(range)) if count < range.length() => range.first += count,
            _ => drop(self.segments.pop_front()),
        }
        Ok(Some(chunk))
    }

    /// Reads at least one and at most `length` bytes from offset `at` of a part.
    async fn read(&mut self, part: &MediaPart, at: u64, length: usize) -> io::Result<Bytes> {
        let file = match &part.held {
            PartBytes::File(file) => file,
            PartBytes::Memory(bytes) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                return Ok(bytes.slice(at..at.saturating_add(length).min(bytes.len())));
            }
        };
        if self.hashing.is_none()
            && let Some(read) = file.read_ready(at, length)
        {
            return read.map(Bytes::from);
        }
        let (file, mut hashing) = (Arc::clone(file), self.hashing.take());
        let read = move || {
            let chunk = file.read(at, length)?;
            if let Some(hashing) = &mut hashing {
                hashing.hash.update(&chunk);
            }
            Ok((chunk, hashing))
        };
        let (chunk, hashing) = self.bytes.threads().run(read).await?;
        self.hashing = hashing;
        Ok(Bytes::from(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{
        file::{MediaFile, tests::Fixture},
        threads::FileThreads,
        version::Stat,
    };
    use std::{
        fs::{self, File},
        io::Write as _,
        os::unix::fs::FileExt as _,
        path::Path,
        sync::mpsc,
        time::{Duration, SystemTime},
    };

    fn bytes(file: MediaFile) -> MediaBytes {
        MediaBytes::File(Arc::new(file), FileThreads::new(&[]).of(Path::new("/a")).clone())
    }

    fn range(first: u64, last: u64) -> BodyPiece {
        BodyPiece::Range(ByteRange { first, last })
    }

    async fn collect(mut stream: MediaBody) -> io::Result<Vec<u8>> {
        let mut all = vec![];
        while let Some(chunk) = stream.next().await? {
            assert!(chunk.len() <= CHUNK_BYTES);
            all.extend_from_slice(&chunk);
        }
        assert_eq!(stream.remaining(), 0);
        Ok(all)
    }

    #[tokio::test]
    async fn segments_are_sent_in_order_and_completely() {
        let fixture = Fixture::new(200_000);
        let pieces = vec![range(150_000, 199_999), BodyPiece::Text("--".into()), range(0, 0), range(5, 80_000)];
        let stream = MediaBody::new(bytes(fixture.open()), pieces);
        assert_eq!(stream.remaining(), 50_000 + 2 + 1 + 79_996);
        let all = &fixture.bytes;
        let expected = [&all[150_000..], b"--", &all[..1], &all[5..=80_000]].concat();
        assert!(collect(stream).await.unwrap() == expected);
    }

    #[tokio::test]
    async fn a_hashed_stream_has_the_bytes_and_the_digest_of_the_file() {
        for size in [0, 1, 28_672, 28_673, 200_000] {
            let fixture = Fixture::new(size);
            let (sender, receiver) = mpsc::channel();
            let stream = MediaBody::hashed(
                bytes(fixture.open()),
                size.into(),
                Box::new(move |digest| sender.send(digest).unwrap()),
            );
            assert!(collect(stream).await.unwrap() == fixture.bytes);
            assert_eq!(receiver.recv().unwrap(), Digest(Sha256::digest(&fixture.bytes).into()));
        }
    }

    #[tokio::test]
    async fn a_dropped_stream_has_no_digest() {
        let fixture = Fixture::new(200_000);
        let (sender, receiver) = mpsc::channel();
        let mut stream =
            MediaBody::hashed(bytes(fixture.open()), 200_000, Box::new(move |digest| sender.send(digest).unwrap()));
        stream.next().await.unwrap().unwrap();
        drop(stream);
        assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[tokio::test]
    async fn a_change_of_the_file_ends_the_stream_with_an_error() {
        type Change = fn(&Fixture);
        let changes: [(&str, Change); 3] = [
            ("truncated", |fixture| {
                File::options().write(true).open(fixture.path()).unwrap().set_len(100_000).unwrap();
            }),
            ("overwritten", |fixture| {
                File::options().write(true).open(fixture.path()).unwrap().write_all(b"other").unwrap();
            }),
            ("longer", |fixture| {
                File::options().append(true).open(fixture.path()).unwrap().write_all(b"more").unwrap();
            }),
        ];
        for (name, change) in changes {
            for is_hashed in [false, true] {
                let fixture = Fixture::new(200_000);
                let mut stream = if is_hashed {
                    MediaBody::hashed(
                        bytes(fixture.open()),
                        200_000,
                        Box::new(|_| panic!("no digest of a changed file")),
                    )
                } else {
                    MediaBody::new(bytes(fixture.open()), vec![range(0, 199_999)])
                };
                stream.next().await.unwrap().unwrap();
                change(&fixture);
                let error = stream.next().await.expect_err(name);
                assert!(stream.remaining() > 0, "{name}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_was_replaced_by_rename_is_read_to_its_end_if_its_sha256_is_known() {
        for is_known in [true, false] {
            let fixture = Fixture::new(200_000);
            let sha256 = is_known.then(|| Digest(Sha256::digest(&fixture.bytes).into()));
            let mut stream = MediaBody::new(bytes(fixture.open().with_sha256(sha256)), vec![range(0, 199_999)]);
            let first = stream.next().await.unwrap().unwrap();
            fs::write(fixture.dir.path().join("b"), vec![0; 200_000]).unwrap();
            fs::rename(fixture.dir.path().join("b"), fixture.path()).unwrap();
            let rest = collect(stream).await;
            assert_eq!(rest.is_ok(), is_known);
            if let Ok(rest) = rest {
                assert!([&first[..], &rest].concat() == fixture.bytes);
            }
        }
    }

    #[tokio::test]
    async fn a_write_whose_time_is_set_back_ends_the_stream_whatever_is_known() {
        for is_known in [true, false] {
            let fixture = Fixture::new(200_000);
            let sha256 = is_known.then(|| Digest(Sha256::digest(&fixture.bytes).into()));
            let before = Stat::of(&fs::metadata(fixture.path()).unwrap());
            let mut stream = MediaBody::new(bytes(fixture.open().with_sha256(sha256)), vec![range(0, 199_999)]);
            stream.next().await.unwrap().unwrap();
            let file = File::options().write(true).open(fixture.path()).unwrap();
            let after = loop {
                file.write_all_at(b"other", 100_000).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
                let after = Stat::of(&file.metadata().unwrap());
                if after != before {
                    break after;
                }
            };
            assert!(after.is_like(before), "only the change time differs");
            stream.next().await.expect_err("other bytes");
        }
    }
}
