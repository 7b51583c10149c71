//! The demo library: about thirty tracks as tagged audio files, whose music and covers are computed.
//!
//! Everything but `home` and `make` is pure: every machine and every run makes the same bytes.

mod cover;
mod encode;
mod home;
mod library;
mod make;
mod music;
mod number;
mod random;
mod sound;
#[cfg(test)]
mod tests;

pub use home::{Home, HomeError, new_password};
pub use make::{Length, MakeError, Progress, make};
