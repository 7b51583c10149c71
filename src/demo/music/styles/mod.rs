//! The styles, by family. Chords are written in C and transposed to each piece's key.

pub(in crate::demo) mod classical;
pub(in crate::demo) mod club;
pub(in crate::demo) mod folk;
pub(in crate::demo) mod night;
pub(in crate::demo) mod tides;
pub(in crate::demo) mod travel;

/// The styles that the library uses.
#[cfg(test)]
pub(in crate::demo) fn every() -> impl Iterator<Item = &'static super::Style> {
    super::super::library::ALBUMS.iter().flat_map(|album| album.tracks).map(|track| track.piece.style)
}
