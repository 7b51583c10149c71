//! The catalogue: scans folders of audio files into rows, makes covers, and keeps the search index. No HTTP, no SQL.

pub mod content;
pub mod cover;
pub mod follow;
pub mod import;
pub mod playlist;
mod rounds;
pub mod scan;
pub mod search;
pub mod stop;
pub mod sums;
pub mod tags;
