//! The real-time core of Segue: what a session is, who may sound, and the actors around it.
//! No HTTP, SQL, files or environment; the outside world is the traits of [`node::ports`].
//!
//! Folders depend on each other in one direction: `protocol` on nothing, `client` on `protocol`, `state` on
//! `protocol`, `node` on `state`, `socket` on `node`, `session` on `socket` and `node`; [`directory`] starts sessions.

pub mod client;
pub mod directory;
pub mod node;
pub mod protocol;
pub mod session;
pub mod socket;
pub mod state;
pub mod testing;
