//! Blocks of objects, kept as files on a disk: one fetch for each block however many wait for it.

mod cache;
mod fetch;
mod files;
mod index;
mod name;
mod reader;
mod source;
#[cfg(test)]
mod tests;
mod upkeep;

pub use cache::Blocks;
pub use name::{BLOCK_BYTES, BlockName};
pub use reader::BlockReader;
pub use source::{BlockSource, CachedObject, FetchError, FetchFailure};
