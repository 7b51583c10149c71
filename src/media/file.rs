//! Reads media files in chunks: bounded memory, no blocking on the event loop, never bytes of another version.

use super::{digest::Digest, multipart::BodyPiece, range::ByteRange, threads::FolderThreads, version::Stat};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, future::BoxFuture};
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

/// The most bytes read at once.
///
/// A slow client costs the memory of one chunk, in the buffer of its connection. That buffer doubles when a chunk does
/// not fit after the unsent rest of the one before, so two chunks and that rest must stay below 64 KiB. Larger chunks
/// gain nothing for files in the page cache and about 20 % for others (figures in README.md).
pub const CHUNK_BYTES: usize = 24 * 1024;

/// The most bytes read at once when a file is only hashed.
const DIGEST_BYTES: usize = 256 * 1024;

/// How often a chunk is read again because the file's change time changed meanwhile.
const CONFIRMATIONS: usize = 3;

/// Why a media file could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// There is no such file, or it is not a regular file.
    Missing,
    /// The file's [`Stat`] is not the expected one.
    Changed,
    /// Another error of the system.
    Failed(io::Error),
}

/// An open file that had the expected [`Stat`] when it was opened.
#[derive(Debug)]
pub struct MediaFile {
    pub(super) file: File,
    /// What the file had when it was opened, or when its bytes were last found to be the same.
    stat: Mutex<Stat>,
    /// The SHA-256 of its bytes, if it is known.
    sha256: Option<Digest>,
}

impl MediaFile {
    /// Opens the file at `path`, which must have this `stat`. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path, stat: Stat) -> Result<Self, OpenError> {
        // Without NONBLOCK, opening a FIFO that has taken the file's place waits for a writer.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(path);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => OpenError::Missing,
            _ => OpenError::Failed(error),
        })?;
        let metadata = file.metadata().map_err(OpenError::Failed)?;
        if !metadata.is_file() {
            return Err(OpenError::Missing);
        }
        let found = Stat::of(&metadata);
        if !stat.holds(found) {
            return Err(OpenError::Changed);
        }
        Ok(Self { file, stat: Mutex::new(found), sha256: None })
    }

    /// The same file, whose bytes have this SHA-256. It is read on when only its change time changes and its bytes have not.
    #[must_use]
    pub fn with_sha256(self, sha256: Option<Digest>) -> Self {
        Self { sha256, ..self }
    }

    pub(super) fn stat(&self) -> Stat {
        *self.stat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the bytes just read are those of the version. A write changes the times before it changes a byte, so bytes
    /// that were read before unchanged times are the old ones. Fails when they may be those of another version.
    fn check(&self) -> io::Result<Checked> {
        let (known, now) = (self.stat(), Stat::of(&self.file.metadata()?));
        match self.sha256 {
            _ if now == known => Ok(Checked::Same),
            // Other permissions, another name, no name any more; or a write whose time was set back.
            Some(sha256) if now.is_like(known) => Ok(Checked::Unsure(now, sha256)),
            _ => Err(changed()),
        }
    }

    /// Reads the whole file to see that its bytes are those of the version. Blocks.
    fn confirm(&self, now: Stat, sha256: Digest) -> io::Result<()> {
        let (mut hash, mut at, size) = (Sha256::new(), 0, now.length());
        let mut chunk = vec![0; DIGEST_BYTES];
        while at < size {
            let part = chunk.get_mut(..usize::try_from(size - at).unwrap_or(usize::MAX).min(DIGEST_BYTES));
            let part = part.ok_or_else(changed)?;
            self.file.read_exact_at(part, at)?;
            hash.update(&*part);
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        }
        if Digest(hash.finalize().into()) != sha256 || Stat::of(&self.file.metadata()?) != now {
            return Err(changed());
        }
        *self.stat.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    /// Reads at least one and at most `length` bytes from the page cache; `None` when none of them are in it.
    #[cfg(target_os = "linux")]
    fn read_ready(&self, at: u64, length: usize) -> Option<io::Result<Vec<u8>>> {
        let mut chunk = vec![0; length];
        let mut buffers = [io::IoSliceMut::new(&mut chunk)];
        let read = rustix::io::preadv2(&self.file, &mut buffers, at, rustix::io::ReadWriteFlags::NOWAIT).ok()?;
        if read == 0 {
            return None;
        }
        chunk.truncate(read);
        match self.check() {
            Ok(Checked::Same) => Some(Ok(chunk)),
            // That takes a thread.
            Ok(Checked::Unsure(..)) => None,
            Err(error) => Some(Err(error)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn read_ready(&self, _at: u64, _length: usize) -> Option<io::Result<Vec<u8>>> {
        None
    }

    /// The SHA-256 of the file. Calls `go_on` after each chunk with the number of bytes read so far; returns `None`
    /// when
    /// `go_on` returns false. Blocks.
    ///
    /// # Errors
    /// Those of reading, and one when the file has changed since it was opened.
    pub fn digest(&self, mut go_on: impl FnMut(u64) -> bool) -> io::Result<Option<Digest>> {
        let (mut hash, mut at, size) = (Sha256::new(), 0, self.stat().length());
        while at < size {
            let length = usize::try_from(size - at).unwrap_or(usize::MAX).min(DIGEST_BYTES);
            let chunk = self.read(at, length)?;
            hash.update(&chunk);
            at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            if !go_on(at) {
                return Ok(None);
            }
        }
        Ok(Some(Digest(hash.finalize().into())))
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut chunk = vec![0; length];
        for _ in 0..CONFIRMATIONS {
            self.file.read_exact_at(&mut chunk, at)?;
            match self.check()? {
                Checked::Same => return Ok(chunk),
                Checked::Unsure(now, sha256) => self.confirm(now, sha256)?,
            }
        }
        Err(changed())
    }
}

/// What is known of bytes that were just read.
enum Checked {
    /// They are those of the version.
    Same,
    /// They are if the whole file, which has this `Stat` now, has this SHA-256.
    Unsure(Stat, Digest),
}

fn changed() -> io::Error {
    io::Error::other("the file changed while it was sent")
}

/// Called with the SHA-256 of a file after its last byte was read.
pub type DigestSink = Box<dyn FnOnce(Digest) + Send>;

/// A chunk, and the hash that includes it.
type Read = (Vec<u8>, Option<Hashing>);

struct Hashing {
    hash: Sha256,
    sink: DigestSink,
}

/// A body as a stream of chunks. A chunk is read when it is polled for, not ahead.
///
/// Bytes in the page cache are read on the event loop (`RWF_NOWAIT`), which costs less than a change of threads. Other
/// bytes, and all bytes of a hashed stream, are read on a thread of the file's folder. After an error the body is incomplete:
/// the connection must be aborted.
pub struct MediaStream {
    file: Arc<MediaFile>,
    threads: FolderThreads,
    segments: VecDeque<BodyPiece>,
    hashing: Option<Hashing>,
    reading: Option<BoxFuture<'static, io::Result<Read>>>,
}

impl MediaStream {
    /// A stream of these segments of a file, read on these threads.
    #[must_use]
    pub fn new(file: MediaFile, threads: &FolderThreads, segments: Vec<BodyPiece>) -> Self {
        let (file, threads) = (Arc::new(file), threads.clone());
        Self { file, threads, segments: segments.into(), hashing: None, reading: None }
    }

    /// A stream of the whole file; `sink` is called with its SHA-256 after the last byte was read.
    #[must_use]
    pub fn hashed(file: MediaFile, threads: &FolderThreads, sink: DigestSink) -> Self {
        let whole = file.stat().length().checked_sub(1).map(|last| BodyPiece::Range(ByteRange { first: 0, last }));
        let hashing = Some(Hashing { hash: Sha256::new(), sink });
        Self { hashing, ..Self::new(file, threads, whole.into_iter().collect()) }
    }

    /// The number of bytes that have not been read yet.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.segments.iter().map(BodyPiece::length).sum()
    }

    /// Removes `count` bytes from the front of the first range.
    fn advance(&mut self, count: usize) {
        if let Some(BodyPiece::Range(range)) = self.segments.front_mut() {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            if count < range.length() {
                range.first += count;
            } else {
                self.segments.pop_front();
            }
        }
    }
}

impl Stream for MediaStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.reading.is_none() {
            let range = match self.segments.front() {
                None => {
                    if let Some(Hashing { hash, sink }) = self.hashing.take() {
                        sink(Digest(hash.finalize().into()));
                    }
                    return Poll::Ready(None);
                }
                Some(BodyPiece::Text(text)) => {
                    let text = text.clone();
                    self.segments.pop_front();
                    return Poll::Ready(Some(Ok(text)));
                }
                Some(BodyPiece::Range(range)) => *range,
            };
            let length = usize::try_from(range.length()).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            if self.hashing.is_none()
                && let Some(read) = self.file.read_ready(range.first, length)
            {
                return Poll::Ready(Some(read.map(|chunk| {
                    self.advance(chunk.len());
                    Bytes::from(chunk)
                })));
            }
            let (file, mut hashing) = (Arc::clone(&self.file), self.hashing.take());
            let read = move || {
                let chunk = file.read(range.first, length)?;
                if let Some(hashing) = &mut hashing {
                    hashing.hash.update(&chunk);
                }
                Ok((chunk, hashing))
            };
            let threads = self.threads.clone();
            self.reading = Some(Box::pin(async move { threads.run(read).await }));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(reading.poll_unpin(cx));
        self.reading = None;
        let (chunk, hashing) = read?;
        self.hashing = hashing;
        self.advance(chunk.len());
        Poll::Ready(Some(Ok(chunk.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::threads::FileThreads;
    use futures_util::StreamExt;
    use std::{
        fs,
        io::Write,
        sync::mpsc,
        time::{Duration, SystemTime},
    };

    struct Fixture {
        dir: tempfile::TempDir,
        bytes: Vec<u8>,
    }

    impl Fixture {
        fn new(size: u32) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let bytes: Vec<u8> = (0..size).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
            fs::write(dir.path().join("a"), &bytes).unwrap();
            // A time in the past, so that any write gives another one.
            let file = File::options().write(true).open(dir.path().join("a")).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
            Self { dir, bytes }
        }

        fn path(&self) -> std::path::PathBuf {
            self.dir.path().join("a")
        }

        fn open(&self) -> MediaFile {
            let stat = Stat::of(&fs::metadata(self.path()).unwrap());
            MediaFile::open(&self.path(), stat).unwrap()
        }
    }

    fn threads() -> FolderThreads {
        FileThreads::new(&[]).of(Path::new("/a")).clone()
    }

    fn range(first: u64, last: u64) -> BodyPiece {
        BodyPiece::Range(ByteRange { first, last })
    }

    async fn collect(mut stream: MediaStream) -> io::Result<Vec<u8>> {
        let mut all = vec![];
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
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
        let stream = MediaStream::new(fixture.open(), &threads(), pieces);
        assert_eq!(stream.remaining(), 50_000 + 2 + 1 + 79_996);
        let bytes = &fixture.bytes;
        let expected = [&bytes[150_000..], b"--", &bytes[..1], &bytes[5..=80_000]].concat();
        assert!(collect(stream).await.unwrap() == expected);
    }

    #[tokio::test]
    async fn a_hashed_stream_has_the_bytes_and_the_digest_of_the_file() {
        for size in [0, 1, 28_672, 28_673, 200_000] {
            let fixture = Fixture::new(size);
            let (sender, receiver) = mpsc::channel();
            let stream =
                MediaStream::hashed(fixture.open(), &threads(), Box::new(move |digest| sender.send(digest).unwrap()));
            assert!(collect(stream).await.unwrap() == fixture.bytes);
            assert_eq!(receiver.recv().unwrap(), Digest(Sha256::digest(&fixture.bytes).into()));
        }
    }

    #[tokio::test]
    async fn a_dropped_stream_has_no_digest() {
        let fixture = Fixture::new(200_000);
        let (sender, receiver) = mpsc::channel();
        let mut stream =
            MediaStream::hashed(fixture.open(), &threads(), Box::new(move |digest| sender.send(digest).unwrap()));
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
                    MediaStream::hashed(fixture.open(), &threads(), Box::new(|_| panic!("no digest of a changed file")))
                } else {
                    MediaStream::new(fixture.open(), &threads(), vec![range(0, 199_999)])
                };
                stream.next().await.unwrap().unwrap();
                change(&fixture);
                let error = stream.next().await.unwrap().expect_err(name);
                assert!(stream.remaining() > 0, "{name}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_was_replaced_by_rename_is_read_to_its_end_if_its_sha256_is_known() {
        for is_known in [true, false] {
            let fixture = Fixture::new(200_000);
            let sha256 = is_known.then(|| Digest(Sha256::digest(&fixture.bytes).into()));
            let mut stream = MediaStream::new(fixture.open().with_sha256(sha256), &threads(), vec![range(0, 199_999)]);
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
            let mut stream = MediaStream::new(fixture.open().with_sha256(sha256), &threads(), vec![range(0, 199_999)]);
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
            stream.next().await.unwrap().expect_err("other bytes");
        }
    }

    #[test]
    fn only_the_file_that_was_scanned_is_opened() {
        let fixture = Fixture::new(10);
        let stat = Stat::of(&fs::metadata(fixture.path()).unwrap());
        assert!(MediaFile::open(&fixture.path(), stat).is_ok());
        for other in [
            Stat { size: 11, ..stat },
            Stat { mtime_ns: stat.mtime_ns + 1, ..stat },
            Stat { ctime_ns: stat.ctime_ns + 1, ..stat },
            Stat { inode: stat.inode + 1, ..stat },
        ] {
            assert!(matches!(MediaFile::open(&fixture.path(), other), Err(OpenError::Changed)));
        }
        assert!(matches!(MediaFile::open(fixture.dir.path(), stat), Err(OpenError::Missing)));
        assert!(matches!(MediaFile::open(&fixture.path().join("x"), stat), Err(OpenError::Missing)));
        assert!(matches!(MediaFile::open(&fixture.dir.path().join("x"), stat), Err(OpenError::Missing)));
        let fifo = fixture.dir.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // Opening it for reading alone waits for a writer.
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(MediaFile::open(&fifo, stat)));
        assert!(matches!(told.recv_timeout(Duration::from_mins(1)), Ok(Err(OpenError::Missing))));
    }
}
