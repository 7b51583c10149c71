//! A small composer: styles are data, pieces are styles with a key, a tempo and a seed. Knows nothing of samples.

mod chord;
mod compose;
mod melody;
mod style;
pub(super) mod styles;

pub(super) use compose::{Piece, compose};
pub(super) use style::Style;
