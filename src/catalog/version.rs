//! The version of a media file: the name of its bytes as they are now.

use sha2::{Digest as _, Sha256};
use std::{
    fs::{File, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
};

/// How much of each end of a file is hashed.
const END_BYTES: u64 = 64 * 1024;

/// What the file system says about a file; a difference in any part means that it has to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stat {
    /// Size in bytes.
    pub size: i64,
    /// Time of the last change of content, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Number of the file within its file system; 0 where there is none.
    pub inode: i64,
}

impl Stat {
    /// Takes the parts out of `metadata`.
    #[cfg(unix)]
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            size: i64::try_from(metadata.size()).unwrap_or(i64::MAX),
            mtime_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
            inode: metadata.ino().cast_signed(),
        }
    }

    /// Takes the parts out of `metadata`.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let since_epoch = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            mtime_ns: since_epoch.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0),
            inode: 0,
        }
    }
}

/// Two names of a file's bytes, each 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// Over size, modification time, inode and both ends: survives a move on one disk; changes with every write.
    pub version: String,
    /// Over size and both ends alone: survives a copy to another disk.
    pub fingerprint: String,
}

/// Reads both ends of `file`, whose `stat` was taken from the same handle, and names its bytes. Blocks.
///
/// # Errors
/// Those of reading.
pub fn version(mut file: &File, stat: Stat) -> io::Result<Version> {
    let mut hash = Sha256::new();
    hash.update(stat.size.to_le_bytes());
    let mut end = Vec::new();
    file.rewind()?;
    file.take(END_BYTES).read_to_end(&mut end)?;
    hash.update(&end);
    let size = stat.size.cast_unsigned();
    if size > END_BYTES {
        end.clear();
        file.seek(SeekFrom::Start(size.saturating_sub(END_BYTES).max(END_BYTES)))?;
        file.take(END_BYTES).read_to_end(&mut end)?;
        hash.update(&end);
    }
    file.rewind()?;
    let content = hash.finalize();
    let mut whole = Sha256::new();
    whole.update(content);
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
    use std::io::Write as _;

    #[test]
    fn ends_time_and_inode_count() {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&vec![7; 300_000]).expect("written");
        let stat = Stat::of(&file.metadata().expect("metadata"));
        let first = version(&file, stat).expect("read");
        assert_eq!(first, version(&file, stat).expect("read again"));

        let touched = version(&file, Stat { mtime_ns: stat.mtime_ns + 1, ..stat }).expect("read");
        assert_ne!(first.version, touched.version);
        assert_eq!(first.fingerprint, touched.fingerprint);

        file.seek(SeekFrom::Start(299_999)).expect("sought");
        file.write_all(&[8]).expect("written");
        assert_ne!(first.fingerprint, version(&file, stat).expect("read").fingerprint);
    }
}
