//! What happens to the kept blocks beside requests: they are found after a start, checked at a limited rate, and removed when
//! their version is gone.

use super::{
    cache::{Blocks, SharedBlocks},
    files::FoundBlock,
    index::KeptBlock,
    name::BlockName,
};
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The time between the end of one check of all blocks and the start of the next.
const CHECK_EVERY: Duration = Duration::from_hours(7 * 24);

impl Blocks {
    /// Finds the blocks that are in the folder; returns how many, and the bytes that their files take.
    ///
    /// # Errors
    /// Those of reading the folder.
    pub async fn load(&self) -> io::Result<(usize, u64)> {
        let Some(files) = self.0.files.clone() else { return Ok((0, 0)) };
        let index = Arc::clone(&self.0.index);
        let listed = self.0.threads.run(move || {
            let mut surplus = Vec::new();
            files.list(|name, length| {
                if !index.has(name) {
                    surplus.extend(index.insert(name, length, None));
                }
            })?;
            Ok(surplus)
        });
        let surplus = listed.await?;
        self.0.is_loaded.store(true, Relaxed);
        self.0.evict(surplus).await;
        Ok((self.0.all().await?.len(), self.0.index.bytes()))
    }

    /// The versions of which blocks are kept, as texts.
    ///
    /// # Errors
    /// When no thread is free.
    pub async fn versions(&self) -> io::Result<Vec<String>> {
        let versions: HashSet<u128> = self.0.all().await?.into_iter().map(|(name, _)| name.version).collect();
        Ok(versions.into_iter().map(|version| format!("{version:032x}")).collect())
    }

    /// Removes all blocks of these versions; returns how many there were.
    ///
    /// # Errors
    /// When no thread is free.
    pub async fn forget(&self, versions: &[String]) -> io::Result<usize> {
        let gone: HashSet<u128> =
            versions.iter().filter_map(|version| u128::from_str_radix(version, 16).ok()).collect();
        let mut names: Vec<BlockName> = self.0.all().await?.into_iter().map(|(name, _)| name).collect();
        names.retain(|name| gone.contains(&name.version) && self.0.index.remove(*name));
        let count = names.len();
        self.0.evict(names).await;
        Ok(count)
    }

    /// Checks all blocks again and again, at most `rate` bytes a second, until the cache is dropped; 0: never.
    pub fn check(&self, rate: u64) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::downgrade(&self.0);
        async move {
            while rate > 0 && check_once(&shared, rate).await {
                sleep(CHECK_EVERY).await;
            }
        }
    }
}

impl SharedBlocks {
    /// All blocks, by name.
    async fn all(&self) -> io::Result<Vec<(BlockName, Arc<KeptBlock>)>> {
        let index = Arc::clone(&self.index);
        self.threads.run(move || Ok(index.all())).await
    }
}

/// Checks all blocks once; returns whether the cache is still there.
async fn check_once(shared: &Weak<SharedBlocks>, rate: u64) -> bool {
    let Some(known) = shared.upgrade() else { return false };
    let all = known.all().await.unwrap_or_default();
    drop(known);
    for (name, kept) in all {
        let began = Instant::now();
        let Some(shared) = shared.upgrade() else { return false };
        let Some(files) = shared.files.clone().filter(|_| shared.index.has(name)) else { continue };
        let length = kept.length;
        match shared.threads.run(move || files.open(name, length, None)).await {
            Ok(FoundBlock::Good(_, stat)) => kept.note(stat),
            Ok(FoundBlock::Damaged) => shared.damaged(name).await,
            Ok(FoundBlock::Absent) => drop(shared.index.remove(name)),
            Err(error) => log::debug!("block {name} cannot be checked: {error}"),
        }
        drop(shared);
        let due_ms = length.saturating_mul(1_000).checked_div(rate).unwrap_or(0);
        sleep(Duration::from_millis(due_ms).saturating_sub(began.elapsed())).await;
    }
    shared.strong_count() > 0
}
