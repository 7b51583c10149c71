//! The floor of a comparison: a server of groups that is no more than an epoll loop, and no server for anybody else. It
//! knows one key of a handshake, no fragments, and closes what does not fit: a frame that comes or goes in pieces.

use crate::drive::frame::{ACCEPT, PING, TEXT};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::time::{Duration, Instant};

const LISTENER: Token = Token(usize::MAX);
/// In so many steps all sockets are pinged once.
const STEPS: usize = 200;
/// A new socket of a group without a state is sent this.
const NO_STATE: &[u8] = br#"{"type":"state","at_us":0}"#;

/// What is parsed and serialised: the fields of a report.
#[derive(Serialize, Deserialize)]
struct Change<'a> {
    r#type: &'a str,
    lease: [u64; 2],
    turn: [u64; 2],
    item: &'a str,
    position_ms: u64,
    at_us: i64,
    status: &'a str,
}

struct Connection {
    stream: TcpStream,
    group: Option<usize>,
}

#[derive(Default)]
struct Group {
    members: Vec<usize>,
    state: Vec<u8>,
}

/// The server.
pub struct Floor {
    parses: bool,
    ping: Duration,
    poll: Poll,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    names: HashMap<String, usize>,
    groups: Vec<Group>,
    out: Vec<u8>,
}

impl Floor {
    /// A server at a free port of 127.0.0.1 that pings each socket once in `ping`, and with `parses` parses JSON and
    /// serialises it anew.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn new(parses: bool, ping: Duration) -> io::Result<Self> {
        let poll = Poll::new()?;
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM.nonblocking(), None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.listen(4_096)?;
        let mut listener = TcpListener::from_std(socket.into());
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (connections, free, names, groups) = (Vec::new(), Vec::new(), HashMap::new(), Vec::new());
        Ok(Self { parses, ping, poll, listener, connections, free, names, groups, out: Vec::new() })
    }

    /// The port.
    ///
    /// # Errors
    /// The kernel does not know it.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Serves until waiting fails.
    ///
    /// # Errors
    /// Why it ended.
    pub fn run(&mut self) -> io::Result<()> {
        let (mut events, mut buffer) = (Events::with_capacity(1_024), vec![0; 65_536]);
        let step = self.ping / u32::try_from(STEPS).unwrap_or(1);
        let (mut due, mut place) = (Instant::now() + step, 0);
        loop {
            match self.poll.poll(&mut events, Some(due.saturating_duration_since(Instant::now()))) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(index) => self.read(index, event.is_read_closed(), &mut buffer),
                }
            }
            if Instant::now() >= due {
                due += step;
                self.pings(place);
                place = (place + 1) % STEPS;
            }
        }
    }

    fn pings(&mut self, first: usize) {
        let ping = [0x80 | PING, 0];
        for index in (first..self.connections.len()).step_by(STEPS) {
            let is_open = |connection: &&mut Connection| connection.group.is_some();
            if let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut).filter(is_open) {
                // One that does not take it has ended, which is read.
                let _ = connection.stream.write(&ping);
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.connections.len());
            self.poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            let connection = Some(Connection { stream, group: None });
            match self.connections.get_mut(index) {
                Some(place) => *place = connection,
                None => self.connections.push(connection),
            }
        }
    }

    fn read(&mut self, index: usize, has_ended: bool, buffer: &mut [u8]) {
        loop {
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { return };
            let length = match connection.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(length) if length > 0 => length,
                _ => return self.close(index),
            };
            let is_full = length == buffer.len();
            let group = connection.group;
            let taken = match group {
                None => self.join(index, buffer.get(..length).unwrap_or_default()),
                Some(group) => self.frames(index, group, buffer.get_mut(..length).unwrap_or_default()),
            };
            if taken.is_none() {
                return self.close(index);
            }
            // Less than was asked for: the kernel has no more, but perhaps the end.
            if !is_full && !has_ended {
                return;
            }
        }
    }

    /// Answers a handshake; the path names the group.
    fn join(&mut self, index: usize, bytes: &[u8]) -> Option<()> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(bytes).ok()?.is_partial() {
            return None;
        }
        let (next, name) = (self.groups.len(), request.path?.to_owned());
        let group = *self.names.entry(name).or_insert(next);
        if group == next {
            self.groups.push(Group { state: NO_STATE.to_vec(), ..Group::default() });
        }
        let state = {
            let group = self.groups.get_mut(group)?;
            group.members.push(index);
            &group.state
        };
        self.out.clear();
        self.out.extend(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        self.out.extend(b"Sec-WebSocket-Accept: ");
        self.out.extend(ACCEPT);
        self.out.extend(b"\r\n\r\n");
        text(&mut self.out, state);
        let connection = self.connections.get_mut(index)?.as_mut()?;
        connection.group = Some(group);
        send(connection, &self.out)
    }

    fn frames(&mut self, index: usize, group: usize, mut bytes: &mut [u8]) -> Option<()> {
        while !bytes.is_empty() {
            let (opcode, head, length) = head(bytes)?;
            let mask: [u8; 4] = *bytes.get(head.checked_sub(4)?..)?.first_chunk()?;
            let payload = bytes.get_mut(head..head.checked_add(length)?)?;
            for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
            if opcode == TEXT {
                self.forward(index, group, payload)?;
            }
            bytes = bytes.get_mut(head.checked_add(length)?..)?;
        }
        Some(())
    }

    /// Sends a change to the others of a group.
    fn forward(&mut self, index: usize, group: usize, payload: &[u8]) -> Option<()> {
        let group = self.groups.get_mut(group)?;
        group.state.clear();
        if self.parses {
            let change: Change<'_> = serde_json::from_slice(payload).ok()?;
            serde_json::to_writer(&mut group.state, &change).ok()?;
        } else {
            group.state.extend_from_slice(payload);
        }
        self.out.clear();
        text(&mut self.out, &group.state);
        for other in group.members.iter().filter(|other| **other != index) {
            if let Some(connection) = self.connections.get_mut(*other).and_then(Option::as_mut) {
                // One that does not take it all has ended or is too slow. Its end is read.
                send(connection, &self.out).unwrap_or_else(|| _ = connection.stream.shutdown(Shutdown::Both));
            }
        }
        Some(())
    }

    fn close(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::take) else { return };
        if let Some(group) = connection.group.and_then(|group| self.groups.get_mut(group)) {
            group.members.retain(|member| *member != index);
        }
        self.free.push(index);
    }
}

fn send(connection: &mut Connection, bytes: &[u8]) -> Option<()> {
    (connection.stream.write(bytes).ok()? == bytes.len()).then_some(())
}

/// Opcode, length of the head, and length of the payload of a masked frame that is the last of its message.
fn head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let ([first, second], rest) = bytes.split_first_chunk()?;
    let (head, length) = match second & 0x7f {
        126 => (8, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => return None,
        short => (6, usize::from(short)),
    };
    (first & 0xf0 == 0x80 && second & 0x80 != 0).then_some((first & 0x0f, head, length))
}

/// Writes a frame of text as a server does: not masked.
fn text(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x80 | TEXT);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length), _) if length < 126 => out.push(length),
        (_, length) => {
            out.push(126);
            out.extend(length.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::frame;

    #[test]
    fn what_the_floor_writes_and_reads_is_what_a_client_reads_and_writes() {
        for length in [0, 125, 126, 4_000] {
            let payload = vec![b'x'; length];
            let mut out = Vec::new();
            text(&mut out, &payload);
            let read = frame::read(&out).expect("good").expect("whole");
            assert_eq!(read, (frame::Frame { is_last: true, opcode: TEXT, payload: &payload }, out.len()));
            let mut masked = Vec::new();
            frame::write(&mut masked, TEXT, &payload, [1, 2, 3, 4]);
            let (opcode, head, read) = head(&masked).expect("whole");
            assert_eq!((opcode, read, head + read), (TEXT, length, masked.len()));
        }
        assert_eq!((head(&[0x81, 1]), head(&[0x01, 0x80]), head(&[0x81, 0xff])), (None, None, None));
    }
}
