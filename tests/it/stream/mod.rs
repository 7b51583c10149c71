//! Streaming: ranges, links, changed files, slow and vanished clients, a second opinion.
#![allow(clippy::unwrap_used, reason = "a test whose files or server fail should panic where they do")]

mod changes;
pub(crate) mod fixture;
mod links;
mod ranges;
mod redbot;
mod rescan;
mod slow;
mod stalled;
