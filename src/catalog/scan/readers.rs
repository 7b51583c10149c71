//! The threads that read files. A thread that hangs is abandoned, so that it cannot block a scan.

use super::{
    job::{Done, ReadJob},
    objects,
    trouble::in_words,
    walk::FileEntry,
};
use crate::{
    catalog::{content, cover, tags},
    db::scan::FoundFile,
    media::version::{Stat, UNSETTLED, version},
    storage::Storage,
    time,
    values::{object::ObjectUrl, separators::Splits},
};
use std::{
    fs::File,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// The capacity of the queue of jobs.
const QUEUE: usize = 256;
/// How long a parser may read one file before it gets an error.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// How often a reader waits for a file that keeps changing.
const SETTLING: usize = 3;
/// A scan ends with an error when it has to abandon more threads than this.
const MAX_LOST: usize = 8;

/// The job that a thread works on, and since when. It is removed when the thread is abandoned.
type Slot = Arc<Mutex<Option<(Instant, ReadJob)>>>;

/// A pool of reading threads.
pub(super) struct Readers<T> {
    jobs: Arc<Mutex<Receiver<ReadJob>>>,
    results: SyncSender<T>,
    wrap: fn(Done) -> T,
    salt: i64,
    splits: Arc<Splits>,
    storage: Storage,
    slots: Vec<Slot>,
    lost: usize,
}

impl<T: Send + 'static> Readers<T> {
    /// Starts `count` threads that take jobs from the returned sender and send their results to `results`.
    pub(super) fn start(
        count: usize,
        salt: i64,
        (splits, storage): (&Splits, &Storage),
        results: SyncSender<T>,
        wrap: fn(Done) -> T,
    ) -> io::Result<(Self, SyncSender<ReadJob>)> {
        let (sender, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let (splits, storage) = (Arc::new(splits.clone()), storage.clone());
        let mut readers = Self { jobs, results, wrap, salt, splits, storage, slots: Vec::new(), lost: 0 };
        for _ in 0..count {
            readers.start_one()?;
        }
        Ok((readers, sender))
    }

    fn start_one(&mut self) -> io::Result<()> {
        let slot = Slot::default();
        self.slots.push(Arc::clone(&slot));
        let (jobs, results, wrap, salt) = (Arc::clone(&self.jobs), self.results.clone(), self.wrap, self.salt);
        let (splits, storage) = (Arc::clone(&self.splits), self.storage.clone());
        thread::Builder::new().name("tags".to_owned()).spawn(move || {
            loop {
                let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = next else { return };
                put(&slot, Some((Instant::now(), job.clone())));
                let done = match ObjectUrl::of_path(&job.path()) {
                    Some(object) => objects::read(&storage, &object, job, salt, &splits),
                    None => read(job, salt, &splits),
                };
                if put(&slot, None).is_none() || results.send(wrap(done)).is_err() {
                    return;
                }
            }
        })?;
        Ok(())
    }

    /// Abandons threads that have worked on one file for longer than [`ReadJob::limit`], starts others in their place,
    /// and returns the results of their jobs: the files are unreadable.
    ///
    /// # Errors
    /// When more than [`MAX_LOST`] threads were abandoned in this scan, or a thread cannot be started.
    pub(super) fn watch(&mut self, now: Instant) -> io::Result<Vec<Done>> {
        let mut given_up = Vec::new();
        let late = |slot: &Slot| {
            let at = slot.lock().unwrap_or_else(PoisonError::into_inner);
            at.as_ref().is_some_and(|(since, job)| now.saturating_duration_since(*since) > job.limit())
        };
        while let Some(index) = self.slots.iter().position(late) {
            let slot = self.slots.swap_remove(index);
            // The thread may have finished in the meantime.
            let Some((_, job)) = put(&slot, None) else { continue };
            log::warn!("reading {} did not end within {} s", job.path().display(), job.limit().as_secs());
            let done = if job.is_cover {
                Done::Cover(job, None)
            } else {
                Done::File(job.unreadable("reading the file did not end".to_owned()))
            };
            given_up.push(done);
            self.lost = self.lost.saturating_add(1);
            if self.lost > MAX_LOST {
                return Err(io::Error::other("reading did not end for too many files; check the disk"));
            }
            self.start_one()?;
        }
        Ok(given_up)
    }
}

fn put(slot: &Slot, value: Option<(Instant, ReadJob)>) -> Option<(Instant, ReadJob)> {
    std::mem::replace(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner), value)
}

fn read(job: ReadJob, salt: i64, splits: &Splits) -> Done {
    if job.is_cover {
        let mut job = job;
        match cover::open(&job.path()).and_then(|file| settled(&file)) {
            Ok((stat, true)) => job.entry.stat = stat,
            Ok((stat, false)) => job.entry.stat = Stat { ctime_ns: UNSETTLED, ..stat },
            Err(_) => {}
        }
        let cover = match cover::read(&job.path()) {
            Ok(bytes) => cover::cover_of(salt, &bytes),
            // Logged by the comparison.
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => None,
            Err(error) => {
                log::warn!("{} cannot be read: {}", job.path().display(), in_words(&error));
                None
            }
        };
        return Done::Cover(job, cover);
    }
    let path = job.path();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) => return Done::File(job.unreadable(in_words(&error))),
    };
    let looked = settled(&file).and_then(|(stat, is_settled)| {
        let version = version(&file, stat)?;
        Ok((if is_settled { stat } else { Stat { ctime_ns: UNSETTLED, ..stat } }, version))
    });
    let (stat, version) = match looked {
        Ok(looked) => looked,
        Err(error) => return Done::File(job.unreadable(in_words(&error))),
    };
    let (began, computed) = (Instant::now(), computed());
    let content = match tags::read(&path, &file, READ_LIMIT) {
        Ok(reading) => Ok(Box::new(content::of(reading, &path, &job.root, salt, splits))),
        Err(reason) => {
            let (reason, took) = (reason.to_string(), began.elapsed());
            if is_of_the_disk(&reason, took, self::computed().saturating_sub(computed)) {
                return Done::File(job.unreadable(reason));
            }
            Err(reason)
        }
    };
    let FileEntry { name, .. } = job.entry;
    Done::File(FoundFile { folder: job.folder, name, stat, etag: None, version: Some(version), sha256: None, content })
}

/// Whether tags could not be read because of the disk, not of what the file holds: the system refused to read, or took
/// most of the time that there is. `computed` is for how long the thread had a processor meanwhile.
fn is_of_the_disk(reason: &str, took: Duration, computed: Duration) -> bool {
    // The text that the standard library gives to errors of the system.
    reason.contains("(os error ") || (took >= READ_LIMIT && computed < took / 2)
}

/// For how long this thread had a processor.
#[cfg(target_os = "linux")]
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// For how long this thread had a processor; not known.
#[cfg(not(target_os = "linux"))]
const fn computed() -> Duration {
    Duration::ZERO
}

/// Waits until later changes of the file will have another change time; false when it changed all the time meanwhile.
fn settled(file: &File) -> io::Result<(Stat, bool)> {
    let mut stat = Stat::of(&file.metadata()?);
    for _ in 0..SETTLING {
        let Some(left) = stat.settles_in(time::now().0.saturating_mul(1_000)) else { return Ok((stat, true)) };
        thread::sleep(left);
        let now = Stat::of(&file.metadata()?);
        if now == stat {
            return Ok((stat, true));
        }
        stat = now;
    }
    Ok((stat, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_of_the_disk_is_told_from_trouble_of_the_file() {
        let refused = io::Error::from_raw_os_error(5).to_string();
        assert!(is_of_the_disk(&refused, Duration::ZERO, Duration::ZERO), "{refused}");
        let late = "reading the tags took too long";
        assert!(is_of_the_disk(late, READ_LIMIT, READ_LIMIT / 10), "it waited for the disk");
        assert!(!is_of_the_disk(late, READ_LIMIT, READ_LIMIT), "it computed: the file is a loop");
        assert!(!is_of_the_disk("not an audio format that is supported", Duration::ZERO, Duration::ZERO));
    }
}
