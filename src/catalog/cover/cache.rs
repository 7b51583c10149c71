//! The folder of scaled covers, of limited size.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

/// When the folder exceeds this size, the oldest files are removed until half of it is left.
const MAX_KEPT_BYTES: u64 = 256 * 1024 * 1024;
/// The version of the code that scales. After an increase all covers are made again.
pub(super) const MAKER: u32 = 2;

/// The folder.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    /// Bytes written since the folder's size was last counted. Starts at the limit, so that the first write counts it.
    written: AtomicU64,
}

impl Cache {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder, written: AtomicU64::new(MAX_KEPT_BYTES) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a cover in this size is, if it was made.
    pub(super) fn path(&self, id: i64, size: u32) -> PathBuf {
        self.folder.join(format!("{:016x}-{size}-{MAKER}.jpg", id.cast_unsigned()))
    }

    /// Stores a cover. Two threads must not store the same cover in the same size at once.
    pub(super) fn keep(&self, id: i64, size: u32, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(id, size);
        fs::create_dir_all(&self.folder)?;
        // Written under another name first, so that no reader gets an incomplete file.
        let aside = path.with_extension("new");
        fs::write(&aside, bytes)?;
        fs::rename(&aside, path)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.written.fetch_add(length, Ordering::Relaxed).saturating_add(length) > MAX_KEPT_BYTES / 2 {
            self.written.store(clear(&self.folder)?.saturating_sub(MAX_KEPT_BYTES / 2), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// If the folder exceeds [`MAX_KEPT_BYTES`], removes the oldest files until half of that is left. Returns the bytes
/// left. Another thread may remove files at the same time.
fn clear(folder: &Path) -> io::Result<u64> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        files.push((metadata.modified()?, metadata.len(), entry.path()));
    }
    let mut left: u64 = files.iter().map(|(_, length, _)| length).sum();
    if left <= MAX_KEPT_BYTES {
        return Ok(left);
    }
    files.sort();
    for (_, length, path) in files {
        if left <= MAX_KEPT_BYTES / 2 {
            break;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => left = left.saturating_sub(length),
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, time::Duration};

    #[test]
    fn a_full_cache_removes_its_oldest_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..5 {
            let file = File::create(folder.path().join(number.to_string())).expect("made");
            file.set_len(MAX_KEPT_BYTES / 4).expect("grown");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number)).expect("aged");
        }
        assert_eq!(clear(folder.path()).expect("cleared"), MAX_KEPT_BYTES / 2);
        assert!(!folder.path().join("2").exists() && folder.path().join("3").exists());
    }
}
