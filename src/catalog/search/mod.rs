//! Search: one search box over tracks, albums, artists and playlists, with results while the user types. See README.md.

mod fold;
mod index;
mod matching;
mod ranking;
mod schema;
mod segment;
mod snapshot;
mod tokens;
mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

pub use index::{SearchError, SearchIndex};
pub use ranking::Listing;
pub use snapshot::{Query, RESULTS_MAX, Results};
pub use words::QUERY_CHARS_MAX;
