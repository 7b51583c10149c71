//! The catalogue: scans of real files on both databases, and what HTTP shows of it.
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::format_push_string,
    reason = "small numbers, short texts"
)]

mod albums;
mod corpora;
mod covers;
mod folders;
mod identity;
mod interrupted;
mod library;
mod lists;
mod many;
mod playlists;
mod server;
mod sums;
