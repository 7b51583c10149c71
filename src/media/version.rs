//! The version of a media object: the name under which its bytes never change.

use sha2::{Digest, Sha256};
use std::{
    fmt,
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    str::FromStr,
};

/// How much of each end of a file goes into its version, in bytes.
///
/// Tags live at the ends of audio files, so that an edit which keeps size and time still changes the version, while a
/// scan reads at most 128 KiB of each file.
pub const EDGE_BYTES: u64 = 64 * 1024;

/// What the file system says of a file without reading it; two equal stamps are taken for the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last modification in nanoseconds since 1970 (UTC), held at the ends of what 64 bits reach.
    pub mtime_ns: i64,
    /// Inode number, which tells a file from another that was renamed over it.
    pub inode: u64,
}

impl FileStamp {
    /// Takes the stamp from a file's metadata.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let mtime_ns = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Self { size: metadata.len(), mtime_ns, inode: metadata.ino() }
    }

    /// Time of the last modification in whole seconds since 1970, for `Last-Modified`; 0 for times before 1970.
    #[must_use]
    pub fn modified_s(&self) -> u64 {
        u64::try_from(self.mtime_ns.div_euclid(1_000_000_000)).unwrap_or(0)
    }
}

/// Names one unchanging run of bytes: 128 bits, written as 32 lower-case hex digits.
///
/// The first half of a SHA-256 over a label, size, modification time, inode (each 8 bytes, big-endian) and the first
/// and last [`EDGE_BYTES`] of the file, which overlap in files shorter than twice that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u128);

/// The label keeps these hashes apart from those of other kinds of storage and of later recipes.
const LABEL: &[u8] = b"segue file version 1";

impl Version {
    /// Computes the version of an open file, with the stamp that it was computed under.
    ///
    /// Reads at most 128 KiB, by position; blocks.
    ///
    /// # Errors
    /// Those of reading the file, and `Interrupted` when the file changed meanwhile: come back when it is at rest.
    pub fn of_file(file: &File) -> io::Result<(Self, FileStamp)> {
        let stamp = FileStamp::of(&file.metadata()?);
        let edge = stamp.size.min(EDGE_BYTES);
        let mut bytes = vec![0; usize::try_from(edge).map_err(io::Error::other)?];
        let mut hash = Sha256::new_with_prefix(LABEL);
        hash.update(stamp.size.to_be_bytes());
        hash.update(stamp.mtime_ns.to_be_bytes());
        hash.update(stamp.inode.to_be_bytes());
        for start in [0, stamp.size.saturating_sub(edge)] {
            file.read_exact_at(&mut bytes, start)?;
            hash.update(&bytes);
        }
        if FileStamp::of(&file.metadata()?) != stamp {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the file changed while it was read"));
        }
        let digest: [u8; 32] = hash.finalize().into();
        let half = digest.iter().take(16).fold(0, |sum, &byte| sum << 8 | u128::from(byte));
        Ok((Self(half), stamp))
    }

    /// The strong entity tag of these bytes, quotes included (RFC 9110, 8.8.3).
    #[must_use]
    pub fn etag(self) -> String {
        format!("\"{self}\"")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

/// The text was not a version: 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadVersion;

impl fmt::Display for BadVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a media version is 32 lower-case hex digits")
    }
}

impl std::error::Error for BadVersion {}

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !canonical {
            return Err(BadVersion);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| BadVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        path::Path,
        time::{Duration, SystemTime},
    };

    fn version(path: &Path) -> Version {
        Version::of_file(&File::open(path).unwrap()).unwrap().0
    }

    fn set_mtime(path: &Path, ns: u64) {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(ns)).unwrap();
    }

    #[test]
    fn the_same_file_keeps_its_version_and_any_change_gives_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        let mut bytes = vec![7; 300_000];
        fs::write(&path, &bytes).unwrap();
        set_mtime(&path, 1_000_000_001);
        let mut seen = vec![version(&path)];
        assert_eq!(version(&path), seen[0]);

        let renamed = dir.path().join("b.flac");
        fs::rename(&path, &renamed).unwrap();
        assert_eq!(version(&renamed), seen[0], "a rename keeps inode, time and bytes");

        set_mtime(&renamed, 1_000_000_002);
        seen.push(version(&renamed));
        for index in [0, 65_535, 300_000 - 65_536, 299_999] {
            bytes[index] ^= 1;
            fs::write(&renamed, &bytes).unwrap();
            set_mtime(&renamed, 1_000_000_002);
            seen.push(version(&renamed));
        }
        fs::copy(&renamed, &path).unwrap();
        set_mtime(&path, 1_000_000_002);
        seen.push(version(&path));
        bytes.push(7);
        fs::write(&path, &bytes).unwrap();
        set_mtime(&path, 1_000_000_002);
        seen.push(version(&path));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "time, head, tail, inode and size all count");
    }

    #[test]
    fn short_and_empty_files_have_versions() {
        let dir = tempfile::tempdir().unwrap();
        for size in [0, 1, 65_535, 65_536, 65_537, 131_072] {
            let path = dir.path().join(size.to_string());
            fs::write(&path, vec![1; size]).unwrap();
            let (_, stamp) = Version::of_file(&File::open(&path).unwrap()).unwrap();
            assert_eq!(stamp.size, u64::try_from(size).unwrap());
        }
    }

    #[test]
    fn text_has_one_spelling() {
        let text = "00112233445566778899aabbccddeeff";
        let version: Version = text.parse().unwrap();
        assert_eq!(version.to_string(), text);
        assert_eq!(version.etag(), format!("\"{text}\""));
        for bad in ["", "00112233445566778899AABBCCDDEEFF", "0011223344556677", "+0112233445566778899aabbccddeeff"] {
            assert_eq!(bad.parse::<Version>(), Err(BadVersion), "{bad}");
        }
    }
}
