//! Devices on real sockets: each part of a run is one thread that drives all devices of some users.

pub mod audio;
pub mod book;
pub mod clock;
mod device;
pub mod frame;
pub mod part;
mod person;
mod settle;
pub(crate) mod socket;
mod timers;
