//! The threads that read files: a bounded number, and none of them can hold up a scan for good.

use super::walk::Entry;
use crate::{
    catalog::{content, path, tags},
    db::scan::{Folder, Found},
    media::version::{Stat, version},
};
use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Files that wait for a reader.
const QUEUE: usize = 256;
/// How long a parser may read in one file.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// How long a thread may be with one file before it is left to itself: a disk that answers nothing, an endless loop.
const THREAD_LIMIT: Duration = Duration::from_secs(30);
/// How many threads a scan may leave behind.
const MAX_LOST: usize = 8;

/// A file or a cover to read.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) folder: Arc<Folder>,
    /// The music folder it lies in.
    pub(super) root: Arc<PathBuf>,
    pub(super) entry: Entry,
    /// It is the folder's cover.
    pub(super) is_cover: bool,
}

impl Job {
    fn path(&self) -> PathBuf {
        path::from_bytes(&self.folder.path).join(path::from_bytes(&self.entry.name))
    }
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Done {
    /// A file, readable or not.
    File(Found),
    /// A folder's cover; `None` when it is no picture that can be shown.
    Cover(Job, Option<i64>),
}

/// The job that a thread is at, and since when; taken away from a thread that is given up.
type Slot = Arc<Mutex<Option<(Instant, Job)>>>;

/// A pool of reading threads.
pub(super) struct Readers<T> {
    jobs: Arc<Mutex<Receiver<Job>>>,
    results: SyncSender<T>,
    wrap: fn(Done) -> T,
    salt: i64,
    slots: Vec<Slot>,
    lost: usize,
}

impl<T: Send + 'static> Readers<T> {
    /// Starts `count` threads that send what they read to `results`; jobs go in at the returned end.
    pub(super) fn start(
        count: usize,
        salt: i64,
        results: SyncSender<T>,
        wrap: fn(Done) -> T,
    ) -> io::Result<(Self, SyncSender<Job>)> {
        let (sender, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut readers = Self { jobs, results, wrap, salt, slots: Vec::new(), lost: 0 };
        for _ in 0..count {
            readers.start_one()?;
        }
        Ok((readers, sender))
    }

    fn start_one(&mut self) -> io::Result<()> {
        let slot = Slot::default();
        self.slots.push(Arc::clone(&slot));
        let (jobs, results, wrap, salt) = (Arc::clone(&self.jobs), self.results.clone(), self.wrap, self.salt);
        thread::Builder::new().name("tags".to_owned()).spawn(move || {
            loop {
                let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = next else { return };
                put(&slot, Some((Instant::now(), job.clone())));
                let done = read(job, salt);
                if put(&slot, None).is_none() || results.send(wrap(done)).is_err() {
                    return;
                }
            }
        })?;
        Ok(())
    }

    /// Gives up threads that are with a file for too long, and returns what comes of their jobs: the file counts as
    /// unreadable, another thread takes over.
    ///
    /// # Errors
    /// When too many were lost in this scan.
    pub(super) fn watch(&mut self, now: Instant) -> io::Result<Vec<Done>> {
        let mut given_up = Vec::new();
        let late = |slot: &Slot| {
            let at = slot.lock().unwrap_or_else(PoisonError::into_inner);
            at.as_ref().is_some_and(|(since, _)| now.saturating_duration_since(*since) > THREAD_LIMIT)
        };
        while let Some(index) = self.slots.iter().position(late) {
            let slot = self.slots.swap_remove(index);
            // It may have finished this very moment.
            let Some((_, job)) = put(&slot, None) else { continue };
            log::warn!("gave up reading {} after {} s", job.path().display(), THREAD_LIMIT.as_secs());
            let done = if job.is_cover {
                Done::Cover(job, None)
            } else {
                Done::File(unreadable(job, "reading the file did not end".to_owned()))
            };
            given_up.push(done);
            self.lost = self.lost.saturating_add(1);
            if self.lost > MAX_LOST {
                return Err(io::Error::other("reading did not end for too many files; is the disk well?"));
            }
            self.start_one()?;
        }
        Ok(given_up)
    }
}

fn put(slot: &Slot, value: Option<(Instant, Job)>) -> Option<(Instant, Job)> {
    std::mem::replace(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner), value)
}

fn read(job: Job, salt: i64) -> Done {
    if job.is_cover {
        let cover_id = std::fs::read(job.path()).ok().and_then(|bytes| content::cover_id(salt, &bytes));
        return Done::Cover(job, cover_id);
    }
    let path = job.path();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) => return Done::File(unreadable(job, error.to_string())),
    };
    let looked = file.metadata().map(|metadata| Stat::of(&metadata)).and_then(|stat| Ok((stat, version(&file, stat)?)));
    let (stat, version) = match looked {
        Ok(looked) => looked,
        Err(error) => return Done::File(unreadable(job, error.to_string())),
    };
    let content = match tags::read(&path, &file, READ_LIMIT) {
        Ok(reading) => Ok(Box::new(content::of(reading, &path, &job.root, salt))),
        Err(reason) => Err(reason.to_string()),
    };
    Done::File(Found { folder: job.folder, name: job.entry.name, stat, version: Some(version), content })
}

/// The outcome of a file that could not be read for this reason.
fn unreadable(job: Job, reason: String) -> Found {
    Found { folder: job.folder, name: job.entry.name, stat: job.entry.stat, version: None, content: Err(reason) }
}
