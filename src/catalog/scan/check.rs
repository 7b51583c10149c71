//! Compares a bucket with the catalogue, and its objects with their names. Changes nothing.

use super::{objects, walk::WalkStep};
use crate::{
    db::{
        Db, DbError, files,
        scan::{KnownFile, folders_after},
    },
    media::digest::Digest,
    storage::{Storage, StorageError},
    values::{object::ObjectUrl, path},
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Folders of the catalogue that are read in one query.
const FOLDER_PAGE: i64 = 5_000;

/// What is wrong with one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketFinding {
    /// No track names it.
    Unknown(ObjectUrl),
    /// A track names it, and it is not there.
    Gone(ObjectUrl),
    /// It is another object than the one that was scanned.
    Changed(ObjectUrl),
    /// Its bytes have not the SHA-256 that it is named by.
    Damaged(ObjectUrl, Digest),
    /// It or a part of the bucket cannot be read, with the reason.
    Unreadable(ObjectUrl, String),
}

impl fmt::Display for BucketFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(object) => write!(f, "{object}: no track names it"),
            Self::Gone(object) => write!(f, "{object}: a track names it, and it is not there"),
            Self::Changed(object) => write!(f, "{object}: it is another object than the one that was scanned"),
            Self::Damaged(object, _) => {
                write!(f, "{object}: damaged, its bytes have not the SHA-256 that it is named by")
            }
            // The reason begins with the address.
            Self::Unreadable(_, reason) => f.write_str(reason),
        }
    }
}

/// Why a check ended early.
#[derive(Debug)]
pub enum CheckError {
    /// An error of the database.
    Db(DbError),
    /// The check was stopped.
    Stopped,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Stopped => f.write_str("the check was stopped"),
        }
    }
}

impl std::error::Error for CheckError {}

impl From<DbError> for CheckError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// What is checked, and how.
#[derive(Clone, Copy)]
pub struct BucketCheck<'a> {
    /// The database.
    pub db: &'a Db,
    /// The service.
    pub storage: &'a Storage,
    /// Whether hidden objects count.
    pub hidden: bool,
    /// Whether objects that are named by their SHA-256 are read as a whole.
    pub reads: bool,
    /// When it is set, the check ends.
    pub stop: &'a AtomicBool,
}

/// How much was checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketCounts {
    /// Audio files in the bucket.
    pub objects: u64,
    /// Those that were read as a whole.
    pub read: u64,
}

impl BucketCheck<'_> {
    /// Checks all objects below `start`, and calls `see` with what is wrong. Blocks.
    ///
    /// # Errors
    /// See [`CheckError`]. Errors of the service are findings.
    pub fn run(&self, start: &ObjectUrl, see: &mut impl FnMut(BucketFinding)) -> Result<BucketCounts, CheckError> {
        let (mut counts, mut visited, mut refused) = (BucketCounts::default(), HashSet::new(), false);
        let mut failure = None;
        objects::walk(self.storage, start, self.hidden, &mut |step| {
            let outcome = match step {
                WalkStep::Visit(visit) => {
                    visited.insert(visit.folder.id);
                    let folder = path::from_bytes(&visit.folder.path);
                    let found = visit.files.into_iter().map(|file| (file.name, (file.stat.size, file.etag)));
                    self.folder((visit.folder.id, &folder), found.collect(), &mut counts, see)
                }
                WalkStep::Refused(path, reason) => {
                    refused = true;
                    let object = ObjectUrl::of_path(&path).unwrap_or_else(|| start.clone());
                    see(BucketFinding::Unreadable(object, reason));
                    Ok(())
                }
                WalkStep::Remark(..) => Ok(()),
            };
            failure = outcome.err();
            failure.is_none()
        });
        if let Some(error) = failure {
            return Err(error);
        }
        // Of a listing that broke off it is not known what else there is.
        if !refused {
            self.not_visited(start, &visited, &mut counts, see)?;
        }
        Ok(counts)
    }

    /// Compares one folder, of which these files are there.
    fn folder(
        &self,
        (id, folder): (i64, &Path),
        mut found: HashMap<Vec<u8>, (i64, Option<String>)>,
        counts: &mut BucketCounts,
        see: &mut impl FnMut(BucketFinding),
    ) -> Result<(), CheckError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(CheckError::Stopped);
        }
        let at = |name: &[u8]| ObjectUrl::of_path(&folder.join(path::from_bytes(name)));
        let known = self.db.read_blocking(|connection| files::known_in(connection, &[id]))?;
        counts.objects = counts.objects.saturating_add(u64::try_from(found.len()).unwrap_or(0));
        for KnownFile { name, stat, etag, .. } in known.into_iter().filter(|file| !file.missing) {
            let Some(object) = at(&name) else { continue };
            match found.remove(&name) {
                None => see(BucketFinding::Gone(object)),
                Some((size, tag)) if size != stat.size || tag != etag => see(BucketFinding::Changed(object)),
                Some((size, tag)) => self.read(&object, (size, tag), counts, see)?,
            }
        }
        let mut rest: Vec<_> = found.into_iter().filter_map(|(name, head)| Some((at(&name)?, head))).collect();
        rest.sort_by(|(one, _), (other, _)| one.key.cmp(&other.key));
        for (object, head) in rest {
            see(BucketFinding::Unknown(object.clone()));
            self.read(&object, head, counts, see)?;
        }
        Ok(())
    }

    /// Reads an object that is named by its SHA-256, if objects are to be read.
    fn read(
        &self,
        object: &ObjectUrl,
        (size, etag): (i64, Option<String>),
        counts: &mut BucketCounts,
        see: &mut impl FnMut(BucketFinding),
    ) -> Result<(), CheckError> {
        let Some(named) = sha256_of_name(&object.key).filter(|_| self.reads) else { return Ok(()) };
        let size = u64::try_from(size).unwrap_or(0);
        match self.sum(object, size, etag.as_deref()) {
            Ok(Some(sum)) if sum == named => {}
            Ok(Some(_)) => see(BucketFinding::Damaged(object.clone(), named)),
            Ok(None) => return Err(CheckError::Stopped),
            Err(error) => see(BucketFinding::Unreadable(object.clone(), error.to_string())),
        }
        counts.read += 1;
        Ok(())
    }

    /// The SHA-256 of an object, which is read as a whole; `None` when the check was stopped.
    fn sum(&self, object: &ObjectUrl, size: u64, etag: Option<&str>) -> Result<Option<Digest>, StorageError> {
        self.storage.sum_blocking(object, size, etag, || !self.stop.load(Ordering::Relaxed))
    }

    /// Finds the tracks of folders that the bucket does not have.
    fn not_visited(
        &self,
        start: &ObjectUrl,
        visited: &HashSet<i64>,
        counts: &mut BucketCounts,
        see: &mut impl FnMut(BucketFinding),
    ) -> Result<(), CheckError> {
        let (mut after, start) = (None, start.to_path());
        loop {
            let page = self.db.read_blocking(|connection| folders_after(connection, after, FOLDER_PAGE))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (id, folder) in page.iter().map(|(id, folder)| (*id, path::from_bytes(folder))) {
                if folder.starts_with(&start) && !visited.contains(&id) {
                    self.folder((id, &folder), HashMap::new(), counts, see)?;
                }
            }
        }
    }
}

/// The SHA-256 by which an object is named, as an import names it.
#[must_use]
pub fn sha256_of_name(key: &str) -> Option<Digest> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    name.split_once('.').map_or(name, |(stem, _)| stem).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_64_digits_is_a_sha256() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(sha256_of_name(&format!("a/{hash}.flac")).map(|sum| sum.to_string()), Some(hash.clone()));
        assert_eq!(sha256_of_name(&hash).map(|sum| sum.to_string()), Some(hash.clone()));
        assert_eq!((sha256_of_name(&format!("{hash}/a.flac")), sha256_of_name("a.flac")), (None, None));
    }
}
