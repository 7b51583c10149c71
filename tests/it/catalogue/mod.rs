//! The catalogue: scans of real files with both databases, and its API.
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
mod grouping;
mod identity;
mod interrupted;
mod kept;
mod left_out;
mod lengths;
pub(crate) mod library;
mod lists;
mod many;
#[path = "../../bench/music.rs"]
#[allow(dead_code, reason = "the benchmark uses more of it")]
mod music;
mod playlists;
mod renamed;
mod server;
mod spared;
mod spotify_library;
mod spotify_objects;
mod spotify_player;
mod sums;
mod tags;
mod trouble;
mod twins;
