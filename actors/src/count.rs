//! What the server counts for `/metrics`. Each thread counts in a block of its own, without locks; a scrape gets the
//! sums of all threads, those that have ended included.

use std::{
    array,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Number of upper bounds of a histogram of times.
const BOUNDS: usize = 14;

/// The upper bounds of the buckets of times, in microseconds. What took longer is in one more bucket.
pub const BOUNDS_US: [u64; BOUNDS] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
];

/// A histogram of times that one thread writes.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS],
    longer: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    fn note(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        grow(self.buckets.get(bucket).unwrap_or(&self.longer), 1);
        grow(&self.sum_us, us);
    }

    fn times(&self) -> Times {
        let buckets = array::from_fn(|at| self.buckets.get(at).map_or(0, |bucket| bucket.load(Relaxed)));
        Times { buckets, longer: self.longer.load(Relaxed), sum_us: self.sum_us.load(Relaxed) }
    }
}

/// How often something happened, by how long it took.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How often it took at most each of [`BOUNDS_US`] and more than the one before.
    pub buckets: [u64; BOUNDS],
    /// How often it took longer than all of them.
    pub longer: u64,
    /// All times together, in microseconds.
    pub sum_us: u64,
}

impl Times {
    /// How often it happened.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.longer
    }

    fn add(&mut self, other: Self) {
        for (sum, more) in self.buckets.iter_mut().zip(other.buckets) {
            *sum = sum.wrapping_add(more);
        }
        self.longer = self.longer.wrapping_add(other.longer);
        self.sum_us = self.sum_us.wrapping_add(other.sum_us);
    }
}

macro_rules! counted {
    (numbers: $($(#[doc = $doc:literal])+ $number:ident;)+ times: $($(#[doc = $about:literal])+ $times:ident;)+) => {
        /// The numbers of one thread. A level that one thread raises and another lowers is right in the sum, which wraps.
        #[derive(Debug, Default)]
        struct Block {
            $($number: AtomicU64,)+
            $($times: Histogram,)+
        }

        /// The sums of all threads.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub struct CountSums {
            $($(#[doc = $doc])+ pub $number: u64,)+
            $($(#[doc = $about])+ pub $times: Times,)+
        }

        impl CountSums {
            fn add(&mut self, block: &Block) {
                $(self.$number = self.$number.wrapping_add(block.$number.load(Relaxed));)+
                $(self.$times.add(block.$times.times());)+
            }
        }
    };
}

counted! {
    numbers:
    /// Sessions that run.
    sessions;
    /// Sockets that are open.
    sockets;
    /// Listed devices that have a socket.
    devices_online;
    /// Listed devices whose socket ended uncleanly and whose grace has not passed.
    devices_away;
    /// Frames that wait for their sockets.
    backlog_frames;
    /// Bytes that wait for sockets.
    backlog_bytes;
    /// Text frames of devices.
    frames_in;
    /// Bytes of these.
    bytes_in;
    /// Text frames to devices, handed to their sockets.
    frames_out;
    /// Bytes of these.
    bytes_out;
    /// Frames with a state that were not sent, because a newer state took their place.
    replaced_states;
    /// Sockets that were closed because nothing was received for too long.
    lost_heartbeats;
    /// Commits that are in the database.
    committed;
    /// Commits that were refused or whose outcome is not known.
    not_committed;
    /// Rows of sessions and plays that transactions of the store wrote.
    stored_rows;
    /// Scaled covers that were in their folder.
    cover_hits;
    /// Scaled covers that were not.
    cover_misses;
    /// Answers with the bytes of a file that were sent on bare connections.
    media_bare;
    /// Those that HTTP sent.
    media_http;
    /// Bytes of media that were read from files in music folders.
    bytes_from_folders;
    /// Bytes of media that were read from blocks in the cache.
    bytes_from_cache;
    /// Bytes of media that came from the storage and could not be kept.
    bytes_from_storage;
    /// Blocks asked for that were in the cache.
    block_hits;
    /// Blocks asked for that were not.
    block_misses;
    /// Blocks that were removed from the cache to make room.
    blocks_evicted;
    /// Blocks whose file had other bytes.
    blocks_damaged;
    /// Bytes of blocks that were fetched from the storage.
    storage_bytes;
    /// Blocks that the storage did not give.
    storage_errors;
    /// Pages of long lists whose keys were in memory.
    list_hits;
    /// Pages of long lists whose keys were read from the database.
    list_misses;
    times:
    /// From the start of a commit to its outcome, as a session waits for it.
    commit;
    /// A transaction that writes sessions and plays.
    store;
    /// A read from the database, with the wait for a connection.
    read;
    /// A write to the database other than of the store, with the wait for a connection.
    write;
}

/// The blocks of threads that run, and the sums of those that have ended.
#[derive(Default)]
struct Registry {
    running: Vec<Arc<Block>>,
    ended: CountSums,
    /// The delays of the event loops, by number of the worker.
    workers: Vec<Arc<Histogram>>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The block of a thread; it is registered as long as the thread runs.
struct OwnBlock(Arc<Block>);

impl OwnBlock {
    fn register() -> Self {
        let block = Arc::<Block>::default();
        registry().running.push(Arc::clone(&block));
        Self(block)
    }
}

impl Drop for OwnBlock {
    fn drop(&mut self) {
        let mut all = registry();
        all.ended.add(&self.0);
        all.running.retain(|block| !Arc::ptr_eq(block, &self.0));
    }
}

thread_local! {
    static OWN: OwnBlock = OwnBlock::register();
}

/// Adds to a number of the thread that calls, the only one that writes it.
fn grow(number: &AtomicU64, by: u64) {
    number.store(number.load(Relaxed).wrapping_add(by), Relaxed);
}

/// Calls `with` with the block of this thread. While the thread ends there is none, and nothing is counted.
fn own(with: impl FnOnce(&Block)) {
    // The error says that there is none.
    let _ = OWN.try_with(|block| with(&block.0));
}

/// The sums of all threads. Takes a lock that no counting takes, and reads some hundred numbers for each thread.
#[must_use]
pub fn sums() -> CountSums {
    let all = registry();
    let mut sums = all.ended;
    for block in &all.running {
        sums.add(block);
    }
    sums
}

/// What this thread has counted.
#[cfg(test)]
pub(crate) fn of_this_thread() -> CountSums {
    let mut sums = CountSums::default();
    own(|block| sums.add(block));
    sums
}

/// By how much each worker's event loop was late.
#[must_use]
pub fn loop_delays() -> Vec<Times> {
    registry().workers.iter().map(|worker| worker.times()).collect()
}

/// The delays of one worker's event loop. One thread writes them.
#[derive(Debug)]
pub struct LoopDelays(Arc<Histogram>);

impl LoopDelays {
    /// Those of a further worker.
    #[must_use]
    pub fn of_a_worker() -> Self {
        let delays = Arc::<Histogram>::default();
        registry().workers.push(Arc::clone(&delays));
        Self(delays)
    }

    /// Notes by how much a timer was late.
    pub fn note(&self, late: Duration) {
        self.0.note(late);
    }
}

/// What its owner adds to a number that rises and falls; nothing any more once this is dropped.
#[derive(Debug)]
pub struct LevelShare {
    now: usize,
    of: fn(&Block) -> &AtomicU64,
}

macro_rules! levels {
    ($($name:ident;)+) => {
        impl LevelShare {
            $(
                /// The owner's part of the number of [`CountSums`] that has this name: 0 at first.
                #[must_use]
                pub fn $name() -> Self {
                    Self { now: 0, of: |block| &block.$name }
                }
            )+
        }
    };
}

levels! { sessions; sockets; devices_online; devices_away; backlog_frames; backlog_bytes; }

impl LevelShare {
    /// The same, with one added.
    #[must_use]
    pub fn with_one(mut self) -> Self {
        self.set(1);
        self
    }

    /// What the owner adds now.
    #[must_use]
    pub const fn now(&self) -> usize {
        self.now
    }

    /// Sets what the owner adds.
    pub fn set(&mut self, now: usize) {
        if now != self.now {
            let by = number(now).wrapping_sub(number(self.now));
            own(|block| grow((self.of)(block), by));
            self.now = now;
        }
    }
}

impl Drop for LevelShare {
    fn drop(&mut self) {
        self.set(0);
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A text frame of so many bytes came from a device.
pub fn frame_in(bytes: usize) {
    own(|block| {
        grow(&block.frames_in, 1);
        grow(&block.bytes_in, number(bytes));
    });
}

/// A text frame of so many bytes was handed to a device's socket.
pub fn frame_out(bytes: usize) {
    own(|block| {
        grow(&block.frames_out, 1);
        grow(&block.bytes_out, number(bytes));
    });
}

/// A newer state took the place of one that waited for its socket.
pub fn replaced_state() {
    own(|block| grow(&block.replaced_states, 1));
}

/// A socket is closed because nothing was received for too long.
pub fn lost_heartbeat() {
    own(|block| grow(&block.lost_heartbeats, 1));
}

/// A commit has an outcome.
pub fn commit(took: Duration, is_committed: bool) {
    own(|block| {
        grow(if is_committed { &block.committed } else { &block.not_committed }, 1);
        block.commit.note(took);
    });
}

/// The store has written a transaction of so many rows, or has failed to.
pub fn stored(took: Duration, rows: Option<usize>) {
    own(|block| {
        grow(&block.stored_rows, number(rows.unwrap_or(0)));
        block.store.note(took);
    });
}

/// The database was read, or written other than by the store.
pub fn database(took: Duration, is_read: bool) {
    own(|block| if is_read { block.read.note(took) } else { block.write.note(took) });
}

/// A scaled cover was asked for.
pub fn cover(is_hit: bool) {
    own(|block| grow(if is_hit { &block.cover_hits } else { &block.cover_misses }, 1));
}

/// An answer with the bytes of a file, or with the news that the client has them, begins.
pub fn media(is_bare: bool) {
    own(|block| grow(if is_bare { &block.media_bare } else { &block.media_http }, 1));
}

/// Where bytes of media are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaSource {
    /// A file in a music folder.
    Folder,
    /// A block in the cache.
    Cache,
    /// A block that could not be kept.
    Storage,
}

/// Bytes of media were read for an answer.
pub fn media_bytes(source: MediaSource, bytes: u64) {
    own(|block| {
        let sum = match source {
            MediaSource::Folder => &block.bytes_from_folders,
            MediaSource::Cache => &block.bytes_from_cache,
            MediaSource::Storage => &block.bytes_from_storage,
        };
        grow(sum, bytes);
    });
}

/// A block of an object was asked for.
pub fn block(is_hit: bool) {
    own(|block| grow(if is_hit { &block.block_hits } else { &block.block_misses }, 1));
}

/// So many blocks were removed to make room.
pub fn blocks_evicted(number: u64) {
    own(|block| grow(&block.blocks_evicted, number));
}

/// The file of a block had other bytes.
pub fn block_damaged() {
    own(|block| grow(&block.blocks_damaged, 1));
}

/// A block of so many bytes was fetched, or could not be.
pub fn fetched(bytes: Option<u64>) {
    own(|block| match bytes {
        Some(bytes) => grow(&block.storage_bytes, bytes),
        None => grow(&block.storage_errors, 1),
    });
}

/// A page of a long list was asked for.
pub fn list(is_hit: bool) {
    own(|block| grow(if is_hit { &block.list_hits } else { &block.list_misses }, 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    // Other tests of this process count too, so that sums are only compared where no other test touches them.

    #[test]
    fn what_a_thread_counted_stays_in_the_sum_when_it_has_ended() {
        let (tell, told) = mpsc::channel::<()>();
        let (count, counted) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            cover(true);
            cover(false);
            cover(false);
            count.send(()).expect("the test waits");
            told.recv().expect("the test tells");
        });
        counted.recv().expect("it counts");
        let running = sums();
        assert_eq!((running.cover_hits, running.cover_misses), (1, 2));
        tell.send(()).expect("it waits");
        thread.join().expect("no panic");
        let ended = sums();
        assert_eq!((ended.cover_hits, ended.cover_misses), (1, 2));
    }

    #[test]
    fn a_level_counts_until_it_is_dropped_on_whatever_thread() {
        let mut level = LevelShare { now: 0, of: |block| &block.stored_rows };
        level.set(5);
        level.set(3);
        assert_eq!(sums().stored_rows, 3);
        thread::spawn(move || drop(level)).join().expect("no panic");
        assert_eq!(sums().stored_rows, 0);
    }

    #[test]
    fn a_time_is_in_the_bucket_of_the_first_bound_that_is_not_below_it() {
        let histogram = Histogram::default();
        for us in [0, 250, 251, 10_000_000, 10_000_001] {
            histogram.note(Duration::from_micros(us));
        }
        let times = histogram.times();
        assert_eq!((times.buckets[0], times.buckets[1], times.buckets[BOUNDS - 1], times.longer), (2, 1, 1, 1));
        assert_eq!((times.count(), times.sum_us), (5, 20_000_502));
    }
}
