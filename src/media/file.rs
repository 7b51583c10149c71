//! An open media file, whose bytes are read only while they are those of the version.

use super::{digest::Digest, version::Stat};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::{Mutex, PoisonError},
};

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
    /// Whether its change time means nothing: it is a file of the server's own, which gets no other bytes.
    is_own: bool,
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
        Ok(Self { file, stat: Mutex::new(found), sha256: None, is_own: false })
    }

    /// A file that the server itself has written, and removes while it is read.
    ///
    /// # Errors
    /// Those of its metadata.
    pub fn own(file: File) -> io::Result<Self> {
        let stat = Mutex::new(Stat::of(&file.metadata()?));
        Ok(Self { file, stat, sha256: None, is_own: true })
    }

    /// The same file, whose bytes have this SHA-256. It is read on when only its change time changes and its bytes have not.
    #[must_use]
    pub fn with_sha256(self, sha256: Option<Digest>) -> Self {
        Self { sha256, ..self }
    }

    pub(super) fn stat(&self) -> Stat {
        *self.stat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a file with these metadata is unchanged.
    pub(super) fn is_same(&self, now: Stat) -> bool {
        now == self.stat() || (self.is_own && now.is_like(self.stat()))
    }

    /// Whether the bytes just read are those of the version. A write changes the times before it changes a byte, so bytes
    /// that were read before unchanged times are the old ones. Fails when they may be those of another version.
    fn check(&self) -> io::Result<Checked> {
        let (known, now) = (self.stat(), Stat::of(&self.file.metadata()?));
        match self.sha256 {
            _ if self.is_same(now) => Ok(Checked::Same),
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
    pub(super) fn read_ready(&self, at: u64, length: usize) -> Option<io::Result<Vec<u8>>> {
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
    pub(super) fn read_ready(&self, _at: u64, _length: usize) -> Option<io::Result<Vec<u8>>> {
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

    /// Reads `length` bytes from `at` on. Blocks.
    pub(super) fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::{
        fs,
        sync::mpsc,
        time::{Duration, SystemTime},
    };

    pub(in crate::media) struct Fixture {
        pub(in crate::media) dir: tempfile::TempDir,
        pub(in crate::media) bytes: Vec<u8>,
    }

    impl Fixture {
        pub(in crate::media) fn new(size: u32) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let bytes: Vec<u8> = (0..size).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
            fs::write(dir.path().join("a"), &bytes).unwrap();
            // A time in the past, so that any write gives another one.
            let file = File::options().write(true).open(dir.path().join("a")).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
            Self { dir, bytes }
        }

        pub(in crate::media) fn path(&self) -> std::path::PathBuf {
            self.dir.path().join("a")
        }

        pub(in crate::media) fn open(&self) -> MediaFile {
            let stat = Stat::of(&fs::metadata(self.path()).unwrap());
            MediaFile::open(&self.path(), stat).unwrap()
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
