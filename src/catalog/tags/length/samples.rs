//! The tables of samples of MP4 (ISO/IEC 14496-12, 8.6.1 and 8.7), for a file that was cut off behind them.

use super::{be32, be64, boxes::bytes_of};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// The length of the samples that are whole in the file, in units; `None` without tables. `table` is the content of
/// `stbl`.
///
/// # Errors
/// Those of reading.
pub(super) fn whole_units(reader: &mut (impl Read + Seek), table: &Range<u64>, size: u64) -> io::Result<Option<u64>> {
    let chunks = bytes_of(reader, table, &[b"stsc"])?;
    let sizes = bytes_of(reader, table, &[b"stsz"])?;
    let mut offsets: Vec<u64> =
        entries(&bytes_of(reader, table, &[b"stco"])?, 4).filter_map(|entry| be32(entry, 0).map(u64::from)).collect();
    if offsets.is_empty() {
        offsets = entries(&bytes_of(reader, table, &[b"co64"])?, 8).filter_map(|entry| be64(entry, 0)).collect();
    }
    let times = bytes_of(reader, table, &[b"stts"])?;
    let whole = whole_samples(&offsets, &chunks, &sizes, size);
    Ok(whole.map(|whole| units_of(&times, whole)))
}

/// The entries of a table that begins with version and flags, and their number.
fn entries(table: &[u8], width: usize) -> impl Iterator<Item = &[u8]> {
    let count = usize::try_from(be32(table, 4).unwrap_or(0)).unwrap_or(0);
    table.get(8..).unwrap_or_default().chunks_exact(width).take(count)
}

/// How many samples end before the file does, without those behind the first that does not.
fn whole_samples(offsets: &[u64], chunks: &[u8], sizes: &[u8], size: u64) -> Option<u64> {
    let (each, count) = (u64::from(be32(sizes, 4)?), u64::from(be32(sizes, 8)?));
    let mut own_sizes = sizes.get(12..)?.as_chunks::<4>().0.iter().map(|size| u64::from(u32::from_be_bytes(*size)));
    // The number of a first chunk, counted from 1, and the samples of it and of those that follow.
    let mut runs = entries(chunks, 12).filter_map(|entry| Some((be32(entry, 0)?, be32(entry, 4)?))).peekable();
    let (mut whole, mut samples) = (0_u64, 0_u64);
    for (number, offset) in (1_u32..).zip(offsets) {
        while let Some((_, here)) = runs.next_if(|(first, _)| *first <= number) {
            samples = here.into();
        }
        let mut left = samples.min(count.saturating_sub(whole));
        if each > 0 {
            let fit = size.saturating_sub(*offset).checked_div(each)?.min(left);
            whole = whole.saturating_add(fit);
            if fit < left {
                return Some(whole);
            }
            continue;
        }
        let mut end = *offset;
        while left > 0 {
            end = end.saturating_add(own_sizes.next()?);
            if end > size {
                return Some(whole);
            }
            whole = whole.saturating_add(1);
            left = left.saturating_sub(1);
        }
    }
    Some(whole)
}

/// The length of the first samples of a table of times (`stts`).
fn units_of(times: &[u8], samples: u64) -> u64 {
    let (mut left, mut units) = (samples, 0_u64);
    for entry in entries(times, 8) {
        let (count, each) = (u64::from(be32(entry, 0).unwrap_or(0)).min(left), be32(entry, 4).unwrap_or(0));
        units = units.saturating_add(count.saturating_mul(each.into()));
        left = left.saturating_sub(count);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn samples_beyond_the_end_of_the_file_do_not_count() {
        // Chunks of 2, 2 and 1 samples.
        let chunks = table(&[0, 2, 1, 2, 1, 3, 1, 1]);
        let offsets = [100, 200, 300];
        let own = table(&[0, 0, 5, 10, 20, 30, 40, 50]);
        let same = table(&[0, 10, 5]);
        for (size, expected) in [(99, 0), (110, 1), (129, 1), (130, 2), (269, 3), (270, 4), (349, 4), (350, 5)] {
            assert_eq!(whole_samples(&offsets, &chunks, &own, size), Some(expected), "{size}");
        }
        for (size, expected) in [(99, 0), (119, 1), (120, 2), (219, 3), (310, 5), (u64::MAX, 5)] {
            assert_eq!(whole_samples(&offsets, &chunks, &same, size), Some(expected), "{size}");
        }
        assert_eq!(whole_samples(&offsets, &chunks, &[], 9), None);
        let times = table(&[0, 2, 3, 100, 9, 7]);
        assert_eq!([0, 2, 3, 5].map(|samples| units_of(&times, samples)), [0, 200, 300, 314]);
    }
}
