//! The size limit of WebSocket messages, enforced by the headers of frames alone (RFC 6455, section 5.2): the library that
//! decodes frames checks a frame's size only once its whole payload is in memory.

/// Follows the frames in a stream of bytes.
#[derive(Debug)]
pub(super) struct FrameLimit {
    /// The most bytes of a message, all its fragments together.
    most: u64,
    /// What earlier fragments of the current message had.
    fragments: u64,
    /// The first byte of the current header.
    first: u8,
    next: Part,
}

/// The part of a frame that the next byte belongs to.
#[derive(Debug, Clone, Copy)]
enum Part {
    First,
    Second,
    /// Of a long length: its bytes so far, and how many are to come.
    Length {
        length: u64,
        to_come: u8,
        is_masked: bool,
    },
    /// How many bytes of the masking key are to come before a payload of this length.
    Mask {
        to_come: u8,
        length: u64,
    },
    /// How much of the payload is to come.
    Payload(u64),
}

impl FrameLimit {
    pub(super) fn new(most: usize) -> Self {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        Self { most, fragments: 0, first: 0, next: Part::First }
    }

    /// How many of the next bytes of the stream belong to messages within the limit: less than all of them when a header
    /// among them announces more, and then nothing after them may be read.
    pub(super) fn within(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        loop {
            if let Part::Payload(to_come) = &mut self.next {
                let here = usize::try_from(*to_come).unwrap_or(usize::MAX).min(rest.len());
                *to_come -= u64::try_from(here).unwrap_or(*to_come);
                rest = rest.get(here..).unwrap_or_default();
            }
            let Some((byte, after)) = rest.split_first() else { return bytes.len() };
            if !self.takes(*byte) {
                return bytes.len() - rest.len();
            }
            rest = after;
        }
    }

    /// Takes the next byte of a header; false when the header announces too much.
    fn takes(&mut self, byte: u8) -> bool {
        self.next = match self.next {
            Part::First | Part::Payload(_) => {
                self.first = byte;
                Part::Second
            }
            Part::Second => {
                let is_masked = byte & 0x80 != 0;
                match byte & 0x7f {
                    126 => Part::Length { length: 0, to_come: 2, is_masked },
                    127 => Part::Length { length: 0, to_come: 8, is_masked },
                    short => return self.takes_length(short.into(), is_masked),
                }
            }
            Part::Length { length, to_come, is_masked } => {
                let length = length << 8 | u64::from(byte);
                match to_come - 1 {
                    0 => return self.takes_length(length, is_masked),
                    to_come => Part::Length { length, to_come, is_masked },
                }
            }
            Part::Mask { to_come: 1, length } => Part::Payload(length),
            Part::Mask { to_come, length } => Part::Mask { to_come: to_come - 1, length },
        };
        true
    }

    /// Takes the length of a frame; false when its message is too long. Control frames lie between the fragments of a
    /// message and do not count for it.
    const fn takes_length(&mut self, length: u64, is_masked: bool) -> bool {
        let (is_final, is_control) = (self.first & 0x80 != 0, self.first & 0x08 != 0);
        let message = if is_control { length } else { self.fragments.saturating_add(length) };
        if !is_control {
            self.fragments = if is_final { 0 } else { message };
        }
        self.next = if is_masked { Part::Mask { to_come: 4, length } } else { Part::Payload(length) };
        message <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 70_000;
    /// The longest header: two bytes, a 64-bit length, a masking key.
    const HEADER_BYTES: usize = 14;

    /// A frame as a client sends it; of the payload only the first bytes where it claims more than 100,000.
    fn frame(first: u8, length: u64) -> Vec<u8> {
        let length_bytes = length.to_be_bytes();
        let mut frame = match length {
            0..126 => vec![first, 0x80 | length_bytes[7]],
            126..0x1_0000 => [&[first, 0xfe], &length_bytes[6..]].concat(),
            _ => [&[first, 0xff], &length_bytes[..]].concat(),
        };
        frame.extend([1, 2, 3, 4]);
        let sent = usize::try_from(length.min(100_000)).expect("it is small");
        frame.extend(std::iter::repeat_n(0x81, sent));
        frame
    }

    /// How many bytes of the frames pass, however they are cut into chunks.
    fn passed(frames: &[Vec<u8>]) -> usize {
        let bytes = frames.concat();
        let passes = |chunk: usize| {
            let mut limit = FrameLimit::new(MOST);
            let mut passed = 0;
            for part in bytes.chunks(chunk) {
                let within = limit.within(part);
                passed += within;
                if within < part.len() {
                    break;
                }
            }
            passed
        };
        let whole = passes(bytes.len());
        for chunk in [1, 2, 3, 7, 1_000] {
            assert_eq!(passes(chunk), whole, "in chunks of {chunk}");
        }
        whole
    }

    #[test]
    fn what_is_within_the_limit_passes_and_a_longer_frame_ends_at_its_header() {
        const TEXT: u8 = 0x81;
        for length in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
            let frames = [frame(TEXT, length), frame(TEXT, 3)];
            assert_eq!(passed(&frames), frames.concat().len(), "{length}");
        }
        for length in [70_001, 100_000, 1 << 40, u64::MAX] {
            let first = frame(TEXT, 3);
            let header = first.len() + HEADER_BYTES;
            assert!(passed(&[first, frame(TEXT, length)]) < header, "{length}");
        }
    }

    #[test]
    fn fragments_count_together_and_control_frames_between_them_do_not() {
        let (begin, go_on, end, ping) = (0x01, 0x00, 0x80, 0x89);
        let whole = |frames: &[Vec<u8>]| passed(frames) == frames.concat().len();
        assert!(whole(&[frame(begin, 35_000), frame(ping, 125), frame(end, 35_000), frame(begin, 70_000)]));
        assert!(!whole(&[frame(begin, 35_000), frame(end, 35_001)]));
        assert!(!whole(&[frame(begin, 30_000), frame(go_on, 30_000), frame(ping, 0), frame(go_on, 10_001)]));
        assert!(!whole(&[frame(ping, 70_001)]), "a ping as well");
    }
}
