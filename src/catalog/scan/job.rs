//! The jobs of the threads that read files, and their results.

use super::walk::FileEntry;
use crate::{
    db::{
        scan::{Folder, FoundFile},
        unscaled::Cover,
    },
    values::{object::is_object, path},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A thread that works on one file for longer than this is abandoned: the disk may hang, or the parser may loop.
const THREAD_LIMIT: Duration = Duration::from_secs(30);
/// The same for an object: each request for it has a limit of its own.
const OBJECT_LIMIT: Duration = Duration::from_mins(10);

/// A file or a cover to read.
#[derive(Debug, Clone)]
pub(super) struct ReadJob {
    pub(super) folder: Arc<Folder>,
    /// The music folder that contains it.
    pub(super) root: Arc<PathBuf>,
    pub(super) entry: FileEntry,
    /// Whether it is the folder's cover.
    pub(super) is_cover: bool,
}

impl ReadJob {
    pub(super) fn path(&self) -> PathBuf {
        path::from_bytes(&self.folder.path).join(path::from_bytes(&self.entry.name))
    }

    /// How long a thread may work on it.
    pub(super) fn limit(&self) -> Duration {
        if is_object(&*self.root) { OBJECT_LIMIT } else { THREAD_LIMIT }
    }

    /// The result for a file that could not be opened or looked at for this reason.
    pub(super) fn unreadable(self, reason: String) -> FoundFile {
        let FileEntry { name, stat, etag } = self.entry;
        FoundFile { folder: self.folder, name, stat, etag, version: None, sha256: None, content: Err(reason) }
    }
}

/// The result of a job.
#[derive(Debug)]
pub(super) enum Done {
    /// A file, readable or not.
    File(FoundFile),
    /// A folder's cover; `None` when the file is too large or no picture.
    Cover(ReadJob, Option<Cover>),
}
