//! The end of a WebSocket: its last frames, and a moment in which the client can take them.

use super::{Wire, open::OpenSocket, outgoing::Outgoing};
use actix_http::ws::{CloseCode, CloseReason, OpCode};
use bytes::Bytes;
use std::{future::poll_fn, io, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout_at},
};

/// A connection that does not take the last frames within this time, or does not close after them, is cut.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// The most bytes that are read and dropped at the end.
const DROPPED_BYTES: usize = 256 * 1024;

/// A close frame.
pub(super) fn close_frame(code: CloseCode, why: &str) -> Outgoing {
    let reason = CloseReason { code, description: None };
    let mut payload = u16::from(reason.code).to_be_bytes().to_vec();
    payload.extend_from_slice(why.as_bytes());
    Outgoing::control(OpCode::Close, Bytes::from(payload))
}

/// Sends the last frames and ends the connection.
pub(super) async fn end(mut wire: Box<dyn Wire>, last: Vec<Outgoing>, open: OpenSocket) {
    let until = Instant::now() + CLOSE_WITHIN;
    let farewell = async {
        for mut frame in last {
            poll_fn(|context| frame.poll_write(&mut *wire, context)).await?;
        }
        wire.flush().await?;
        wire.shutdown().await?;
        // Without reading, the system would cut the connection before the client has the last frames.
        let mut dropped = 0;
        let mut buffer = [0; 1024];
        while dropped < DROPPED_BYTES {
            match wire.read(&mut buffer).await? {
                0 => return Ok(()),
                length => dropped += length,
            }
        }
        io::Result::Ok(())
    };
    match timeout_at(until, farewell).await {
        // A client that sends on is not read any more; it has the rest of the time for the last frames.
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => log::debug!("a connection was gone before the end of its socket: {error}"),
    }
    drop(open);
}
