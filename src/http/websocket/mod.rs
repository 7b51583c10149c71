//! A WebSocket on the bare stream of its connection (RFC 6455), as a device's actor reads and writes it.

mod ending;
mod frame_limit;
mod frames;
mod open;
mod outgoing;
mod pipe;

pub(super) use open::OpenSockets;
pub(super) use pipe::pair;

use tokio::io::{AsyncRead, AsyncWrite};

/// The stream of a connection: TCP, TLS or a Unix socket.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}
