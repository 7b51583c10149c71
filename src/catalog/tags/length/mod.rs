//! Lengths, codecs and channels that `lofty` does not find or finds wrong: of files that were cut off, that come from a
//! pipe, or that consist of fragments. What a decoder would play counts, because players stop at the length.
//!
//! Everything here reads a bounded part of the file, or passes over it once; sizes in the file are checked against its
//! own.

mod adts;
mod aiff;
mod boxes;
mod flac;
mod mp4;
mod mpeg;
mod ogg;
mod samples;
mod wav;
mod wavpack;

use std::io::{self, Read, Seek, SeekFrom};

/// What was found of the audio; an absent value is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) container: Option<&'static str>,
    pub(super) codec: Option<&'static str>,
    pub(super) duration_ms: Option<u64>,
    pub(super) channels: Option<u8>,
}

pub(super) use adts::measure as of_adts;
pub(super) use aiff::{measure as of_aiff, plain_header as plain_aiff};
pub(super) use flac::measure as of_flac;
pub(super) use mp4::measure as of_mp4;
pub(super) use mpeg::measure as of_mpeg;
pub(super) use ogg::{flac_header, measure as of_ogg};
pub(super) use wav::{measure as of_wav, plain_header};
pub(super) use wavpack::measure as of_wavpack;

/// Samples by their rate: streams that follow each other may have different ones.
#[derive(Default)]
struct RateSums(Vec<(u32, u64)>);

impl RateSums {
    fn add(&mut self, rate: u32, samples: u64) {
        match self.0.iter_mut().find(|(other, _)| *other == rate) {
            Some((_, sum)) => *sum = sum.saturating_add(samples),
            None => self.0.push((rate, samples)),
        }
    }

    fn milliseconds(&self) -> u64 {
        let each = self.0.iter().filter_map(|(rate, samples)| milliseconds(*samples, (*rate).into()));
        each.fold(0, u64::saturating_add)
    }
}

/// The milliseconds of so many units, of which `rate` are a second; `None` when the rate is 0 or the result too great.
fn milliseconds(units: u64, rate: u64) -> Option<u64> {
    u64::try_from(u128::from(units).checked_mul(1_000)?.checked_div(u128::from(rate))?).ok()
}

/// Up to `length` bytes from `at`; fewer at the end of the file.
fn bytes_at(reader: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The size of the file.
fn size_of(reader: &mut impl Seek) -> io::Result<u64> {
    reader.seek(SeekFrom::End(0))
}

/// `N` bytes at an offset.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
