//! A file that appears when it is complete: it is written to `FILE.part` with mode 0600, then renamed to `FILE`.

use super::Problem;
use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Only the owner may read it: a backup contains password hashes and the key that signs tokens.
const OWNER_ONLY: u32 = 0o600;

/// A file that is being written. Dropping it removes the incomplete file.
pub struct OwnerFile {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl OwnerFile {
    /// Creates and locks `FILE.part`.
    ///
    /// # Errors
    /// When `path` exists and `force` is false, when another process is writing it, and when it cannot be made.
    pub fn open(path: &Path, force: bool) -> Result<Self, Problem> {
        if !force && path.symlink_metadata().is_ok() {
            return Err(Problem::Exists(path.to_owned()));
        }
        let name = path.file_name();
        let Some(name) = name else {
            return Err(Problem::File(path.to_owned(), io::Error::other("the path has no file name")));
        };
        let mut part = name.to_owned();
        // Always the same name, so that the incomplete file of a killed process is overwritten by the next one.
        part.push(".part");
        let part = path.with_file_name(part);
        let failed = |error| Problem::File(part.clone(), error);
        let options = OpenOptions::new().write(true).create(true).truncate(false).mode(OWNER_ONLY).open(&part);
        let file = options.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Problem::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_permissions(Permissions::from_mode(OWNER_ONLY)).and_then(|()| file.set_len(0)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), part, file })
    }

    /// The incomplete file.
    #[must_use]
    pub const fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn failed(&self, error: io::Error) -> Problem {
        Problem::File(self.path.clone(), error)
    }

    /// Syncs the complete file to disk, renames it to its final name, and syncs the folder.
    ///
    /// # Errors
    /// When a file of that name exists and `force` is false, and when it cannot be written.
    pub fn finish(self, force: bool) -> Result<(), Problem> {
        self.file.sync_all().map_err(|error| self.failed(error))?;
        if !force && self.path.symlink_metadata().is_ok() {
            return Err(Problem::Exists(self.path.clone()));
        }
        fs::rename(&self.part, &self.path).map_err(|error| self.failed(error))?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| self.failed(error))
    }
}

impl Drop for OwnerFile {
    fn drop(&mut self) {
        // After `finish` the file has been renamed, and this fails.
        let _ = fs::remove_file(&self.part);
    }
}
