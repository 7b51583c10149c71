//! The catalogue's way from folders of files to rows: walk, read, record, watch. No HTTP, no SQL.

pub mod fold;
pub mod tags;

pub use crate::media::version;
