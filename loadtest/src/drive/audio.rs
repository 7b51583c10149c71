//! Audio that a sounding device fetches as fast as it is played: pieces of the file by `Range`, on a connection of its
//! own.

use super::clock::now_us;
use super::part::{Due, Part};
use super::socket::connect;
use crate::measure::{Count, Latency};
use crate::number::{micros, real, span_us, whole};
use mio::net::TcpStream;
use mio::{Interest, Token};
use segue_client::protocol::playback::Item;
use std::io::{ErrorKind, Read as _, Write as _};

/// The first piece of a file, in bytes: its answer tells how long the file is.
const FIRST_BYTES: u64 = 64 << 10;

/// What a device fetches.
#[derive(Debug, Clone, Copy)]
struct Track {
    item: Item,
    /// The first byte that is not fetched yet; `None`: the length of the file is unknown.
    next: Option<u64>,
    position_ms: i64,
    length: u64,
}

/// A request whose answer is not complete.
#[derive(Debug, Clone, Copy)]
struct Asked {
    planned_us: i64,
    /// Bytes of the body that have not come; `None`: the head has not come either.
    left: Option<u64>,
}

/// The audio connection of a device.
#[derive(Debug, Default)]
pub(crate) struct AudioStream {
    connection: Option<TcpStream>,
    track: Option<Track>,
    asked: Option<Asked>,
    /// To be sent.
    out: Vec<u8>,
    /// The request whose answer is not complete, if it went over a connection that had carried others: the server may have
    /// closed that at the same time, and then it is sent again.
    again: Vec<u8>,
    /// The head of an answer that is not complete.
    head: Vec<u8>,
    /// When the next piece is due, as the timers know.
    due_us: i64,
}

impl AudioStream {
    /// Whether a request is without any answer on a connection that had carried others.
    fn may_ask_again(&self) -> bool {
        let is_unanswered = self.head.is_empty() && self.asked.is_some_and(|asked| asked.left.is_none());
        is_unanswered && !self.again.is_empty()
    }
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// Its length in bytes.
    pub length: usize,
    /// The HTTP status.
    pub status: u16,
    /// The length of the body.
    pub body: u64,
    /// The length of the whole file, if this is a part of it.
    pub whole: Option<u64>,
}

/// Reads the head of an answer; `None`: it is not complete.
///
/// # Errors
/// It is no answer of HTTP/1.1 with a length.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(bytes).map_err(|error| format!("audio: {error}"))? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let body =
        value("content-length").and_then(|value| value.parse().ok()).ok_or("audio: an answer without a length")?;
    let whole = value("content-range").and_then(|value| value.rsplit_once('/')?.1.parse().ok());
    Ok(Some(Head { length, status: answer.code.unwrap_or(0), body, whole }))
}

/// The byte at which a place of a file lies, if all its seconds are equally long.
fn byte_at(position_ms: i64, duration_ms: i64, length: u64) -> u64 {
    let part = |ms: i64| real(u64::try_from(ms).unwrap_or(0));
    whole(real(length) * part(position_ms) / part(duration_ms).max(1.0)).min(length)
}

impl Part {
    /// A device begins to sound.
    pub(crate) fn start_audio(&mut self, index: usize, item: Item, position_ms: i64, now_us: i64) {
        if self.setup.scenario.audio.is_none() || !self.person_of(index).is_some_and(|person| person.streams) {
            return;
        }
        let stream = self.streams.entry(index).or_default();
        let known = stream.track.filter(|track| track.item.media_id == item.media_id && track.length > 0);
        let duration_ms = item.duration_ms.unwrap_or(0);
        let next = known.map(|track| byte_at(position_ms, duration_ms, track.length));
        stream.track = Some(Track { item, next, position_ms, length: known.map_or(0, |track| track.length) });
        stream.due_us = now_us;
        self.timers.push(now_us, Due::Audio(index));
    }

    /// A device falls silent.
    pub(crate) fn stop_audio(&mut self, index: usize) {
        if let Some(stream) = self.streams.get_mut(&index) {
            stream.due_us = i64::MAX;
        }
    }

    /// A piece of audio is due.
    pub(crate) fn fetch(&mut self, index: usize, due_us: i64) {
        let Some(audio) = self.setup.scenario.audio else { return };
        let token = self.person_of(index).map(|person| person.token.clone()).unwrap_or_default();
        let Some(stream) = self.streams.get_mut(&index).filter(|stream| stream.due_us == due_us) else { return };
        let Some(track) = stream.track else { return };
        let every_us = micros(audio.piece_s);
        if stream.asked.is_some() {
            // The answer before is late: this piece waits, and its time counts from now on all the same.
            self.timers.push(due_us.max(now_us()).saturating_add(1_000), Due::AudioAgain(index, due_us));
            return;
        }
        let range = if let Some(from) = track.next {
            let duration_ms = track.item.duration_ms.unwrap_or(0).max(1);
            let bytes = byte_at(every_us / 1_000, duration_ms, track.length).max(1);
            if from >= track.length {
                return;
            }
            let until = from.saturating_add(bytes).min(track.length);
            stream.track = Some(Track { next: Some(until), ..track });
            from..until
        } else {
            0..FIRST_BYTES
        };
        let (id, last) = (track.item.media_id, range.end.saturating_sub(1));
        let request = format!(
            "GET /v1/tracks/{id}/stream HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nRange: bytes={}-{last}\
             \r\n\r\n",
            self.setup.host, range.start
        );
        let request = request.into_bytes();
        stream.again = if stream.connection.is_some() { request.clone() } else { Vec::new() };
        stream.out.extend(request);
        stream.asked = Some(Asked { planned_us: due_us, left: None });
        stream.due_us = due_us.saturating_add(every_us);
        self.timers.push(stream.due_us, Due::Audio(index));
        self.send_audio(index);
    }

    /// Opens the audio connection, if it is not open, and sends what waits.
    fn send_audio(&mut self, index: usize) {
        let source = self.source(index);
        let Some(stream) = self.streams.get_mut(&index) else { return };
        if stream.connection.is_none() {
            match connect(self.setup.address, source) {
                Ok(mut connection) => {
                    let token = Token(self.devices.len().saturating_add(index));
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    if self.poll.registry().register(&mut connection, token, interest).is_ok() {
                        stream.connection = Some(connection);
                    }
                }
                Err(error) => return self.audio_failed(index, &format!("audio: connect: {}", error.kind())),
            }
        }
        self.flush_audio(index);
    }

    fn audio_failed(&mut self, index: usize, why: &str) {
        self.measures.error(why);
        if let Some(stream) = self.streams.get_mut(&index) {
            *stream = AudioStream { track: stream.track, due_us: stream.due_us, ..AudioStream::default() };
        }
    }

    /// Sends what waits on an audio connection.
    pub(crate) fn flush_audio(&mut self, index: usize) {
        let Some(stream) = self.streams.get_mut(&index) else { return };
        let Some(connection) = &mut stream.connection else { return };
        while !stream.out.is_empty() {
            match connection.write(&stream.out) {
                Ok(sent) if sent > 0 => drop(stream.out.drain(..sent)),
                // The connection may not be there yet; that it has failed is noticed when it is read.
                _ => return,
            }
        }
    }

    /// An audio connection can be read.
    pub(crate) fn receive_audio(&mut self, index: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_audio(index, &mut buffer);
        self.buffer = buffer;
        match result {
            Err(_) if self.streams.get(&index).is_some_and(AudioStream::may_ask_again) => {
                if let Some(stream) = self.streams.get_mut(&index) {
                    (stream.connection, stream.out) = (None, std::mem::take(&mut stream.again));
                }
                self.send_audio(index);
            }
            // The server may close a connection on which nothing is asked.
            Err(why) if self.streams.get(&index).is_some_and(|stream| stream.asked.is_some()) => {
                self.audio_failed(index, &why);
            }
            Err(_) => {
                if let Some(stream) = self.streams.get_mut(&index) {
                    stream.connection = None;
                }
            }
            Ok(()) => {}
        }
    }

    fn read_audio(&mut self, index: usize, buffer: &mut [u8]) -> Result<(), String> {
        let Some(stream) = self.streams.get_mut(&index) else { return Ok(()) };
        loop {
            let Some(connection) = &mut stream.connection else { return Ok(()) };
            let length = match connection.read(buffer) {
                Ok(0) => return Err("audio: the connection ended".to_owned()),
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => return Ok(()),
                Err(error) => return Err(format!("audio: {}", error.kind())),
            };
            let new = buffer.get(..length).unwrap_or_default();
            let mut body = u64::try_from(length).unwrap_or(0);
            let Some(asked) = &mut stream.asked else { return Err("audio: an answer to nothing".to_owned()) };
            if asked.left.is_none() {
                stream.head.extend(new);
                let Some(head) = head(&stream.head)? else { continue };
                if !matches!(head.status, 200 | 206) {
                    return Err(format!("audio: {}", head.status));
                }
                body = u64::try_from(stream.head.len().saturating_sub(head.length)).unwrap_or(0);
                stream.head.clear();
                asked.left = Some(head.body);
                if let Some(track) = stream.track.as_mut().filter(|track| track.next.is_none()) {
                    track.length = head.whole.unwrap_or(head.body);
                    let duration_ms = track.item.duration_ms.unwrap_or(0);
                    track.next = Some(byte_at(track.position_ms, duration_ms, track.length));
                }
            }
            self.measures.count(Count::AudioBytes, body);
            asked.left = asked.left.map(|left| left.saturating_sub(body));
            if asked.left == Some(0) {
                self.measures.time(Latency::Audio, span_us(asked.planned_us, now_us()));
                self.measures.count(Count::AudioPieces, 1);
                stream.asked = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_the_length_of_part_and_whole() {
        let text = "HTTP/1.1 206 Partial Content\r\ncontent-length: 100\r\ncontent-range: bytes 0-99/5000\r\n\r\nbody";
        let wanted = Head { length: text.len() - 4, status: 206, body: 100, whole: Some(5_000) };
        assert_eq!(head(text.as_bytes()), Ok(Some(wanted)));
        assert_eq!(head(&text.as_bytes()[..50]), Ok(None));
        assert!(head(b"HTTP/1.1 206 OK\r\n\r\n").is_err());
    }

    #[test]
    fn a_piece_is_as_long_as_it_plays() {
        assert_eq!(byte_at(5_000, 100_000, 1_000_000), 50_000);
        assert_eq!(byte_at(500_000, 100_000, 1_000_000), 1_000_000, "within the file");
        assert_eq!(byte_at(5_000, 0, 1_000), 1_000);
    }
}
