//! Colours, soft shapes and the loop over the pixels.

use image::{Rgb, RgbImage};

use super::super::number::{single, whole};
use super::super::random::Random;

/// A colour as red, green and blue of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour([f32; 3]);

impl Colour {
    /// A colour from its usual six hexadecimal digits.
    pub(super) fn hex(code: u32) -> Self {
        let [_, red, green, blue] = code.to_be_bytes();
        Self([red, green, blue].map(|part| f32::from(part) / 255.0))
    }

    /// This colour with the share `amount` of `other`.
    pub(super) fn mix(self, other: Self, amount: f32) -> Self {
        let amount = amount.clamp(0.0, 1.0);
        let [r, g, b] = self.0;
        let [r2, g2, b2] = other.0;
        Self([r + (r2 - r) * amount, g + (g2 - g) * amount, b + (b2 - b) * amount])
    }

    /// This colour with `amount` times `other` added.
    pub(super) fn glow(self, other: Self, amount: f32) -> Self {
        let [r, g, b] = self.0;
        let [r2, g2, b2] = other.0;
        Self([r + r2 * amount, g + g2 * amount, b + b2 * amount])
    }

    /// The colour at `place` (0 to 1) of a palette, interpolated between neighbouring entries.
    pub(super) fn along(palette: &[u32], place: f32) -> Self {
        let last = u16::try_from(palette.len().saturating_sub(1)).unwrap_or(0);
        let at = place.clamp(0.0, 1.0) * f32::from(last);
        let index = usize::try_from(whole(at.floor())).unwrap_or(0);
        let here = palette.get(index).copied().unwrap_or(0);
        let next = palette.get(index + 1).copied().unwrap_or(here);
        Self::hex(here).mix(Self::hex(next), at.fract())
    }
}

/// 1 inside a shape, 0 outside, interpolated over one pixel at the edge. `distance` to the edge is negative inside.
pub(super) fn inside(distance: f32) -> f32 {
    (0.5 - distance * 600.0).clamp(0.0, 1.0)
}

/// 1 on a line of half-width `half` around `distance` 0.
pub(super) fn line(distance: f32, half: f32) -> f32 {
    inside(distance.abs() - half)
}

/// A pseudo-random number of 0 to 1 that depends only on the cell `(x, y)` and on `salt`, one for each use.
pub(super) fn chance(x: i32, y: i32, salt: u64) -> f32 {
    let cell = (u64::from(x.cast_unsigned()) << 32) | u64::from(y.cast_unsigned());
    Random::new(cell ^ salt.wrapping_mul(0x9e37_79b9)).unit()
}

/// A square to paint on; points run from (0, 0) at the upper left to (1, 1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    side: u32,
}

impl Canvas {
    pub(super) fn new(side: u32) -> Self {
        Self { side }
    }

    /// Calls `colour(x, y)` for every pixel and adds noise that looks like paper.
    pub(super) fn paint(self, colour: impl Fn(f32, f32) -> Colour) -> RgbImage {
        let scale = 1.0 / single(f64::from(self.side));
        let mut grain = Random::new(7);
        RgbImage::from_fn(self.side, self.side, |column, row| {
            let (x, y) = (single(f64::from(column)) * scale, single(f64::from(row)) * scale);
            let corner = (x - 0.5).hypot(y - 0.5);
            let light = 1.0 - 0.22 * (corner - 0.35).max(0.0) + 0.018 * grain.bipolar();
            Rgb(colour(x, y).0.map(|part| u8::try_from(whole((part * light).clamp(0.0, 1.0) * 255.0)).unwrap_or(255)))
        })
    }
}
