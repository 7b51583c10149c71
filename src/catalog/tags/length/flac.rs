//! FLAC without a length in its header, as an encoder writes it into a pipe: RFC 9639. The last frame says where it is.

use super::{Measured, array, be16, be64, bytes_at, milliseconds, size_of};
use crate::catalog::tags::silence::tag_length;
use std::io::{self, Read, Seek};

/// How much of the end is searched for the last frames: a frame of two channels of 24 bits and 65,535 samples is shorter.
const END: u64 = 512 * 1024;

/// The length, when STREAMINFO has none.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let start = tag_length(&bytes_at(reader, 0, 10)?).unwrap_or(0);
    let header = bytes_at(reader, start, 42)?;
    // Rate 20 bits, channels 3, bits 5, samples 36 (section 8.2).
    let (true, Some(fixed), Some(bits)) = (header.starts_with(b"fLaC"), be16(&header, 8), be64(&header, 18)) else {
        return Ok(Measured::default());
    };
    if bits & 0xf_ffff_ffff != 0 {
        return Ok(Measured::default());
    }
    let size = size_of(reader)?;
    let end = bytes_at(reader, size.saturating_sub(END), END)?;
    let mut later: Option<FlacFrame> = None;
    for at in (0..end.len()).rev() {
        let Some(frame) = end.get(at..).and_then(|bytes| FlacFrame::parse(bytes, fixed)) else { continue };
        let whole = |until: usize| end.get(at..until).is_some_and(|frame| crc16(frame) == 0);
        // The last frame is whole when its checksum says so; otherwise the file was cut off within it.
        let samples = match later {
            None if whole(end.len()) => Some(frame.first + frame.samples),
            Some(later) if frame.first + frame.samples == later.first => Some(later.first),
            _ => None,
        };
        if let Some(samples) = samples {
            return Ok(Measured { duration_ms: milliseconds(samples, bits >> 44), ..Measured::default() });
        }
        later = Some(frame);
    }
    Ok(Measured::default())
}

/// The place of a frame.
#[derive(Debug, Clone, Copy)]
struct FlacFrame {
    /// The number of its first sample.
    first: u64,
    samples: u64,
}

impl FlacFrame {
    /// The frame whose header (section 9.1) is here. `fixed` is the number of samples of all frames but the last, where
    /// headers count frames.
    fn parse(bytes: &[u8], fixed: u16) -> Option<Self> {
        let [0xff, second @ (0xf8 | 0xf9), third, _] = array::<4>(bytes, 0)? else { return None };
        let (number, coded) = coded_number(bytes.get(4..)?)?;
        let mut at = coded.checked_add(4)?;
        let samples = match third >> 4 {
            1 => 192,
            code @ 2..=5 => 144_u64 << code,
            6 => {
                at += 1;
                u64::from(*bytes.get(at - 1)?) + 1
            }
            7 => {
                at += 2;
                u64::from(be16(bytes, at - 2)?) + 1
            }
            code @ 8..=15 => 1 << code,
            _ => return None,
        };
        at += match third & 15 {
            12 => 1,
            13 | 14 => 2,
            15 => return None,
            _ => 0,
        };
        if crc8(bytes.get(..at)?) != *bytes.get(at)? {
            return None;
        }
        let first = if second == 0xf9 { number } else { number.checked_mul(fixed.into())? };
        Some(Self { first, samples })
    }
}

/// A number in the manner of UTF-8, up to 36 bits, and how many bytes it takes.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let ones = usize::try_from(first.leading_ones()).ok()?;
    match ones {
        0 => return Some((first.into(), 1)),
        2..=7 => {}
        _ => return None,
    }
    let start = u64::from(first) & (0x7f >> ones);
    let rest = bytes.get(1..ones)?;
    let number =
        rest.iter().try_fold(start, |number, byte| (byte >> 6 == 2).then_some(number << 6 | u64::from(byte & 0x3f)));
    Some((number?, ones))
}

pub(super) fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum: u8, _| if sum & 0x80 == 0 { sum << 1 } else { sum << 1 ^ 0x07 })
    })
}

pub(super) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(
            sum ^ u16::from(*byte) << 8,
            |sum: u16, _| if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x8005 },
        )
    })
}
