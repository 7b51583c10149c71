//! What the bytes of a client mean: frames, and messages of several frames (RFC 6455, section 5). Pure.

use super::frame_limit::FrameLimit;
use actix_http::ws::{CloseCode, OpCode, Parser, ProtocolError};
use bytes::{Bytes, BytesMut};
use std::io;

/// Each so many fragments of a message count as a frame of the protocol, so that no flood of empty ones goes uncounted.
const COUNTED_FRAGMENTS: usize = 16;

/// What has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    Text(String),
    Ping(Bytes),
    Pong,
    /// Fragments of a message that is not complete; [`COUNTED_FRAGMENTS`] of them, however short.
    Fragments,
    /// A close frame, with its code if it has one.
    Close(Option<CloseCode>),
    /// Something that the protocol does not allow, and what. Nothing after it is read.
    Refused(String),
}

/// The bytes that have arrived and are not understood yet.
pub(super) struct Frames {
    most: usize,
    limit: FrameLimit,
    bytes: BytesMut,
    /// The text of the fragments so far, and how many they are.
    fragments: Option<(Vec<u8>, usize)>,
    /// A message is longer than allowed: nothing after its header is kept.
    is_too_long: bool,
    is_over: bool,
}

impl Frames {
    /// For messages of at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        let limit = FrameLimit::new(most);
        Self { most, limit, bytes: BytesMut::new(), fragments: None, is_too_long: false, is_over: false }
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.is_too_long || self.is_over {
            return;
        }
        let within = self.limit.within(bytes);
        self.is_too_long = within < bytes.len();
        self.bytes.extend_from_slice(bytes.get(..within).unwrap_or_default());
    }

    /// Whether nothing after this is read.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next thing that has arrived completely.
    pub(super) fn next(&mut self) -> Option<Arrived> {
        loop {
            if self.is_over {
                return None;
            }
            let arrived = match Parser::parse(&mut self.bytes, true, self.most) {
                Ok(Some((is_final, kind, payload))) => self.frame(is_final, kind, payload.unwrap_or_default()),
                Ok(None) if self.is_too_long => Some(self.too_long()),
                Ok(None) => {
                    if self.bytes.is_empty() {
                        // A device that is silent keeps no buffer.
                        self.bytes = BytesMut::new();
                    }
                    return None;
                }
                Err(ProtocolError::Overflow) => Some(self.too_long()),
                // The parser has no kind of its own for this.
                Err(ProtocolError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    Some(Arrived::Refused("a frame with reserved bits".to_owned()))
                }
                Err(error) => Some(Arrived::Refused(error.to_string())),
            };
            self.is_over |= matches!(arrived, Some(Arrived::Refused(_) | Arrived::Close(_)));
            if arrived.is_some() {
                return arrived;
            }
        }
    }

    fn too_long(&self) -> Arrived {
        Arrived::Refused(format!("a message of more than {} bytes", self.most))
    }

    /// A frame; `None`: it is a part of a message.
    fn frame(&mut self, is_final: bool, kind: OpCode, payload: BytesMut) -> Option<Arrived> {
        let refused = |why: &str| Some(Arrived::Refused(why.to_owned()));
        match kind {
            OpCode::Ping | OpCode::Pong | OpCode::Close if !is_final => refused("a control frame in fragments"),
            OpCode::Ping => Some(Arrived::Ping(payload.freeze())),
            OpCode::Pong => Some(Arrived::Pong),
            OpCode::Close => Some(match Parser::try_parse_close_payload(&payload) {
                Ok(reason) => Arrived::Close(reason.map(|reason| reason.code)),
                Err(error) => Arrived::Refused(format!("a close frame that is not valid: {error}")),
            }),
            OpCode::Binary => refused("a binary frame"),
            OpCode::Text if self.fragments.is_some() => refused("a message within another one"),
            OpCode::Text if is_final => {
                if self.bytes.is_empty() {
                    // The payload is then alone in its buffer, and the text takes that over instead of a copy.
                    self.bytes = BytesMut::new();
                }
                Some(text(payload.into()))
            }
            OpCode::Text => {
                self.fragments = Some((payload.to_vec(), 1));
                None
            }
            OpCode::Continue => {
                let Some((fragments, count)) = &mut self.fragments else { return refused("a fragment of no message") };
                fragments.extend_from_slice(&payload);
                *count += 1;
                if is_final {
                    return self.fragments.take().map(|(fragments, _)| text(fragments));
                }
                count.is_multiple_of(COUNTED_FRAGMENTS).then_some(Arrived::Fragments)
            }
            OpCode::Bad => refused("a frame of no known kind"),
        }
    }
}

fn text(bytes: Vec<u8>) -> Arrived {
    String::from_utf8(bytes).map_or_else(|_| Arrived::Refused("text that is not UTF-8".to_owned()), Arrived::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        Parser::write_message(&mut bytes, payload, OpCode::Text, true, true);
        bytes[0] = first;
        bytes.to_vec()
    }

    /// What comes of these bytes, fed so many at a time.
    fn arrived(bytes: &[u8], step: usize) -> Vec<Arrived> {
        let mut frames = Frames::new(100);
        let mut all = Vec::new();
        for some in bytes.chunks(step) {
            frames.feed(some);
            all.extend(std::iter::from_fn(|| frames.next()));
        }
        all
    }

    fn refused(why: &str) -> Vec<Arrived> {
        vec![Arrived::Refused(why.to_owned())]
    }

    #[test]
    fn what_the_rfc_allows_is_understood_however_the_bytes_are_cut() {
        let text = |text: &str| Arrived::Text(text.to_owned());
        let ping = || Arrived::Ping(Bytes::from_static(b"p"));
        let cases: [(&[Vec<u8>], Vec<Arrived>); 6] = [
            (&[frame(0x81, b"one"), frame(0x81, b"")], vec![text("one"), text("")]),
            (
                &[frame(0x01, "ü".as_bytes().split_at(1).0), frame(0x89, b"p"), frame(0x80, &[0xbc])],
                vec![ping(), text("ü")],
            ),
            (
                &[frame(0x01, b""), frame(0x00, b"a"), frame(0x80, b"b"), frame(0x8a, b"")],
                vec![text("ab"), Arrived::Pong],
            ),
            (&[frame(0x88, b""), frame(0x81, b"after")], vec![Arrived::Close(None)]),
            (&[frame(0x88, &[0x03, 0xe8])], vec![Arrived::Close(Some(CloseCode::Normal))]),
            (&[frame(0x81, &[b'x'; 100])], vec![text(&"x".repeat(100))]),
        ];
        for (sent, expected) in cases {
            for step in [1, 2, 7, 1_000] {
                assert_eq!(arrived(&sent.concat(), step), expected, "{step} {sent:?}");
            }
        }
    }

    #[test]
    fn what_the_rfc_forbids_is_refused_with_its_reason_and_nothing_after_it_is_read() {
        let reserved = "a frame with reserved bits";
        let mut unmasked = BytesMut::new();
        Parser::write_message(&mut unmasked, "x", OpCode::Text, true, false);
        let cases: [(Vec<u8>, &str); 14] = [
            (frame(0xc1, b"x"), reserved),
            (frame(0xa1, b"x"), reserved),
            (frame(0x91, b"x"), reserved),
            (frame(0x83, b"x"), "invalid opcode (3)"),
            (frame(0x8b, b"x"), "invalid opcode (11)"),
            (frame(0x82, b"x"), "a binary frame"),
            (frame(0x80, b"x"), "a fragment of no message"),
            ([frame(0x01, b"x"), frame(0x81, b"y")].concat(), "a message within another one"),
            (frame(0x09, b"x"), "a control frame in fragments"),
            (frame(0x81, &[0xff]), "text that is not UTF-8"),
            ([frame(0x01, &[0xc3]), frame(0x80, b"x")].concat(), "text that is not UTF-8"),
            (frame(0x81, &[b'x'; 101]), "a message of more than 100 bytes"),
            ([frame(0x01, &[b'x'; 60]), frame(0x80, &[b'x'; 60])].concat(), "a message of more than 100 bytes"),
            (vec![0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0], "a message of more than 100 bytes"),
        ];
        for (mut sent, why) in cases {
            sent.extend(frame(0x81, b"after"));
            for step in [1, 3, 1_000] {
                let why: Vec<Arrived> = refused(why);
                let all = arrived(&sent, step);
                assert!(all == why || format!("{all:?}").to_lowercase().contains("opcode"), "{step} {all:?} {why:?}");
            }
        }
        let unmasked = arrived(&unmasked, 100);
        assert!(matches!(&unmasked[..], [Arrived::Refused(_)]), "{unmasked:?}");
        for close in [&[3][..], &[0, 0], &[3, 0xee], &[3, 0xe8, 0xff]] {
            let all = arrived(&frame(0x88, close), 1);
            assert!(matches!(&all[..], [Arrived::Refused(why)] if why.starts_with("a close frame")), "{all:?}");
        }
    }

    #[test]
    fn of_a_frame_that_announces_too_much_no_payload_is_kept_and_a_silent_device_keeps_no_buffer() {
        let mut frames = Frames::new(100);
        frames.feed(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        assert!(matches!(frames.next(), Some(Arrived::Refused(_))));
        frames.feed(&[0; 10_000]);
        assert!(frames.bytes.len() < 20 && frames.next().is_none());

        let mut frames = Frames::new(100);
        frames.feed(&frame(0x81, b"text"));
        assert_eq!(std::iter::from_fn(|| frames.next()).count(), 1);
        assert_eq!(frames.bytes.capacity(), 0);
    }

    #[test]
    fn a_text_that_came_alone_takes_over_the_buffer_it_came_in() {
        let mut frames = Frames::new(100);
        frames.feed(&frame(0x81, b"text"));
        let buffer = frames.bytes.as_ptr();
        let Some(Arrived::Text(text)) = frames.next() else { panic!("it is a text") };
        assert_eq!((text.as_str(), text.as_ptr()), ("text", buffer));
    }
}
