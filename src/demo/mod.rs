//! The demo library: about thirty tracks that Segue composes, plays and paints itself, as real tagged files.
//!
//! Everything but `home` and `make` is pure: the same library comes out of every machine and every run.

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
