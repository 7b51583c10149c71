//! Which blocks are kept. Those that are asked for again stay; a walk through a whole library leaves them in place
//! (the policy of the crate `quick_cache`, CLOCK-Pro).

use super::{
    files::SUM_BYTES,
    name::{BLOCK_BYTES, BlockName},
};
use crate::media::version::Stat;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter, sync::Cache};
use std::{
    hash::RandomState,
    sync::{Arc, Mutex, PoisonError},
};

/// What files take is counted in units of this size, as file systems do.
const UNIT_BYTES: u64 = 4096;
/// The most entries that room is made for at the start.
const MAX_GUESSED: usize = 1_000_000;

/// A block whose file is kept.
#[derive(Debug)]
pub(super) struct KeptBlock {
    /// Bytes of the block.
    pub(super) length: u64,
    /// The metadata of its file, once its bytes were written or checked.
    checked: Mutex<Option<Stat>>,
}

impl KeptBlock {
    pub(super) fn checked(&self) -> Option<Stat> {
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, stat: Stat) {
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(stat);
    }
}

/// The kept blocks, within a bound.
#[derive(Debug)]
pub(super) struct Index(Cache<BlockName, Arc<KeptBlock>, FileWeighter, RandomState, Evicted>);

impl Index {
    /// An empty index for files that take at most `bytes`.
    pub(super) fn new(bytes: u64) -> Self {
        let guessed = usize::try_from(bytes / BLOCK_BYTES).unwrap_or(MAX_GUESSED).clamp(1, MAX_GUESSED);
        // One shard: each has its own share of the bound, and blocks are few enough for one lock.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(guessed)
            .weight_capacity(bytes)
            .build()
            .expect("all that is needed was given");
        Self(Cache::with_options(options, FileWeighter, RandomState::new(), Evicted))
    }

    /// A block that was asked for.
    pub(super) fn get(&self, name: BlockName) -> Option<Arc<KeptBlock>> {
        self.0.get(&name)
    }

    /// Whether a block is kept. It does not count as asked for.
    pub(super) fn has(&self, name: BlockName) -> bool {
        self.0.peek(&name).is_some()
    }

    /// Adds a block; returns those whose files go for it, itself perhaps.
    pub(super) fn insert(&self, name: BlockName, length: u64, checked: Option<Stat>) -> Vec<BlockName> {
        let (kept, mut evicted) = (KeptBlock { length, checked: Mutex::new(checked) }, Vec::new());
        self.0.insert_with_lifecycle(name, Arc::new(kept), &mut evicted);
        evicted
    }

    pub(super) fn remove(&self, name: BlockName) -> bool {
        self.0.remove(&name).is_some()
    }

    /// All blocks, by name.
    pub(super) fn all(&self) -> Vec<(BlockName, Arc<KeptBlock>)> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }

    /// How many bytes the files take.
    pub(super) fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

/// What the file of a block takes.
#[derive(Debug, Clone)]
struct FileWeighter;

impl Weighter<BlockName, Arc<KeptBlock>> for FileWeighter {
    fn weight(&self, _: &BlockName, kept: &Arc<KeptBlock>) -> u64 {
        kept.length.saturating_add(SUM_BYTES).next_multiple_of(UNIT_BYTES)
    }
}

/// Collects the names of blocks that go.
#[derive(Debug, Clone)]
struct Evicted;

impl Lifecycle<BlockName, Arc<KeptBlock>> for Evicted {
    type RequestState = Vec<BlockName>;

    fn on_evict(&self, evicted: &mut Self::RequestState, name: BlockName, _: Arc<KeptBlock>) {
        evicted.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    const TRACKS: u32 = 10_000;
    const KEPT: u32 = 1_000;

    /// Reads blocks; returns how many of them were kept.
    fn read(index: &Index, blocks: impl Iterator<Item = u32>) -> u32 {
        let mut hits = 0;
        for block in blocks {
            let name = BlockName { version: block.into(), number: 0 };
            if index.get(name).is_some() {
                hits += 1;
            } else {
                index.insert(name, BLOCK_BYTES - SUM_BYTES, None);
            }
        }
        hits
    }

    #[test]
    fn what_is_popular_stays_as_if_popularity_were_known_and_a_walk_through_all_tracks_changes_little() {
        let index = Index::new(u64::from(KEPT) * BLOCK_BYTES);
        // Zipf's law: the n-th track is played 1/n times as often as the first one.
        let mut sums = vec![0.0];
        for rank in 1..=TRACKS {
            sums.push(sums.last().unwrap() + 1.0 / f64::from(rank));
        }
        let all = *sums.last().unwrap();
        // An ideal LFU holds the most popular ones at any time.
        let ideal = sums[usize::try_from(KEPT).unwrap()] / all;
        let mut random = StdRng::seed_from_u64(16);
        let mut popular = |count: u32| {
            let plays = (0..count).map(|_| {
                let at = random.random::<f64>() * all;
                u32::try_from(sums.partition_point(|sum| *sum < at)).unwrap()
            });
            f64::from(read(&index, plays)) / f64::from(count)
        };
        popular(100_000);
        let before = popular(20_000);
        read(&index, 0..TRACKS);
        let after = popular(20_000);
        assert!(before >= 0.95 * ideal && after >= 0.95 * ideal, "{before} and {after} of {ideal}");
        assert!(index.bytes() <= u64::from(KEPT) * BLOCK_BYTES);
    }
}
