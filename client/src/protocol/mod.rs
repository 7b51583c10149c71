//! What a server and its clients share: ids, close codes, and the messages of the sync protocol.
//! `actors/PROTOCOL.md` describes the protocol for people who write clients.

pub mod close;
pub mod device;
pub mod error;
pub mod ids;
pub mod messages;
pub mod playback;
pub mod wire;
