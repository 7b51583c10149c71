//! Reads an object block by block, and ahead where that is going on.

use super::{
    cache::Blocks,
    name::BlockName,
    source::{CachedObject, FetchError},
};
use crate::media::{part::MediaPart, threads::FolderThreads};
use std::sync::Arc;

/// The most blocks that are fetched ahead: 1 MiB.
const MOST_AHEAD: u32 = 4;

/// Reads one object through the cache.
#[derive(Debug, Clone)]
pub struct BlockReader {
    blocks: Blocks,
    object: Arc<CachedObject>,
    /// The block that was read last, and how many before it were read one after the other.
    last: Option<(u32, u32)>,
}

impl BlockReader {
    /// A reader of this object.
    #[must_use]
    pub const fn new(blocks: Blocks, object: Arc<CachedObject>) -> Self {
        Self { blocks, object, last: None }
    }

    /// The threads on which the files of blocks are read.
    #[must_use]
    pub fn threads(&self) -> &FolderThreads {
        &self.blocks.0.threads
    }

    /// The block with the byte at `at`, which lies in the object.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn part(&mut self, at: u64) -> Result<MediaPart, FetchError> {
        let name = self.object.block(at);
        let run = self.run(name);
        self.last = Some((name.number, run));
        for next in 1..=run.min(MOST_AHEAD) {
            let next = BlockName { number: name.number.saturating_add(next), ..name };
            self.blocks.prefetch(&self.object, next);
        }
        self.blocks.part(&self.object, at).await
    }

    /// How many blocks before this one were read just before it.
    fn run(&self, name: BlockName) -> u32 {
        match self.last {
            Some((last, run)) if last == name.number => run,
            Some((last, run)) if last.checked_add(1) == Some(name.number) => run.saturating_add(1),
            Some(_) => 0,
            // A player that asks by ranges goes on where the range before has ended.
            None => {
                let before = name.number.checked_sub(1).map(|number| BlockName { number, ..name });
                u32::from(before.is_some_and(|before| self.blocks.has(before)))
            }
        }
    }
}
