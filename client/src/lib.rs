//! For clients of Segue, a self-hosted music server whose devices play in step: the sync protocol, and the rules that
//! every device follows.
//!
//! [`Client`] is the whole behaviour of one device without any input or output: when to sound and when to be silent,
//! what to report, how to keep the server's time, how to connect again. It opens no socket and plays no audio. The
//! program around it does three things:
//!
//! 1. It passes what happens to [`Client::step`] as an [`Input`], with the time of a clock of its own: microseconds,
//!    steady, counted from any instant. Frames are read by [`ServerMessage::decode`].
//! 2. It does what the pushed [`Output`]s say, in their order. Frames are written by
//!    [`ClientMessage::encode`](protocol::wire::ClientMessage::encode).
//! 3. It passes [`Input::Tick`] when [`Client::next_deadline`] has come.
//!
//! [`Driver`] is a client with the clock of the machine, random numbers and the ticks: what is left to a program are
//! the socket and the audio.
//!
//! A person's command is [`Input::Command`]; what screens show is [`Client::playback`], [`Client::devices`] and
//! [`Client::position_at`]. The socket is `GET /v1/sync` with the subprotocol [`SUBPROTOCOL`]; the token is in the
//! header of the request or in [`Client::new`].
//!
//! ```
//! use segue_client::{DeviceKind, Driver, HelloDevice, Input, InstanceId, Output, random};
//!
//! let device = HelloDevice::new(InstanceId(random()), "Kitchen", DeviceKind::Speaker);
//! let mut driver = Driver::new(device, Some("token".to_owned()));
//! assert_eq!(driver.output(), Some(Output::Connect));
//! driver.input(Input::Opened);
//! let Some(Output::Send(hello)) = driver.output() else { panic!("a device says hello first") };
//! assert!(hello.encode().starts_with(r#"{"type":"hello""#));
//! ```
//!
//! `examples/player.rs` is a whole device in 60 lines. `actors/PROTOCOL.md` describes the protocol for clients in any
//! language; `player/rules/` are the same rules in JavaScript.

pub mod driver;
pub mod protocol;
pub mod rules;

pub use driver::{Driver, random};
pub use protocol::device::{DeviceKind, HelloDevice};
pub use protocol::ids::{CommandId, InstanceId, MediaId};
pub use protocol::messages::Op;
pub use protocol::wire::{SUBPROTOCOL, ServerMessage};
pub use rules::{Audio, Client, Input, Link, Output, ServerTime};
