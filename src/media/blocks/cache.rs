//! The cache: finds blocks in files, or fetches and keeps them.

use super::{
    fetch::{Fetches, PendingFetch},
    files::{BlockFiles, FoundBlock},
    index::Index,
    name::BlockName,
    source::{CachedObject, FetchError},
};
use crate::media::{
    file::MediaFile,
    part::{MediaPart, PartBytes},
    threads::FolderThreads,
};
use bytes::Bytes;
use quick_cache::sync::Cache;
use segue_actors::count;
use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long an asker waits for a block.
const WITHIN: Duration = Duration::from_secs(10);
/// How many blocks are fetched at once. Each is in memory until it is written.
const FETCHES: usize = 64;
/// How many of those may be ahead of demand.
const AHEAD: usize = 32;
/// How many files of blocks stay open for the next asker.
const OPEN_FILES: usize = 256;
/// How often the log says that blocks cannot be kept.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// The cache of blocks. A clone is the same cache.
#[derive(Clone)]
pub struct Blocks(pub(super) Arc<SharedBlocks>);

/// What the clones share.
pub(super) struct SharedBlocks {
    /// `None` where nothing is kept.
    pub(super) files: Option<Arc<BlockFiles>>,
    pub(super) index: Arc<Index>,
    /// Files that were used last, to open none anew.
    pub(super) opened: Cache<BlockName, Arc<MediaFile>>,
    /// Whether the index knows all files of the folder.
    pub(super) is_loaded: AtomicBool,
    /// Whether the last block could not be written.
    is_failing: AtomicBool,
    pub(super) threads: FolderThreads,
    fetches: Fetches<Obtained>,
    turns: Semaphore,
    ahead: Arc<Semaphore>,
    /// When the log said that blocks cannot be kept.
    said: Mutex<Option<Instant>>,
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("files", &self.0.files).finish_non_exhaustive()
    }
}

/// A block that was found or fetched.
#[derive(Debug, Clone)]
pub(super) struct Obtained {
    part: MediaPart,
    is_kept: bool,
}

impl Blocks {
    /// A cache in this folder, whose files take at most `bytes`; 0 keeps none. Its work runs on the event loop of `handle`,
    /// files are read and written on `threads`. Blocks shortly.
    ///
    /// # Errors
    /// Those of making the folder.
    pub fn new(folder: PathBuf, bytes: u64, threads: FolderThreads, handle: Handle) -> io::Result<Self> {
        let files = if bytes == 0 { None } else { Some(Arc::new(BlockFiles::new(folder)?)) };
        Ok(Self(Arc::new(SharedBlocks {
            is_loaded: AtomicBool::new(files.is_none()),
            files,
            index: Arc::new(Index::new(bytes)),
            opened: Cache::new(OPEN_FILES),
            is_failing: AtomicBool::new(false),
            threads,
            fetches: Fetches::new(handle),
            turns: Semaphore::new(FETCHES),
            ahead: Arc::new(Semaphore::new(AHEAD)),
            said: Mutex::default(),
        })))
    }

    /// The block with the byte at `at` of an object, in which it lies. Whoever asks while it is fetched waits for that fetch,
    /// which goes on when the first asker leaves.
    ///
    /// # Errors
    /// See [`FetchError`]; it is unavailable after 10 s.
    pub(super) async fn part(&self, object: &Arc<CachedObject>, at: u64) -> Result<MediaPart, FetchError> {
        let name = object.block(at);
        if let Some(file) = self.0.opened.get(&name).filter(|file| file.is_unchanged()) {
            // That it was asked for counts where it is decided what stays.
            let _ = self.0.index.get(name);
            count::block(true);
            return Ok(whole(name, object, PartBytes::File(file)));
        }
        let waiting = self.waiting(name, object, None);
        let obtained = timeout(WITHIN, waiting)
            .await
            .map_err(|_| FetchError::unavailable(format_args!("a block did not come within {} s", WITHIN.as_secs())))?;
        let obtained = obtained.unwrap_or_else(|_| Err(FetchError::unavailable("the server is stopping")))?;
        count::block(obtained.is_kept);
        Ok(obtained.part)
    }

    /// Begins to fetch a block that is not kept, if it can be kept and few are fetched ahead of demand.
    pub(super) fn prefetch(&self, object: &Arc<CachedObject>, name: BlockName) {
        let can_keep = self.0.files.is_some() && !self.0.is_failing.load(Relaxed);
        if !can_keep || self.has(name) || name.range(object.length).is_empty() {
            return;
        }
        if let Ok(turn) = Arc::clone(&self.0.ahead).try_acquire_owned() {
            drop(self.waiting(name, object, Some(turn)));
        }
    }

    /// Whether a block is kept.
    pub(super) fn has(&self, name: BlockName) -> bool {
        self.0.index.has(name)
    }

    fn waiting(
        &self,
        name: BlockName,
        object: &Arc<CachedObject>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> PendingFetch<Obtained> {
        let (shared, object) = (Arc::clone(&self.0), Arc::clone(object));
        self.0.fetches.join(name, async move {
            let obtained = shared.obtain(name, &object).await;
            drop(turn);
            obtained
        })
    }
}

impl SharedBlocks {
    async fn obtain(self: Arc<Self>, name: BlockName, object: &CachedObject) -> Result<Obtained, FetchError> {
        let range = name.range(object.length);
        let length = range.end - range.start;
        if length == 0 {
            return Err(FetchError::unavailable("the byte lies behind the end of the object"));
        }
        if let Some(file) = self.find(name, length).await {
            return Ok(Obtained { part: whole(name, object, PartBytes::File(file)), is_kept: true });
        }
        let turn = self.turns.acquire().await.map_err(FetchError::unavailable)?;
        let fetched = object.source.fetch(range).await.and_then(|bytes| {
            let is_whole = u64::try_from(bytes.len()) == Ok(length);
            is_whole.then_some(bytes).ok_or_else(|| FetchError::unavailable("the storage gave another number of bytes"))
        });
        let bytes = fetched.inspect_err(|_| count::fetched(None))?;
        count::fetched(Some(length));
        let held = self.keep(name, bytes).await;
        drop(turn);
        Ok(Obtained { part: whole(name, object, held), is_kept: false })
    }

    /// The file of a block that is kept; checked unless it was before.
    async fn find(&self, name: BlockName, length: u64) -> Option<Arc<MediaFile>> {
        let kept = self.index.get(name);
        // Until all files are known the folder may have it all the same.
        let files = self.files.as_ref().filter(|_| kept.is_some() || !self.is_loaded.load(Relaxed))?;
        let (files, known) = (Arc::clone(files), kept.as_ref().and_then(|kept| kept.checked()));
        let found = self.threads.run(move || files.open(name, length, known)).await;
        match found {
            Ok(FoundBlock::Good(file, stat)) => {
                let file = Arc::new(file);
                match kept {
                    Some(kept) => kept.note(stat),
                    None => self.evict(self.index.insert(name, length, Some(stat))).await,
                }
                self.hold(name, &file);
                Some(file)
            }
            Ok(FoundBlock::Absent) => {
                self.index.remove(name);
                None
            }
            Ok(FoundBlock::Damaged) => {
                self.damaged(name).await;
                None
            }
            Err(error) => {
                self.say(&format!("the file of a block cannot be read: {error}"));
                None
            }
        }
    }

    /// Removes a block whose file has other bytes.
    pub(super) async fn damaged(&self, name: BlockName) {
        count::block_damaged();
        log::warn!("the file of block {name} was damaged and is removed: look after the disk of cache_dir");
        self.index.remove(name);
        self.evict(vec![name]).await;
    }

    /// Writes a block to its file, if that can be.
    async fn keep(&self, name: BlockName, bytes: Bytes) -> PartBytes {
        let Some(files) = &self.files else { return PartBytes::Memory(bytes) };
        let (files, copy, length) = (Arc::clone(files), bytes.clone(), u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let written = self.threads.run(move || files.write(name, &copy)).await;
        self.is_failing.store(written.is_err(), Relaxed);
        match written {
            Ok((file, stat)) => {
                let file = Arc::new(file);
                let evicted = self.index.insert(name, length, Some(stat));
                count::blocks_evicted(u64::try_from(evicted.len()).unwrap_or(0));
                self.evict(evicted).await;
                self.hold(name, &file);
                PartBytes::File(file)
            }
            Err(error) => {
                self.say(&format!("blocks of objects cannot be kept in cache_dir: {error}"));
                PartBytes::Memory(bytes)
            }
        }
    }

    /// Keeps a file open for the next asker.
    fn hold(&self, name: BlockName, file: &Arc<MediaFile>) {
        if self.index.has(name) {
            self.opened.insert(name, Arc::clone(file));
        }
    }

    /// Removes the files of blocks that the index has given up.
    pub(super) async fn evict(&self, names: Vec<BlockName>) {
        let Some(files) = self.files.clone().filter(|_| !names.is_empty()) else { return };
        for name in &names {
            self.opened.remove(name);
        }
        let removed = self.threads.run(move || names.into_iter().try_for_each(|name| files.remove(name))).await;
        if let Err(error) = removed {
            self.say(&format!("the file of a block cannot be removed from cache_dir: {error}"));
        }
    }

    /// Warns, not more often than each minute.
    fn say(&self, text: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= SAY_AGAIN) {
            *said = Some(Instant::now());
            log::warn!("{text}");
        }
    }
}

fn whole(name: BlockName, object: &CachedObject, held: PartBytes) -> MediaPart {
    let range = name.range(object.length);
    MediaPart { held, first: range.start, end: range.end }
}
