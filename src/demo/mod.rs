//! The demo library: about thirty tracks that Segue composes, plays and paints itself, as real tagged files.
//!
//! Everything but `make` is pure: the same library comes out of every machine and every run.

mod cover;
mod encode;
mod library;
mod make;
mod music;
mod number;
mod random;
mod sound;

pub use make::{Length, MakeError, Progress, make};
