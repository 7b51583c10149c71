//! The real-time core of Segue: what a session is, who may sound, and the two actors around it.
//! No HTTP, no SQL, no files, no environment; the outside world is the traits of [`ports`].

pub mod client;
pub mod close;
pub mod contracts;
pub mod directory;
pub mod ids;
pub mod inbound;
pub mod memory;
pub mod panics;
pub mod ports;
pub mod replica;
pub mod session;
pub mod socket;
pub mod state;
pub mod wire;
