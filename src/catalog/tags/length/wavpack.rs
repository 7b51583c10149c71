//! `WavPack` that was cut off: "`WavPack` 4 & 5 Binary File / Block Format" (wavpack.com). Every block says where it
//! is.

use super::{Measured, array, bytes_at, le16, le32, milliseconds, size_of};
use crate::values::audio::AudioProperties;
use std::io::{self, Read, Seek};

/// The length of the header of a block.
const HEADER: u64 = 32;
/// How much of the end is searched for the last block: first little, then as much as a long block of many channels
/// takes.
const ENDS: [u64; 2] = [128 * 1024, 8 * 1024 * 1024];

/// The header of a block with audio.
struct WavPackBlock {
    /// The length in bytes.
    length: u64,
    /// The number of its first sample, and the one behind its last.
    first: u64,
    until: u64,
    /// The samples of the file; `None` when the encoder did not know.
    total: Option<u64>,
}

impl WavPackBlock {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"wvpk") || !(0x402..=0x410).contains(&le16(bytes, 8)?) {
            return None;
        }
        let [high_index, high_total] = array::<2>(bytes, 10)?;
        let (low_total, low_index) = (le32(bytes, 12)?, le32(bytes, 16)?);
        let first = u64::from(high_index) << 32 | u64::from(low_index);
        let samples = le32(bytes, 20).filter(|samples| *samples > 0)?;
        // The greatest low word means that the number is not known; the high one leaves it out.
        let total = u64::from(high_total).checked_mul(u64::from(u32::MAX))?.checked_add(low_total.into())?;
        Some(Self {
            length: u64::from(le32(bytes, 4)?).checked_add(8)?,
            first,
            until: first.checked_add(samples.into())?,
            total: (low_total != u32::MAX).then_some(total),
        })
    }
}

/// The length, when the first block has none or one that is not that of the blocks. `found` is what is known without
/// it.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek), found: &AudioProperties) -> io::Result<Measured> {
    let size = size_of(reader)?;
    let Some(first) = WavPackBlock::parse(&bytes_at(reader, 0, HEADER)?) else { return Ok(Measured::default()) };
    for length in ENDS {
        let end = bytes_at(reader, size.saturating_sub(length), length)?;
        let Some(until) = last_sample(&end) else { continue };
        let samples = until.saturating_sub(first.first);
        let duration_ms = match first.total.filter(|total| *total > 0) {
            Some(total) if total == samples => None,
            Some(total) => {
                let part = u128::from(found.duration_ms).saturating_mul(samples.into()).checked_div(total.into());
                part.and_then(|ms| u64::try_from(ms).ok())
            }
            None => found.sample_rate_hz.and_then(|rate| milliseconds(samples, rate.into())),
        };
        return Ok(Measured { duration_ms: duration_ms.filter(|ms| *ms > 0), ..Measured::default() });
    }
    Ok(Measured::default())
}

/// The number of the sample behind the last one of the last block that is whole.
fn last_sample(end: &[u8]) -> Option<u64> {
    let places = end.windows(4).enumerate().rev().filter(|(_, word)| word == b"wvpk");
    places.filter_map(|(at, _)| end.get(at..)).find_map(|bytes| {
        let block = WavPackBlock::parse(bytes)?;
        (block.length <= u64::try_from(bytes.len()).ok()?).then_some(block.until)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A block of 1,000 samples of a file with so many.
    fn block(index: u32, total: u32) -> Vec<u8> {
        let words = [total, index, 1_000, 0x1000_0800, 0].map(u32::to_le_bytes).concat();
        [b"wvpk".as_slice(), &124_u32.to_le_bytes(), &0x410_u16.to_le_bytes(), &[0, 0], &words, &[7; 100]].concat()
    }

    fn ms(bytes: &[u8]) -> Option<u64> {
        let found = AudioProperties { duration_ms: 4_000, sample_rate_hz: Some(2_000), ..AudioProperties::default() };
        measure(&mut Cursor::new(bytes), &found).unwrap().duration_ms
    }

    #[test]
    fn the_last_whole_block_says_how_long_it_is() {
        let of =
            |first: u32, total| (0..8).flat_map(|number| block(first + number * 1_000, total)).collect::<Vec<u8>>();
        assert_eq!(ms(&of(0, 8_000)), None, "as its header says");
        let whole = of(0, 8_000);
        assert_eq!(ms(&whole[..whole.len() - 1]), Some(3_500));
        assert_eq!(ms(&whole[..whole.len() - 3 * 132 + 50]), Some(2_500));
        assert_eq!(ms(&of(0, u32::MAX)), Some(4_000), "from a pipe");
        assert_eq!(ms(&of(500, 16_000)), Some(2_000), "a part of another file");
        let behind = [whole.clone(), b"wvpk".to_vec(), vec![0; 200_000]].concat();
        assert_eq!(ms(&behind), None);
        assert_eq!((ms(b""), ms(b"wvpk")), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(noise in prop::collection::vec(any::<u8>(), 0..100), at in 0..150_usize) {
            let mut bytes = [block(0, 2_000), block(1_000, 2_000)].concat();
            for (place, byte) in bytes.iter_mut().skip(at).zip(&noise) {
                *place = *byte;
            }
            ms(&bytes);
        }
    }
}
