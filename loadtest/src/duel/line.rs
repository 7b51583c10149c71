//! One WebSocket of a comparison: as little work as a client can do.

use crate::drive::frame::{self, CLOSE, PING, PONG, TEXT};
use crate::drive::socket::connect;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

/// What came of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    Open,
    Ping,
    Text(Box<str>),
}

/// A socket.
pub(super) struct Line {
    pub(super) stream: TcpStream,
    is_open: bool,
    out: Vec<u8>,
    kept: Vec<u8>,
    /// The instant that it was shown last.
    pub(super) seen_us: i64,
    /// Whether it was shown the state.
    pub(super) has_joined: bool,
}

impl Line {
    /// Connects, and asks with `request` once connected.
    pub(super) fn new(address: SocketAddr, request: String) -> io::Result<Self> {
        let stream = connect(address, None)?;
        let (out, kept) = (request.into_bytes(), Vec::new());
        Ok(Self { stream, is_open: false, out, kept, seen_us: 0, has_joined: false })
    }

    /// Ends it as a broken network does: with a reset.
    pub(super) fn cut(self) {
        // A socket that has ended already needs no cut.
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    pub(super) fn send(&mut self, text: &str) {
        frame::write(&mut self.out, TEXT, text.as_bytes(), [0; 4]);
        self.flush();
    }

    /// Sends what waits. What fails is noticed when the line is read.
    pub(super) fn flush(&mut self) {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(sent) if sent == self.out.len() => self.out.clear(),
                Ok(sent) if sent > 0 => _ = self.out.drain(..sent),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    /// Reads what there is.
    ///
    /// # Errors
    /// The line has ended.
    pub(super) fn read(&mut self, buffer: &mut [u8], has_ended: bool, came: &mut Vec<Came>) -> Result<(), String> {
        loop {
            let length = match self.stream.read(buffer) {
                Ok(0) => return Err("it was closed".to_owned()),
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.to_string()),
            };
            let is_full = length == buffer.len();
            let new = buffer.get(..length).unwrap_or_default();
            if self.kept.is_empty() {
                self.take(new, came)?;
            } else {
                let all = [&std::mem::take(&mut self.kept), new].concat();
                self.take(&all, came)?;
            }
            // Less than was asked for: the kernel has no more, but perhaps the end.
            if !is_full && !has_ended {
                return Ok(());
            }
        }
    }

    fn take(&mut self, bytes: &[u8], came: &mut Vec<Came>) -> Result<(), String> {
        let mut rest = bytes;
        if !self.is_open
            && let Some(length) = frame::accepted(rest)?
        {
            self.is_open = true;
            came.push(Came::Open);
            rest = rest.get(length..).unwrap_or_default();
        }
        while self.is_open
            && let Some((frame, length)) = frame::read(rest)?
        {
            match frame.opcode {
                TEXT if frame.is_last => {
                    let text = std::str::from_utf8(frame.payload).map_err(|error| error.to_string())?;
                    came.push(Came::Text(text.into()));
                }
                PING => {
                    frame::write(&mut self.out, PONG, frame.payload, [0; 4]);
                    self.flush();
                    came.push(Came::Ping);
                }
                PONG => {}
                CLOSE => {
                    let code = frame.payload.first_chunk().map_or(1_005, |code| u16::from_be_bytes(*code));
                    return Err(format!("it was closed with {code}"));
                }
                other => return Err(format!("a frame of opcode {other}")),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        self.kept.extend_from_slice(rest);
        Ok(())
    }
}
