//! Album covers: each motif is a function from a point to a colour.

mod canvas;
mod night;
mod paper;

use canvas::Canvas;

/// What is drawn on a cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motif {
    /// Rows of hills before a low sun.
    Hills,
    /// Glowing rings in the shape of petals.
    Rings,
    /// Planets on their orbits.
    Orbits,
    /// Layers of sea waves.
    Waves,
    /// Overlapping round scales under a red sun.
    Scales,
    /// A street of lit windows at night.
    Windows,
    /// Quarter circles of cut paper.
    Tiles,
    /// A bird of pixels.
    Pixels,
    /// Lights over black water.
    Lanterns,
}

/// Width and height of a cover in pixels.
pub(super) const SIDE: u32 = 600;

impl Motif {
    /// The cover as a JPEG file. The same motif gives the same bytes.
    ///
    /// # Errors
    /// When the encoder fails.
    pub(super) fn jpeg(self, side: u32) -> Result<Vec<u8>, image::ImageError> {
        let canvas = Canvas::new(side);
        let picture = match self {
            Self::Hills => canvas.paint(paper::hills),
            Self::Rings => canvas.paint(night::rings),
            Self::Orbits => canvas.paint(night::orbits),
            Self::Waves => canvas.paint(paper::waves),
            Self::Scales => canvas.paint(paper::scales),
            Self::Windows => canvas.paint(night::windows),
            Self::Tiles => canvas.paint(paper::tiles),
            Self::Pixels => canvas.paint(night::pixels),
            Self::Lanterns => canvas.paint(night::lanterns),
        };
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&picture)?;
        Ok(bytes)
    }
}
