//! The composer: a style is data, a piece is a style with a key, a tempo and a seed. Independent of audio samples.

mod chord;
mod compose;
mod melody;
mod stroke;
mod style;
pub(super) mod styles;

pub(super) use compose::{Piece, compose};
pub(super) use style::Style;
