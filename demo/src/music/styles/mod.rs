//! The styles, by family. Chords are written in C and transposed to each piece's key.

pub(crate) mod classical;
pub(crate) mod club;
pub(crate) mod folk;
pub(crate) mod night;
pub(crate) mod tides;
pub(crate) mod travel;

/// The styles that the library uses.
#[cfg(test)]
pub(crate) fn every() -> impl Iterator<Item = &'static super::Style> {
    super::super::library::ALBUMS.iter().flat_map(|album| album.tracks).map(|track| track.piece.style)
}
