//! The catalogue: scans of real files on both databases, and what HTTP shows of it.

mod albums;
mod corpora;
mod covers;
mod folders;
mod identity;
mod interrupted;
mod library;
mod lists;
mod playlists;
mod server;
