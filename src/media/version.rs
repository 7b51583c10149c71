//! The version of a media file: a name for its bytes. Other bytes have another version.

use sha2::{Digest as _, Sha256};
use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
};

/// How many bytes of each end of a file are hashed.
///
/// Tags are stored at the ends of audio files, so an edit of tags changes the version even when it keeps size and time.
/// A scan reads at most 128 KiB of each file for it.
const END_BYTES: u64 = 64 * 1024;

/// The metadata of a file that are compared to detect a change; the same `Stat` counts as the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stat {
    /// Size in bytes.
    pub size: i64,
    /// Time of the last change of content, in nanoseconds since 1970 (UTC).
    pub mtime_ns: i64,
    /// Inode number; it differs when another file was renamed over this one.
    pub inode: i64,
}

impl Stat {
    /// The `Stat` in `metadata`.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: i64::try_from(metadata.size()).unwrap_or(i64::MAX),
            mtime_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
            inode: metadata.ino().cast_signed(),
        }
    }

    /// Time of the last change of content in whole seconds since 1970, for `Last-Modified`; 0 for times before 1970.
    #[must_use]
    pub fn modified_s(self) -> u64 {
        u64::try_from(self.mtime_ns.div_euclid(1_000_000_000)).unwrap_or(0)
    }

    /// Size in bytes, as the unsigned type that ranges use.
    #[must_use]
    pub fn length(self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }
}

/// Two names of a file's bytes, each 32 lower-case hex digits: 128 bits of a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// Hash of size, modification time, inode and both ends. A move on one disk keeps it; every write changes it.
    pub version: String,
    /// Hash of size and both ends only. A copy to another disk keeps it.
    pub fingerprint: String,
}

/// Whether a text has the format of a version.
#[must_use]
pub fn is_version(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads both ends of `file` and computes its version. `stat` must have been read from the same handle. Blocks; does
/// not move the file's position.
///
/// # Errors
/// Those of reading, and `Interrupted` when the file's `Stat` is no longer `stat`: try again when it is not written to.
pub fn version(file: &File, stat: Stat) -> io::Result<Version> {
    let size = stat.length();
    let tail_start = size.saturating_sub(END_BYTES).max(size.min(END_BYTES));
    let mut content = Sha256::new();
    content.update(stat.size.to_le_bytes());
    for (start, end) in [(0, size.min(END_BYTES)), (tail_start, size)] {
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        content.update(&bytes);
    }
    if Stat::of(&file.metadata()?) != stat {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the file changed while it was read"));
    }
    let content = content.finalize();
    let mut whole = Sha256::new_with_prefix(content);
    whole.update(stat.mtime_ns.to_le_bytes());
    whole.update(stat.inode.to_le_bytes());
    Ok(Version { version: hex(&whole.finalize()), fingerprint: hex(&content) })
}

/// The first 16 bytes as hex digits.
fn hex(hash: &[u8]) -> String {
    let bits = hash.iter().take(16).fold(0, |bits: u128, byte| (bits << 8) | u128::from(*byte));
    format!("{bits:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        path::Path,
        time::{Duration, SystemTime},
    };

    fn of(path: &Path) -> Version {
        let file = File::open(path).unwrap();
        version(&file, Stat::of(&file.metadata().unwrap())).unwrap()
    }

    fn write(path: &Path, bytes: &[u8], mtime_ns: u64) {
        fs::write(path, bytes).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(mtime_ns)).unwrap();
    }

    #[test]
    fn a_moved_file_keeps_its_version_and_any_change_gives_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        let mut bytes = vec![7; 300_000];
        write(&path, &bytes, 1_000_000_001);
        let first = of(&path);

        let renamed = dir.path().join("b.flac");
        fs::rename(&path, &renamed).unwrap();
        assert_eq!(of(&renamed), first, "a rename keeps inode, time and bytes");

        write(&path, &bytes, 1_000_000_001);
        write(&renamed, &bytes, 1_000_000_002);
        let mut seen = vec![first.version];
        for copy in [of(&path), of(&renamed)] {
            assert_eq!(copy.fingerprint, first.fingerprint, "time and inode are no content");
            seen.push(copy.version);
        }
        for index in [0, 65_535, 300_000 - 65_536, 299_999] {
            bytes[index] ^= 1;
            write(&renamed, &bytes, 1_000_000_002);
            assert_ne!(of(&renamed).fingerprint, first.fingerprint);
            seen.push(of(&renamed).version);
        }
        bytes.push(7);
        write(&renamed, &bytes, 1_000_000_002);
        seen.push(of(&renamed).version);
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "inode, time, head, tail and size all count");
        assert!(seen.iter().all(|name| is_version(name)));
        assert!(!is_version("") && !is_version(&"A".repeat(32)) && !is_version(&"a".repeat(33)));
    }

    #[test]
    fn short_files_are_hashed_entirely() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut seen = vec![];
        for size in [0, 1, 65_535, 65_536, 65_537, 131_072, 131_073] {
            let mut bytes = vec![0; size];
            write(&path, &bytes, 0);
            seen.push(of(&path).fingerprint);
            if let Some(last) = bytes.last_mut() {
                *last = 1;
                write(&path, &bytes, 0);
                seen.push(of(&path).fingerprint);
            }
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write(&path, &[1; 100], 0);
        let file = File::open(&path).unwrap();
        let stat = Stat::of(&file.metadata().unwrap());
        write(&path, &[2; 100], 1);
        assert_eq!(version(&file, stat).unwrap_err().kind(), io::ErrorKind::Interrupted);
        write(&path, &[2; 99], 0);
        assert_eq!(version(&file, stat).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
