//! FLAC whose header has no length, as an encoder writes it into a pipe, or that of another file: cut off, or a part of
//! it. RFC 9639. The first and the last frame say where they are.

use super::{Measured, array, be16, be32, be64, bytes_at, milliseconds, size_of};
use crate::catalog::tags::silence::tag_length;
use std::io::{self, Read, Seek};

/// How much of the end is searched for the last frames: a frame of two channels of 24 bits and 65,535 samples is shorter.
const END: u64 = 512 * 1024;

/// How much of the end is searched for the frame that the header's length ends with, when the header does not say how
/// long frames are.
const QUICK_END: u64 = 32 * 1024;
/// The most blocks of metadata.
const MOST_BLOCKS: usize = 1_000;

/// The length, when STREAMINFO has none or one that is not that of the frames.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let start = tag_length(&bytes_at(reader, 0, 10)?).unwrap_or(0);
    let header = bytes_at(reader, start, 42)?;
    // Sizes of blocks 16 bits each, the least and the greatest (some encoders take the last, short one for the least), of
    // frames 24 bits each, rate 20 bits, channels 3, bits 5, samples 36 (section 8.2).
    let (true, Some(fixed), Some(bits)) = (header.starts_with(b"fLaC"), be16(&header, 10), be64(&header, 18)) else {
        return Ok(Measured::default());
    };
    let (total, rate) = (bits & 0xf_ffff_ffff, bits >> 44);
    let longest = be32(&header, 14).map_or(0, |word| u64::from(word & 0xff_ffff));
    let first = first_sample(reader, start, fixed)?;
    let quick = if longest == 0 { QUICK_END } else { longest.saturating_add(16).min(END) };
    if first == 0 && total != 0 && last_sample(&end_of(reader, quick)?, fixed, total, true) == Some(total) {
        return Ok(Measured::default());
    }
    let last = last_sample(&end_of(reader, END)?, fixed, total, false);
    let samples = last.map(|last| last.saturating_sub(first)).filter(|samples| *samples > 0 && *samples != total);
    Ok(Measured { duration_ms: samples.and_then(|samples| milliseconds(samples, rate)), ..Measured::default() })
}

fn end_of(reader: &mut (impl Read + Seek), length: u64) -> io::Result<Vec<u8>> {
    let size = size_of(reader)?;
    bytes_at(reader, size.saturating_sub(length), length)
}

/// The number of the first sample of the first frame, which follows the metadata: 0 unless the file is a part of
/// another.
fn first_sample(reader: &mut (impl Read + Seek), start: u64, fixed: u16) -> io::Result<u64> {
    let mut at = start.saturating_add(4);
    for _ in 0..MOST_BLOCKS {
        let Some(head) = be32(&bytes_at(reader, at, 4)?, 0) else { break };
        at = at.saturating_add(4).saturating_add(u64::from(head & 0xff_ffff));
        if head >> 31 == 1 {
            let frame = FlacFrame::parse(&bytes_at(reader, at, 16)?, fixed);
            return Ok(frame.map_or(0, |frame| frame.first));
        }
    }
    Ok(0)
}

/// The number of samples until the end of the last whole frame. A frame that ends with sample `total` is taken for it,
/// and others are not when `only_total`.
fn last_sample(end: &[u8], fixed: u16, total: u64, only_total: bool) -> Option<u64> {
    let mut later: Option<FlacFrame> = None;
    for at in (0..end.len()).rev() {
        let Some(frame) = end.get(at..).and_then(|bytes| FlacFrame::parse(bytes, fixed)) else { continue };
        let until = frame.first.saturating_add(frame.samples);
        if total != 0 && until == total {
            return Some(total);
        }
        if only_total {
            continue;
        }
        let whole = |to: usize| end.get(at..to).is_some_and(|frame| crc16(frame) == 0);
        // The last frame is whole when its checksum says so; otherwise the file was cut off within it.
        match later {
            None if whole(end.len()) => return Some(until),
            Some(later) if until == later.first => return Some(later.first),
            _ => {}
        }
        later = Some(frame);
    }
    None
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
