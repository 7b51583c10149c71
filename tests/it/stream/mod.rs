//! Streaming: ranges, links, changed files, slow and disconnected clients, and the HTTP linter `REDbot`.
#![allow(clippy::unwrap_used, reason = "a test whose files or server fail should panic where they do")]

pub(crate) mod bare;
mod changes;
mod delivered;
mod edge;
pub(crate) mod fixture;
mod hanging;
pub(crate) mod links;
pub(crate) mod ranges;
mod redbot;
mod rescan;
mod slow;
mod stalled;
