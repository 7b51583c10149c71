//! The first half of a scan: walks over the folders and compares them with the database, some folders at a time.

use super::{
    job::ReadJob,
    objects,
    patience::patiently,
    progress::Board,
    walk::{FileEntry, Visit, WalkStep, walk},
};
use crate::{
    catalog::tags::{MAX_PICTURE_BYTES, READER},
    db::{
        Db, DbError, covers, files,
        scan::{Folder, FoundFile, Gone, KnownFile},
    },
    media::version::Stat,
    storage::Storage,
    values::{object::ObjectUrl, path},
};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

/// Folders are compared when this many have been walked…
const FOLDERS: usize = 250;
/// … or when they have this many files.
const FILES: usize = 4_000;

/// How long to wait before the full queue of jobs is tried again; it holds work for longer than this.
const FULL: Duration = Duration::from_millis(2);

/// What the comparison finds.
#[derive(Debug)]
pub(super) enum Finding {
    /// A file that exists and whose metadata cannot be read.
    Refused(FoundFile),
    /// Files that are no longer in their folder.
    Gone(Vec<Gone>),
    /// A folder whose cover was removed.
    Uncovered(Arc<Folder>),
    /// The end of the walk.
    End(Box<Result<Walked, DbError>>),
}

/// The result of the whole walk.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The ids of all folders that were read.
    pub(super) folders: HashSet<i64>,
    /// Folders that could not be read. The rows of these folders and of those below are left unchanged.
    pub(super) refused: Vec<PathBuf>,
    /// How many jobs were sent to the readers.
    pub(super) jobs: u64,
    /// Whether the walk was stopped before its end.
    pub(super) stopped: bool,
}

/// The inputs and outputs of the comparison.
pub(super) struct Compare<'a, T> {
    pub(super) db: &'a Db,
    pub(super) board: &'a Board,
    pub(super) stop: &'a AtomicBool,
    /// Set when the readers and the recorder have ended.
    pub(super) over: &'a AtomicBool,
    pub(super) jobs: SyncSender<ReadJob>,
    pub(super) findings: SyncSender<T>,
    pub(super) wrap: fn(Finding) -> T,
    /// The music folders.
    pub(super) roots: Vec<Arc<PathBuf>>,
    /// Whether hidden files and folders count.
    pub(super) hidden: bool,
    /// Whether unchanged files are read again.
    pub(super) again: bool,
    /// The folders to walk over.
    pub(super) starts: Vec<PathBuf>,
    /// The buckets of those folders that are in one.
    pub(super) storage: Storage,
}

impl<T> Compare<'_, T> {
    /// Walks over `starts` and compares all folders; the last finding is `End`.
    pub(super) fn run(self) {
        let outcome = self.walk();
        self.tell(Finding::End(Box::new(outcome)));
    }

    fn walk(&self) -> Result<Walked, DbError> {
        let mut walked = Walked::default();
        let mut waiting: Vec<Visit> = Vec::new();
        let mut failure = None;
        let roots: Vec<PathBuf> = self.roots.iter().map(|root| PathBuf::clone(root)).collect();
        let mut see = |step| {
            // After an error of the database nothing else is looked at.
            if failure.is_some() {
                return false;
            }
            match step {
                WalkStep::Remark(path, text) => self.board.trouble(Some(&path), text),
                WalkStep::Refused(path, reason) => {
                    self.board.trouble(Some(&path), &reason);
                    walked.refused.push(path);
                }
                WalkStep::Visit(visit) => {
                    if walked.folders.insert(visit.folder.id) {
                        waiting.push(visit);
                    }
                }
            }
            let gathered = waiting.iter().map(|visit| visit.files.len()).sum::<usize>();
            if waiting.len() >= FOLDERS || gathered >= FILES {
                failure = self.compare(std::mem::take(&mut waiting), &mut walked).err();
            }
            walked.stopped = self.is_over();
            failure.is_none() && !walked.stopped
        };
        let of = |path: &PathBuf| ObjectUrl::of_path(path);
        let (buckets, folders): (Vec<_>, Vec<_>) = self.starts.iter().cloned().partition(|path| of(path).is_some());
        walk(&folders, &roots, self.hidden, &mut see);
        // Folders that are walked to their end leave nothing to be stopped by.
        for start in buckets.iter().filter_map(of) {
            if self.is_over() || !objects::walk(&self.storage, &start, self.hidden, &mut see) {
                break;
            }
        }
        walked.stopped = walked.stopped || self.is_over();
        if failure.is_none() && !walked.stopped {
            failure = self.compare(waiting, &mut walked).err();
        }
        failure.map_or(Ok(walked), Err)
    }

    fn compare(&self, visits: Vec<Visit>, walked: &mut Walked) -> Result<(), DbError> {
        let ids: Vec<i64> = visits.iter().map(|visit| visit.folder.id).collect();
        let (known, covers) = patiently(self.stop, || {
            self.db.read_blocking(|connection| {
                Ok((files::known_in(connection, &ids)?, covers::of_folders(connection, &ids)?))
            })
        })?;
        let mut known_in: HashMap<i64, HashMap<Vec<u8>, _>> = HashMap::new();
        for file in known {
            known_in.entry(file.folder_id).or_default().insert(file.name.clone(), file);
        }
        let mut covers: HashMap<i64, _> = covers.into_iter().collect();
        for visit in visits {
            let path = path::from_bytes(&visit.folder.path);
            let mut known = known_in.remove(&visit.folder.id).unwrap_or_default();
            let (mut unchanged, seen) = (0_u64, visit.files.len().saturating_add(visit.refused.len()));
            let mut changed = Vec::new();
            for entry in visit.files {
                match known.remove(&entry.name) {
                    Some(file) if !self.again && is_unchanged(&file, &entry) => unchanged += 1,
                    _ => changed.push(entry),
                }
            }
            self.board.change(|progress| {
                progress.folder = Some(path.display().to_string());
                progress.seen = progress.seen.saturating_add(u64::try_from(seen).unwrap_or(u64::MAX));
                progress.unchanged = progress.unchanged.saturating_add(unchanged);
                progress.done = progress.done.saturating_add(unchanged);
            });
            for entry in changed {
                self.hand_out(&visit.folder, &path, entry, false, walked);
            }
            for (name, reason) in visit.refused {
                let stat = known.remove(&name).map(|file| file.stat);
                self.tell(Finding::Refused(refused(&visit.folder, stat, name, reason)));
            }
            let gone: Vec<Gone> = known
                .into_values()
                .filter(|file| !file.missing)
                .map(|file| Gone { id: file.id.to_sql(), folder_id: file.folder_id, name: file.name })
                .collect();
            if !gone.is_empty() {
                self.tell(Finding::Gone(gone));
            }
            let before = covers.remove(&visit.folder.id).filter(|cover| cover.name.is_some());
            match (before, visit.cover) {
                (Some(before), Some(now))
                    if !self.again && before.name.as_ref() == Some(&now.name) && before.stat == now.stat => {}
                (_, Some(now)) => {
                    for name in &visit.too_large {
                        let (path, most) = (path.join(path::from_bytes(name)), MAX_PICTURE_BYTES / 1024 / 1024);
                        log::warn!("{} is no cover: a picture may have {most} MiB at most", path.display());
                    }
                    self.hand_out(&visit.folder, &path, now, true, walked);
                }
                (Some(_), None) => self.tell(Finding::Uncovered(visit.folder)),
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn hand_out(&self, folder: &Arc<Folder>, path: &Path, entry: FileEntry, is_cover: bool, walked: &mut Walked) {
        let Some(root) =
            self.roots.iter().filter(|root| path.starts_with(&***root)).max_by_key(|root| root.as_os_str().len())
        else {
            return;
        };
        let job = ReadJob { folder: Arc::clone(folder), root: Arc::clone(root), entry, is_cover };
        walked.jobs = walked.jobs.saturating_add(1);
        // Not `send`: when all readers hang it would never return.
        let mut waiting = job;
        while let Err(TrySendError::Full(job)) = self.jobs.try_send(waiting) {
            if self.is_over() {
                return;
            }
            thread::sleep(FULL);
            waiting = job;
        }
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.over.load(Ordering::Relaxed)
    }

    fn tell(&self, finding: Finding) {
        drop(self.findings.send((self.wrap)(finding)));
    }
}

/// Whether a file needs not be read: it was, and looks as it did then. Of an object entity tag and size count, not the time
/// at which it was written.
fn is_unchanged(file: &KnownFile, entry: &FileEntry) -> bool {
    let is_same = match &entry.etag {
        // A service that lists no tags.
        Some(etag) if etag.is_empty() => file.etag == entry.etag && file.stat == entry.stat,
        Some(_) => file.etag == entry.etag && file.stat.size == entry.stat.size,
        None => file.etag.is_none() && file.stat == entry.stat,
    };
    is_same && !file.missing && file.reader == READER
}

/// The record of a file that exists and whose metadata cannot be read.
fn refused(folder: &Arc<Folder>, stat: Option<Stat>, name: Vec<u8>, reason: String) -> FoundFile {
    let stat = stat.unwrap_or(Stat { size: 0, mtime_ns: 0, ctime_ns: 0, inode: 0 });
    FoundFile { folder: Arc::clone(folder), name, stat, etag: None, version: None, sha256: None, content: Err(reason) }
}
