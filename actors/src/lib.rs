//! The real-time core of Segue: sessions, which device may sound, and the actors around it.
//! No HTTP, SQL, files or environment: the outside world is reached by the traits of [`node::ports`].
//!
//! Folders depend on each other in one direction: `state` on `protocol`, `node` on `state`, `socket` on `node`,
//! `session` on `socket` and `node`; [`directory`] starts sessions. `protocol` is that of the crate `segue-client`,
//! which clients use without this one. [`count`] is used by all.

pub mod count;
pub mod directory;
pub mod node;
pub mod session;
pub mod socket;
pub mod state;
pub mod testing;

pub use segue_client::{id64, protocol};
