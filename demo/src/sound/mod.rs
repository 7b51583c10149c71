//! From a note to samples, and from many notes to a finished stereo piece. Independent of music theory and of files.

mod drum;
mod filter;
mod held;
mod loudness;
mod mix;
mod pluck;
mod room;
mod struck;
mod voice;

pub(super) use loudness::loudness_lufs;
pub(super) use mix::{Note, Score, Space, Stereo, render};
pub(super) use voice::Voice;
