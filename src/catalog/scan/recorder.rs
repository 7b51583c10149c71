//! The second half of a scan: writes read files, and marks those that are gone, in batches.

use super::{
    compare::{Finding, Walked},
    job::Done,
    objects,
    patience::{ScanError, patiently},
    progress::Board,
    scope::Scope,
};
use crate::{
    catalog::tags::READER,
    db::{
        Db, DbConnection, DbError, covers, files,
        scan::{self, Disk, Doubt, FoundFile, Gone},
    },
    media::{
        digest::{Digest, what_is_wrong},
        file::MediaFile,
        version::Stat,
    },
    storage::Storage,
    time,
    values::{
        object::ObjectUrl,
        path::{self, is_absence},
    },
};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Files of the first transaction, and of all that are not of read files.
///
/// The rows of a batch are all over the indices, so that a transaction writes most pages of the database, whatever its size:
/// the larger the batches, the less is written. Other writers wait meanwhile. So batches grow while they are written quickly.
const BATCH: usize = 500;
/// Files of the largest transaction.
const MAX_BATCH: usize = 4_000;
/// The next batch is twice as large when one was written within this time, half as large when it took twice this long.
const QUICK: Duration = Duration::from_millis(200);
/// The first batch that is not full is written when its first file is this old; for each one after it this doubles…
const BATCH_AGE: Duration = Duration::from_secs(1);
/// … up to this.
const MAX_BATCH_AGE: Duration = Duration::from_secs(5);
/// When albums, artists and genres are first summed up during a scan; the time to the next one doubles…
const REFRESH_EVERY: Duration = Duration::from_secs(5);
/// … up to this.
const MAX_REFRESH_EVERY: Duration = Duration::from_secs(30);
/// Folders that are read in one query when folders that are gone are searched for.
const FOLDER_PAGE: i64 = 5_000;

/// Where the music is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    /// Music folders that can be walked.
    pub(super) there: &'a [PathBuf],
    /// Music folders that are absent or empty.
    pub(super) away: &'a [PathBuf],
    /// Whether tracks outside of all these stay as they are.
    pub(super) others_stay: bool,
    /// The buckets of those folders that are in one.
    pub(super) storage: &'a Storage,
}

pub(super) struct Recorder<'a> {
    db: &'a Db,
    board: &'a Board,
    stop: &'a AtomicBool,
    places: Places<'a>,
    /// Whether every file that looks as before is in doubt.
    again: bool,
    batch: Vec<FoundFile>,
    /// Files that could not be opened or looked at.
    refused: Vec<FoundFile>,
    gone: Vec<Gone>,
    since: Option<Instant>,
    /// How many files a batch has.
    most: usize,
    /// How old the first file of a batch becomes.
    age: Duration,
    refreshed: Instant,
    refresh_every: Duration,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(db: &'a Db, board: &'a Board, stop: &'a AtomicBool, places: Places<'a>, again: bool) -> Self {
        let (batch, refused, gone) = (Vec::with_capacity(BATCH), Vec::new(), Vec::new());
        let (most, age, refresh_every) = (BATCH, BATCH_AGE, REFRESH_EVERY);
        let (since, refreshed) = (None, Instant::now());
        Self { db, board, stop, places, again, batch, refused, gone, since, most, age, refreshed, refresh_every }
    }

    /// Takes the result of a reader.
    pub(super) fn take(&mut self, done: Done) -> Result<(), ScanError> {
        match done {
            Done::File(found) => self.add(found),
            Done::Cover(job, cover) => {
                let picture = (job.entry.name.as_slice(), job.entry.stat);
                self.write(|connection| {
                    scan::add_folders(connection, std::iter::once(&*job.folder))?;
                    covers::set(connection, &job.folder, Some(picture), cover)
                })
            }
        }
    }

    /// Takes a finding of the comparison.
    pub(super) fn note(&mut self, finding: Finding) -> Result<(), ScanError> {
        match finding {
            Finding::Refused(found) => self.add(found),
            Finding::Uncovered(folder) => self.write(|connection| covers::set(connection, &folder, None, None)),
            Finding::Gone(gone) => {
                self.gone.extend(gone);
                Ok(())
            }
            Finding::End(_) => Ok(()),
        }
    }

    /// Writes a batch that is old, and sums up from time to time.
    pub(super) fn tick(&mut self) -> Result<(), ScanError> {
        if self.since.is_some_and(|since| since.elapsed() >= self.age) {
            self.age = self.age.saturating_mul(2).min(MAX_BATCH_AGE);
            self.flush()?;
        }
        if self.refreshed.elapsed() >= self.refresh_every {
            self.refresh_every = self.refresh_every.saturating_mul(2).min(MAX_REFRESH_EVERY);
            self.refresh()?;
        }
        Ok(())
    }

    fn add(&mut self, found: FoundFile) -> Result<(), ScanError> {
        self.since.get_or_insert_with(Instant::now);
        if found.version.is_none() { &mut self.refused } else { &mut self.batch }.push(found);
        if self.batch.len().max(self.refused.len()) >= self.most { self.flush() } else { Ok(()) }
    }

    /// Writes the batch.
    pub(super) fn flush(&mut self) -> Result<(), ScanError> {
        self.since = None;
        self.refuse()?;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let doubts =
            patiently(self.stop, || self.db.read_blocking(|connection| scan::doubts(connection, &batch, self.again)))?;
        let (mut some, mut began) = (Vec::new(), Instant::now());
        for (mut file, doubt) in batch.into_iter().zip(doubts) {
            if let Some(doubt) = doubt {
                file.sha256 = self.sum(&file, doubt);
            }
            some.push(file);
            // Reading whole files takes long, and a scan that is stopped loses what was not recorded.
            if began.elapsed() >= BATCH_AGE {
                self.record(&std::mem::take(&mut some))?;
                began = Instant::now();
            }
        }
        let began = Instant::now();
        self.record(&some)?;
        match began.elapsed() {
            took if took < QUICK && some.len() >= self.most => self.most = self.most.saturating_mul(2).min(MAX_BATCH),
            took if took > QUICK.saturating_mul(2) => self.most = (self.most / 2).max(BATCH),
            _ => {}
        }
        Ok(())
    }

    /// Notes the files that could not be opened or looked at.
    fn refuse(&mut self) -> Result<(), ScanError> {
        let batch = std::mem::take(&mut self.refused);
        if batch.is_empty() {
            return Ok(());
        }
        let refused = self.write(|connection| scan::refuse(connection, &batch, &mut rand::random))?;
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.board.change(|progress| {
            progress.done = progress.done.saturating_add(count);
            progress.added = progress.added.saturating_add(refused.added);
            progress.unreadable = progress.unreadable.saturating_add(count);
            progress.kept = progress.kept.saturating_add(u64::try_from(refused.kept.len()).unwrap_or(u64::MAX));
        });
        for file in refused.kept.iter().filter_map(|index| batch.get(*index)) {
            let path = path::from_bytes(&file.folder.path).join(path::from_bytes(&file.name));
            let reason = file.content.as_ref().err().map_or("", String::as_str);
            self.board.trouble(Some(&path), &format!("{reason}; the track is kept"));
        }
        Ok(())
    }

    /// The SHA-256 of a file in doubt, which is read as a whole; `None` when it cannot be read, or the scan was stopped.
    fn sum(&self, file: &FoundFile, doubt: Doubt) -> Option<Digest> {
        let path = path::from_bytes(&file.folder.path).join(path::from_bytes(&file.name));
        let sum = MediaFile::open(&path, file.stat).ok()?.digest(|_| !self.stop.load(Ordering::Relaxed)).ok()??;
        if doubt.is_untouched && sum != doubt.sha256 {
            log::warn!("{}: {}", path.display(), what_is_wrong(true));
        }
        Some(sum)
    }

    fn record(&self, batch: &[FoundFile]) -> Result<(), ScanError> {
        if batch.is_empty() {
            return Ok(());
        }
        let disk = self.places;
        let recorded =
            self.write(|connection| scan::record(connection, batch, READER, now_us(), &mut rand::random, &disk))?;
        for (file, content) in batch.iter().filter_map(|file| Some((file, file.content.as_ref().ok()?))) {
            for loss in &content.losses {
                let path = path::from_bytes(&file.folder.path).join(path::from_bytes(&file.name));
                log::info!("scan: {}: {loss}", path.display());
            }
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.board.change(|progress| {
            progress.done = progress.done.saturating_add(count);
            progress.added = progress.added.saturating_add(recorded.added);
            progress.changed = progress.changed.saturating_add(recorded.changed);
            progress.moved = progress.moved.saturating_add(recorded.moved);
            progress.unreadable = progress.unreadable.saturating_add(recorded.unreadable);
            progress.losses = progress.losses.saturating_add(recorded.losses);
        });
        Ok(())
    }

    /// Marks files that are gone as missing, also those in folders that the walk did not find, joins their tracks with those
    /// that have the same music, and sums up everything.
    pub(super) fn finish(mut self, walked: &Walked, scope: &Scope) -> Result<(), ScanError> {
        if walked.stopped {
            return Ok(());
        }
        // Files that have moved were recorded at their new path by now, and are no longer among these.
        for some in std::mem::take(&mut self.gone).chunks(BATCH) {
            let count = self.write(|connection| scan::mark_missing(connection, some, now_us()))?;
            self.count_missing(count);
        }
        let mut after = None;
        loop {
            let page = patiently(self.stop, || {
                self.db.read_blocking(|connection| scan::folders_after(connection, after, FOLDER_PAGE))
            })?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            let gone = page.into_iter().map(|(id, path)| (id, path::from_bytes(&path))).filter(|(id, path)| {
                let is_ours = !self.places.others_stay || self.places.hold(path);
                is_ours && !walked.folders.contains(id) && scope.holds(path) && !is_refused(&walked.refused, path)
            });
            let is_left_out = |path: &Path| !self.places.hold(path) && path.exists();
            let (left_out, gone): (Vec<_>, Vec<_>) = gone.partition(|(_, path)| is_left_out(path));
            for some in gone.chunks(BATCH) {
                self.forget(some)?;
            }
            for some in left_out.chunks(BATCH) {
                let count = self.forget(some)?;
                self.board.change(|progress| progress.left_out = progress.left_out.saturating_add(count));
                self.note_hidden(some)?;
            }
        }
        while self.write(|connection| scan::reunite(connection, &mut rand::random))? {}
        // Only a scan of everything knows of all that is hidden.
        if scope.is_all()
            && let Some(text) = self.board.hidden_news()
        {
            log::warn!("scan: {text}");
        }
        self.refresh()?;
        let mut has_followed = false;
        while self.write(|connection| scan::follow(connection, &mut rand::random))? {
            has_followed = true;
        }
        if has_followed {
            self.refresh()?;
        }
        self.count_unreadable()
    }

    /// Marks all files of these folders as missing. Returns how many there were.
    fn forget(&self, folders: &[(i64, PathBuf)]) -> Result<u64, ScanError> {
        let ids: Vec<i64> = folders.iter().map(|(id, _)| *id).collect();
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut all = 0_u64;
        loop {
            let count = self.write(|connection| scan::forget_folders(connection, &ids, limit, now_us()))?;
            self.count_missing(count);
            all = all.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if count == 0 {
                return Ok(all);
            }
        }
    }

    /// Notes how many tracks of these folders, which are in no music folder, are hidden: the missing ones whose files are
    /// there.
    fn note_hidden(&self, folders: &[(i64, PathBuf)]) -> Result<(), ScanError> {
        let paths: HashMap<i64, &PathBuf> = folders.iter().map(|(id, path)| (*id, path)).collect();
        let ids: Vec<i64> = paths.keys().copied().collect();
        let missing =
            patiently(self.stop, || self.db.read_blocking(|connection| scan::missing_tracks(connection, &ids)))?;
        let hidden = missing.iter().filter_map(|(folder, name)| {
            let folder = *paths.get(folder)?;
            folder.join(path::from_bytes(name)).exists().then_some(folder)
        });
        for folder in hidden {
            self.board.change(|progress| {
                progress.hidden = progress.hidden.saturating_add(1);
                let before = progress.hidden_below.take().unwrap_or_else(|| folder.clone());
                progress.hidden_below = before.ancestors().find(|outer| folder.starts_with(outer)).map(Path::to_owned);
            });
        }
        Ok(())
    }

    /// Counts all files that cannot be read, also those that this scan did not try again.
    fn count_unreadable(&self) -> Result<(), ScanError> {
        let all = patiently(self.stop, || self.db.read_blocking(files::count_unreadable))?;
        let all = u64::try_from(all).unwrap_or(0);
        self.board.change(|progress| progress.unreadable = all.saturating_add(progress.kept));
        Ok(())
    }

    fn refresh(&mut self) -> Result<(), ScanError> {
        while self.write(|connection| scan::refresh(connection, now_us(), &mut rand::random))? {}
        self.refreshed = Instant::now();
        Ok(())
    }

    fn count_missing(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.board.change(|progress| progress.missing = progress.missing.saturating_add(count));
    }

    fn write<T>(&self, run: impl Fn(&mut DbConnection) -> Result<T, DbError>) -> Result<T, ScanError> {
        let written = patiently(self.stop, || self.db.write_blocking(&run))?;
        self.board.announce();
        Ok(written)
    }
}

impl Places<'_> {
    /// Whether a path is in one of the music folders.
    fn hold(&self, path: &Path) -> bool {
        self.there.iter().chain(self.away).any(|root| path.starts_with(root))
    }
}

impl Disk for Places<'_> {
    fn holds(&self, folder: &[u8], name: &[u8], stat: Stat) -> bool {
        let path = path::from_bytes(folder).join(path::from_bytes(name));
        if self.away.iter().any(|root| path.starts_with(root)) {
            return true;
        }
        let counts = self.others_stay || self.hold(&path);
        if let Some(object) = ObjectUrl::of_path(&path) {
            return counts && objects::is_there(self.storage, &object, stat);
        }
        counts && fs::metadata(path).map_or_else(|error| !is_absence(&error), |found| Stat::of(&found).is_like(stat))
    }

    fn sum(&self, folder: &[u8], name: &[u8], stat: Stat) -> Option<Digest> {
        let path = path::from_bytes(folder).join(path::from_bytes(name));
        MediaFile::open(&path, stat).ok()?.digest(|_| true).ok()?
    }
}

fn is_refused(refused: &[PathBuf], path: &Path) -> bool {
    refused.iter().any(|folder| path.starts_with(folder))
}

/// The wall clock, in microseconds since 1970.
fn now_us() -> i64 {
    time::now().0
}
