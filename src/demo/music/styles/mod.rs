//! The styles, by family. Chords are written in C and moved to each piece's key.

pub(in crate::demo) mod classical;
pub(in crate::demo) mod club;
pub(in crate::demo) mod folk;
pub(in crate::demo) mod night;
pub(in crate::demo) mod tides;
pub(in crate::demo) mod travel;
