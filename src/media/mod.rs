//! Audio files: media types, versions, ranges and preconditions of requests, reading as a stream. No HTTP framework
//! here.

pub mod blocks;
pub mod by_folder;
pub mod bytes;
pub mod content_type;
pub mod delivery;
pub mod digest;
pub mod file;
pub mod multipart;
#[cfg(target_os = "linux")]
mod page_cache;
pub mod part;
pub mod precondition;
pub mod range;
pub mod stream;
pub mod threads;
pub mod version;
