//! The version of a media file: a name for its bytes. Other bytes have another version.

use sha2::{Digest as _, Sha256};
use std::{
    fs::{File, Metadata},
    io,
    ops::Range,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    time::Duration,
};

/// How many bytes of each end of a file are hashed.
///
/// Tags are stored at the ends of audio files, so an edit of tags changes the version even when it keeps size and time.
/// A scan reads at most 128 KiB of each file for it.
const END_BYTES: u64 = 64 * 1024;

/// The change time of a file that changed just before it was read, or was being written to. No file has it, so the file is
/// read again by the next scan and not sent until then.
pub const UNSETTLED: i64 = -1;
/// How long after a change of a file another one may have the same change time, if that has parts of a second: the tick of
/// the kernel (10 ms at most) and of file systems (10 ms on exFAT), with a margin.
const FINE: Duration = Duration::from_millis(50);
/// The same for times in whole seconds: file systems without parts of a second have one or two seconds (FAT).
const COARSE: Duration = Duration::from_secs(2);

/// The metadata of a file that are compared to detect a change; the same `Stat` counts as the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stat {
    /// Size in bytes.
    pub size: i64,
    /// Time of the last change of content, in nanoseconds since 1970 (UTC).
    pub mtime_ns: i64,
    /// Time of the last change of content or metadata, in nanoseconds since 1970 (UTC). No program can set it, so it also
    /// changes when the modification time is set back. 0 where it is not known, [`UNSETTLED`] where it does not count.
    pub ctime_ns: i64,
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
            ctime_ns: metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec()),
            inode: metadata.ino().cast_signed(),
        }
    }

    /// Whether size, modification time and inode are the same, whatever the change time: that of a file that was renamed or
    /// got other permissions differs as well.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        Self { ctime_ns: 0, ..self } == Self { ctime_ns: 0, ..other }
    }

    /// Whether the file with these metadata, which were recorded, is still the same one, given those that it has now.
    #[must_use]
    pub fn holds(self, now: Self) -> bool {
        self == now || (self.ctime_ns == 0 && self.is_like(now))
    }

    /// How long to wait before the file is read, so that every later change gets another change time; `None` when that is
    /// so at `now_ns` (nanoseconds since 1970) already.
    #[must_use]
    pub fn settles_in(self, now_ns: i64) -> Option<Duration> {
        let tick = if self.ctime_ns % 1_000_000_000 == 0 { COARSE } else { FINE };
        let tick_ns = i64::try_from(tick.as_nanos()).unwrap_or(i64::MAX);
        // A clock of the disk that is ahead of ours does not make the tick longer.
        let left_ns = self.ctime_ns.saturating_add(tick_ns).saturating_sub(now_ns).min(tick_ns);
        u64::try_from(left_ns).ok().filter(|left_ns| *left_ns > 0).map(Duration::from_nanos)
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

/// Whether a file that looks the same has the bytes that it had, given its change time then and now; it is not known of
/// files that were recorded before change times were.
#[must_use]
pub const fn is_untouched(then_ns: i64, now_ns: i64) -> bool {
    then_ns == 0 || (then_ns == now_ns && now_ns != UNSETTLED)
}

/// Names of a file's bytes, each 32 lower-case hex digits: 128 bits of a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// Hash of all of the `Stat` and both ends. Every write changes it, and so do a move and other permissions: whether the
    /// bytes are the same after those is seen by their SHA-256, and then the file's row keeps its version.
    pub version: String,
    /// Hash of size, modification time, inode and both ends. A move on one disk keeps it.
    pub look: String,
    /// Hash of size and both ends only. A copy to another disk keeps it.
    pub fingerprint: String,
}

/// Whether a text has the format of a version.
#[must_use]
pub fn is_version(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The ends of a file of this size that are hashed; the second one is empty for a small file.
#[must_use]
pub fn ends(size: u64) -> [Range<u64>; 2] {
    [0..size.min(END_BYTES), size.saturating_sub(END_BYTES).max(size.min(END_BYTES))..size]
}

/// The version of an object in a bucket, from its address, its entity tag, its size, and its [`ends`]. A copy under another
/// key keeps the look, one of a file on a disk the fingerprint.
#[must_use]
pub fn object_version(address: &str, etag: &str, stat: Stat, ends: &[Vec<u8>; 2]) -> Version {
    let mut content = Sha256::new();
    content.update(stat.size.to_le_bytes());
    for end in ends {
        content.update(end);
    }
    let content = content.finalize();
    let look = Sha256::new_with_prefix(content).chain_update(etag.as_bytes());
    let version = look.clone().chain_update([0]).chain_update(address.as_bytes());
    Version { version: hex(&version.finalize()), look: hex(&look.finalize()), fingerprint: hex(&content) }
}

/// Reads both ends of `file` and computes its version. `stat` must have been read from the same handle. Blocks; does
/// not move the file's position.
///
/// # Errors
/// Those of reading, and `Interrupted` when the file's `Stat` is no longer `stat`: try again when it is not written to.
pub fn version(file: &File, stat: Stat) -> io::Result<Version> {
    let mut content = Sha256::new();
    content.update(stat.size.to_le_bytes());
    for Range { start, end } in ends(stat.length()) {
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        content.update(&bytes);
    }
    if Stat::of(&file.metadata()?) != stat {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the file changed while it was read"));
    }
    let content = content.finalize();
    let mut look = Sha256::new_with_prefix(content);
    look.update(stat.mtime_ns.to_le_bytes());
    look.update(stat.inode.to_le_bytes());
    let version = look.clone().chain_update(stat.ctime_ns.to_le_bytes());
    Ok(Version { version: hex(&version.finalize()), look: hex(&look.finalize()), fingerprint: hex(&content) })
}

/// The first 16 bytes as hex digits.
fn hex(hash: &[u8]) -> String {
    let bits = hash.iter().take(16).fold(0, |bits: u128, byte| (bits << 8) | u128::from(*byte));
    format!("{bits:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path, time::SystemTime};

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
    fn a_moved_file_keeps_its_look_and_any_change_gives_another_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        let mut bytes = vec![7; 300_000];
        write(&path, &bytes, 1_000_000_001);
        let first = of(&path);

        let renamed = dir.path().join("b.flac");
        fs::rename(&path, &renamed).unwrap();
        assert_eq!(of(&renamed).look, first.look, "a rename keeps inode, time and bytes");

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
    fn a_write_whose_time_is_set_back_gives_another_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        let mut bytes = vec![7; 300_000];
        write(&path, &bytes, 1_000_000_001);
        let (first, stat) = (of(&path), Stat::of(&fs::metadata(&path).unwrap()));
        // In the middle, which is not hashed, until the change time of the file system differs.
        loop {
            bytes[150_000] ^= 1;
            write(&path, &bytes, 1_000_000_001);
            if Stat::of(&fs::metadata(&path).unwrap()).ctime_ns != stat.ctime_ns {
                break;
            }
        }
        let (now, again) = (Stat::of(&fs::metadata(&path).unwrap()), of(&path));
        assert!(stat.is_like(now) && stat != now && !stat.holds(now));
        assert_eq!((&again.look, &again.fingerprint), (&first.look, &first.fingerprint));
        assert_ne!(again.version, first.version);
        assert!(Stat { ctime_ns: 0, ..stat }.holds(now), "recorded before change times were");
        assert!(!Stat { ctime_ns: UNSETTLED, ..now }.holds(now));
    }

    #[test]
    fn a_file_settles_when_later_changes_have_another_time() {
        let second = 1_000_000_000;
        let left = |ctime_ns, now_ns| {
            let stat = Stat { size: 1, mtime_ns: 0, ctime_ns, inode: 1 };
            stat.settles_in(now_ns).map_or(0, |left| left.as_millis())
        };
        // Parts of a second.
        assert_eq!(left(100 * second + 1, 100 * second + 1), 50);
        assert_eq!(left(100 * second + 1, 100 * second + 49_000_001), 1);
        assert_eq!(left(100 * second + 1, 100 * second + 50_000_001), 0);
        // Whole seconds, as on FAT.
        assert_eq!(left(100 * second, 100 * second), 2_000);
        assert_eq!(left(100 * second, 101 * second), 1_000);
        assert_eq!(left(100 * second, 102 * second), 0);
        assert_eq!(left(100 * second + 1, 99 * second), 50, "the disk's clock is ahead");
        assert_eq!(left(0, 100 * second), 0, "a file system without change times");
    }

    #[test]
    fn an_object_has_the_fingerprint_of_the_file_and_a_version_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        for size in [0, 10, 65_536, 100_000, 300_000] {
            let bytes: Vec<u8> = (0..size).map(|at: u32| u8::try_from(at % 251).unwrap()).collect();
            write(&path, &bytes, 0);
            let stat = Stat { size: i64::from(size), mtime_ns: 7, ctime_ns: 0, inode: 0 };
            let part = |range: Range<u64>| {
                bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
            };
            let object = |address, etag| object_version(address, etag, stat, &ends(stat.length()).map(part));
            let one = object("s3://box/a", "x");
            assert_eq!(one.fingerprint, of(&path).fingerprint, "{size}");
            assert_eq!(
                one,
                object_version("s3://box/a", "x", Stat { mtime_ns: 8, ..stat }, &ends(stat.length()).map(part))
            );
            let (moved, changed) = (object("s3://box/b", "x"), object("s3://box/a", "y"));
            assert!(moved.look == one.look && moved.version != one.version);
            assert!(changed.look != one.look && changed.version != one.version);
        }
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
