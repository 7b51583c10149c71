//! AAC in ADTS frames (ISO/IEC 14496-3, 1.A.2.2): no header says the length, so all frames are counted.

use super::{Measured, RateSums, bytes_at, mp4::channels_of, size_of};
use crate::catalog::tags::silence::tag_length;
use std::io::{self, BufRead, Seek, SeekFrom};

/// Samples per second by their index.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Samples of a block.
const BLOCK: u64 = 1024;
/// The most bytes between frames that are passed over.
const MOST_JUNK: u64 = 1024 * 1024;

/// A frame's length in bytes and in samples, the rate, and the channels.
struct AdtsFrame {
    length: u64,
    samples: u64,
    rate: u32,
    channels: Option<u8>,
}

impl AdtsFrame {
    fn parse(header: [u8; 7]) -> Option<Self> {
        let [first, second, third, fourth, fifth, sixth, seventh] = header.map(u64::from);
        // Twelve bits of synchronisation, and the layer is always 0.
        if first != 0xff || second & 0xf6 != 0xf0 {
            return None;
        }
        let length = (fourth & 3) << 11 | fifth << 3 | sixth >> 5;
        let rate = *RATES.get(usize::try_from(third >> 2 & 15).ok()?)?;
        let channels = channels_of(u32::try_from((third & 1) << 2 | fourth >> 6).ok()?);
        (length >= 7).then_some(Self { length, samples: BLOCK * ((seventh & 3) + 1), rate, channels })
    }
}

/// Length and channels of all frames that are whole.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl BufRead + Seek)) -> io::Result<Measured> {
    let size = size_of(reader)?;
    let mut at = tag_length(&bytes_at(reader, 0, 10)?).unwrap_or(0);
    reader.seek(SeekFrom::Start(at))?;
    let (mut units, mut junk, mut channels) = (0_u64, 0_u64, None);
    let mut sums = RateSums::default();
    let mut window = [0_u8; 7];
    if reader.read_exact(&mut window).is_err() {
        return Ok(Measured::default());
    }
    loop {
        let step = match AdtsFrame::parse(window) {
            Some(frame) if at.saturating_add(frame.length) > size => break,
            Some(frame) => {
                units = units.saturating_add(1);
                junk = 0;
                channels = channels.or(frame.channels);
                sums.add(frame.rate, frame.samples);
                frame.length
            }
            None => {
                junk = junk.saturating_add(1);
                1
            }
        };
        at = at.saturating_add(step);
        if junk > MOST_JUNK || !advance(reader, &mut window, step)? {
            break;
        }
    }
    Ok(Measured { duration_ms: (units > 0).then(|| sums.milliseconds()), channels, ..Measured::default() })
}

/// Moves the window of seven bytes forward by `step` bytes; false at the end of the file.
fn advance(reader: &mut impl BufRead, window: &mut [u8; 7], step: u64) -> io::Result<bool> {
    let kept = usize::try_from(step).unwrap_or(usize::MAX).min(window.len());
    window.rotate_left(kept);
    let mut left = step.saturating_sub(7);
    while left > 0 {
        let available = reader.fill_buf()?.len();
        if available == 0 {
            return Ok(false);
        }
        let some = usize::try_from(left).unwrap_or(usize::MAX).min(available);
        reader.consume(some);
        left = left.saturating_sub(u64::try_from(some).unwrap_or(u64::MAX));
    }
    let fresh = window.get_mut(7 - kept..).unwrap_or_default();
    match reader.read_exact(fresh) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
