//! A frame on its way out: what of it the stream has taken.

use actix_http::ws::OpCode;
use bytes::Bytes;
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::Wire;

/// The final bit of a frame's first byte (RFC 6455, section 5.2).
const FINAL: u8 = 0x80;
/// Marks a length of two bytes, and one of eight.
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;
/// The longest header of an unmasked frame, in bytes.
const HEADER_BYTES: usize = 10;

/// The most bytes that the buffer for a frame keeps.
const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    /// A whole frame, while it is written. There is one buffer for each thread.
    static FRAME: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a frame carries. A text is shared by the sockets of all devices that it is sent to.
enum Payload {
    Text(Arc<str>),
    Bytes(Bytes),
}

/// A frame, and how many of its bytes the stream has taken.
pub(super) struct Outgoing {
    header: [u8; HEADER_BYTES],
    header_length: usize,
    payload: Payload,
    taken: usize,
}

impl Outgoing {
    pub(super) fn text(text: Arc<str>) -> Self {
        Self::new(OpCode::Text, Payload::Text(text))
    }

    pub(super) fn control(kind: OpCode, payload: Bytes) -> Self {
        Self::new(kind, Payload::Bytes(payload))
    }

    fn new(kind: OpCode, payload: Payload) -> Self {
        let first = FINAL | u8::from(kind);
        let length = payload.bytes().len();
        let (header, header_length) = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short), _) if short < LENGTH_16 => ([first, short, 0, 0, 0, 0, 0, 0, 0, 0], 2),
            (_, Ok(medium)) => {
                let [a, b] = medium.to_be_bytes();
                ([first, LENGTH_16, a, b, 0, 0, 0, 0, 0, 0], 4)
            }
            _ => {
                let mut header = [first, LENGTH_64, 0, 0, 0, 0, 0, 0, 0, 0];
                let length = u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
                header.iter_mut().skip(2).zip(length).for_each(|(place, byte)| *place = byte);
                (header, HEADER_BYTES)
            }
        };
        Self { header, header_length, payload, taken: 0 }
    }

    /// Gives the stream what it takes of the rest; ready when it has all.
    ///
    /// # Errors
    /// Those of the stream.
    pub(super) fn poll_write(&mut self, wire: &mut dyn Wire, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let header = self.header.get(..self.header_length).unwrap_or_default();
            let payload = self.payload.bytes();
            let rest = (
                header.get(self.taken..).unwrap_or_default(),
                payload.get(self.taken.saturating_sub(header.len())..).unwrap_or_default(),
            );
            if rest.0.is_empty() && rest.1.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let mut write = |bytes: &[u8]| Pin::new(&mut *wire).poll_write(context, bytes);
            let result = if rest.0.is_empty() { write(rest.1) } else { joined(rest.0, rest.1, write) };
            match ready!(result)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.taken = self.taken.saturating_add(length),
            }
        }
    }
}

/// Calls `write` with both in one piece: one packet, one record of TLS, and less for the kernel than to gather them.
fn joined<T>(header: &[u8], payload: &[u8], write: impl FnOnce(&[u8]) -> T) -> T {
    FRAME.with_borrow_mut(|frame| {
        frame.clear();
        frame.extend_from_slice(header);
        frame.extend_from_slice(payload);
        let result = write(frame);
        frame.shrink_to(KEPT_BYTES);
        result
    })
}

impl Payload {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_http::ws::Parser;
    use bytes::BytesMut;
    use std::task::Waker;
    use tokio::io::AsyncReadExt as _;

    /// Writes a frame through a stream that takes `most` bytes at a time.
    fn written(frame: &mut Outgoing, most: usize) -> Vec<u8> {
        let (mut here, mut there) = tokio::io::duplex(most);
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = Vec::new();
        loop {
            let polled = frame.poll_write(&mut here, &mut context);
            let mut some = vec![0; most];
            let read = Box::pin(there.read(&mut some)).as_mut().poll(&mut context);
            if let Poll::Ready(Ok(length)) = read {
                bytes.extend_from_slice(&some[..length]);
            }
            if polled.is_ready() {
                return bytes;
            }
        }
    }

    #[test]
    fn frames_of_all_lengths_are_those_of_the_library_however_little_the_stream_takes() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let text = "x".repeat(length);
            let mut expected = BytesMut::new();
            Parser::write_message(&mut expected, &text, OpCode::Text, true, false);
            for most in [3, 1_000, 100_000] {
                assert_eq!(written(&mut Outgoing::text(text.as_str().into()), most), expected, "{length} {most}");
            }
        }
        let mut expected = BytesMut::new();
        Parser::write_message(&mut expected, "abc", OpCode::Pong, true, false);
        assert_eq!(written(&mut Outgoing::control(OpCode::Pong, Bytes::from_static(b"abc")), 2), expected);
    }
}
