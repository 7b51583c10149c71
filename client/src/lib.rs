//! For clients of Segue, a self-hosted music server whose devices play in step: the sync protocol, and the rules that
//! every device follows.
//!
//! [`Client`] is the whole behaviour of one device without any input or output: when to sound and when to be silent,
//! what to report, how to keep the server's time, how to connect again. It opens no socket and plays no audio. The
//! program around it does three things:
//!
//! 1. It passes what happens to [`Client::step`] as an [`Input`], with the time of a clock of its own: microseconds,
//!    steady, counted from any instant. Frames are read by
//!    [`ServerMessage::decode`](protocol::wire::ServerMessage::decode).
//! 2. It does what the pushed [`Output`]s say, in their order. Frames are written by
//!    [`ClientMessage::encode`](protocol::wire::ClientMessage::encode).
//! 3. It passes [`Input::Tick`] when [`Client::next_deadline`] has come.
//!
//! A person's command is [`Input::Command`]; what screens show is [`Client::playback`], [`Client::devices`] and
//! [`Client::position_at`]. The socket is `GET /v1/sync` with the subprotocol
//! [`SUBPROTOCOL`](protocol::wire::SUBPROTOCOL); the token is in the header of the request or in [`Client::new`].
//!
//! ```
//! use segue_client::protocol::device::{DeviceKind, HelloDevice};
//! use segue_client::protocol::ids::InstanceId;
//! use segue_client::{Client, Input, Output};
//!
//! let device = HelloDevice {
//!     id: None,
//!     instance: InstanceId(7), // random for each run
//!     name: "Kitchen".to_owned(),
//!     kind: DeviceKind::Other,
//!     plays: true,
//!     controls: true,
//!     volume: None,
//! };
//! let mut client = Client::new(device, Some("token".to_owned()), 0);
//! let mut outputs = Vec::new();
//! client.step(client.next_deadline(), 4, Input::Tick, &mut outputs);
//! assert_eq!(outputs, [Output::Connect]);
//! client.step(1_000, 4, Input::Opened, &mut outputs);
//! let Some(Output::Send(hello)) = outputs.get(1) else { panic!("a device says hello first") };
//! assert!(hello.encode().starts_with(r#"{"type":"hello""#));
//! ```
//!
//! `examples/player.rs` is a whole device. `actors/PROTOCOL.md` describes the protocol for clients in any language;
//! `player/rules/` are the same rules in JavaScript.

pub mod protocol;
pub mod rules;

pub use rules::{Audio, Client, Input, Link, Output, ServerTime};
