//! One WebSocket of a device, without waiting: what is to be sent waits here, what was received is handed out.

use super::frame::{self, CLOSE, PING, PONG, TEXT};
use mio::net::TcpStream;
use segue_client::ServerMessage;
use segue_client::protocol::wire::ClientMessage;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What has come of a socket.
pub(crate) enum Received {
    /// It is open.
    Open,
    /// A message.
    Message(Box<ServerMessage>),
    /// It has ended: the close code, and an error unless the end is what this program asked for.
    Ended(Option<u16>, String),
}

/// How far a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Asking,
    Open,
}

/// Bytes and frames both ways since the last time they were taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) frames_in: u64,
    pub(crate) frames_out: u64,
}

/// A socket.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    state: State,
    /// To be sent.
    out: Vec<u8>,
    /// Received, not complete.
    kept: Vec<u8>,
    /// The text of a message whose last frame was not received.
    fragments: Vec<u8>,
    /// The close code that was received.
    code: Option<u16>,
    /// When it was asked for.
    pub(crate) asked_us: i64,
}

/// Opens a TCP connection from `source`, without waiting.
pub(crate) fn connect(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let kind = socket2::Type::STREAM.nonblocking();
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), kind, None)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

impl Socket {
    /// A connection on which a WebSocket is asked for.
    pub(crate) fn new(stream: TcpStream, host: &str, token: &str, now_us: i64) -> Self {
        Self {
            stream,
            state: State::Connecting,
            out: frame::request(host, token).into_bytes(),
            kept: Vec::new(),
            fragments: Vec::new(),
            code: None,
            asked_us: now_us,
        }
    }

    /// Whether it is a WebSocket already.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Ends the connection as a broken network does: without a close frame, with a reset.
    pub(crate) fn cut(self) {
        // A socket that has ended already needs no cut.
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Sends a message as far as the network takes it. That the socket has ended is noticed when it is read.
    pub(crate) fn send(&mut self, message: &ClientMessage, mask: u64, traffic: &mut Traffic) {
        let [a, b, c, d, ..] = mask.to_le_bytes();
        frame::write(&mut self.out, TEXT, message.encode().as_bytes(), [a, b, c, d]);
        traffic.frames_out += 1;
        self.flush(traffic);
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self, traffic: &mut Traffic) {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(0) => return,
                Ok(sent) => {
                    traffic.bytes_out += u64::try_from(sent).unwrap_or(0);
                    self.out.drain(..sent);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
        if self.out.capacity() > 4_096 {
            self.out = Vec::new();
        }
    }

    /// The kernel says that the socket can be written.
    pub(crate) fn writable(&mut self, traffic: &mut Traffic) -> Result<(), String> {
        if self.state == State::Connecting {
            if let Some(error) = self.stream.take_error().ok().flatten() {
                return Err(format!("connect: {}", error.kind()));
            }
            if self.stream.peer_addr().is_err() {
                return Ok(());
            }
            self.state = State::Asking;
        }
        self.flush(traffic);
        Ok(())
    }

    /// Reads all that has come.
    pub(crate) fn readable(&mut self, buffer: &mut [u8], traffic: &mut Traffic, received: &mut Vec<Received>) {
        loop {
            let length = match self.stream.read(buffer) {
                Ok(0) => return received.push(self.end()),
                Ok(length) => length,
                // What is still connecting was asked too early.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return received.push(Received::Ended(self.code, format!("socket: {}", error.kind()))),
            };
            traffic.bytes_in += u64::try_from(length).unwrap_or(0);
            let new = buffer.get(..length).unwrap_or_default();
            let kept = std::mem::take(&mut self.kept);
            let result = if kept.is_empty() {
                self.take(new, traffic, received)
            } else {
                self.take(&[&kept, new].concat(), traffic, received)
            };
            if let Err(why) = result {
                return received.push(Received::Ended(None, why));
            }
            if self.code.is_some() {
                return received.push(self.end());
            }
        }
    }

    fn end(&self) -> Received {
        let why = match (self.code, self.state) {
            (Some(code), _) => format!("closed: {code}"),
            (None, State::Open) => "closed without a code".to_owned(),
            (None, _) => "closed before the handshake ended".to_owned(),
        };
        Received::Ended(self.code, why)
    }

    /// Takes what is complete, and keeps the rest.
    fn take(&mut self, bytes: &[u8], traffic: &mut Traffic, received: &mut Vec<Received>) -> Result<(), String> {
        let mut rest = bytes;
        if self.state != State::Open
            && let Some(length) = frame::accepted(rest)?
        {
            self.state = State::Open;
            received.push(Received::Open);
            rest = rest.get(length..).unwrap_or_default();
        }
        while self.state == State::Open
            && self.code.is_none()
            && let Some((frame, length)) = frame::read(rest)?
        {
            traffic.frames_in += 1;
            self.frame(&frame, traffic, received)?;
            rest = rest.get(length..).unwrap_or_default();
        }
        self.kept = rest.to_vec();
        Ok(())
    }

    fn frame(
        &mut self,
        frame: &frame::Frame<'_>,
        traffic: &mut Traffic,
        received: &mut Vec<Received>,
    ) -> Result<(), String> {
        match frame.opcode {
            TEXT if frame.is_last => received.push(message(frame.payload)?),
            TEXT | 0 => {
                self.fragments.extend(frame.payload);
                if frame.is_last {
                    received.push(message(&std::mem::take(&mut self.fragments))?);
                }
            }
            PING => {
                super::frame::write(&mut self.out, PONG, frame.payload, [0x5a; 4]);
                traffic.frames_out += 1;
                self.flush(traffic);
            }
            PONG => {}
            // 1005 stands for a close frame without a code (RFC 6455, section 7.1.5).
            CLOSE => self.code = Some(frame.payload.first_chunk().map_or(1_005, |code| u16::from_be_bytes(*code))),
            other => return Err(format!("frame: opcode {other}")),
        }
        Ok(())
    }
}

fn message(payload: &[u8]) -> Result<Received, String> {
    let text = std::str::from_utf8(payload).map_err(|_| "frame: no UTF-8".to_owned())?;
    let message = ServerMessage::decode(text).map_err(|_| "frame: no message of the protocol".to_owned())?;
    Ok(Received::Message(Box::new(message)))
}
