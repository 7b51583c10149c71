//! AIFF and AIFF-C whose sizes are not those of the file: cut off, or from a pipe. Chunks: Apple, "Audio Interchange
//! File Format" 1.3 and "AIFF-C" (draft 08/26/91).

use super::{Measured, array, be16, be32, bytes_at, milliseconds, size_of};
use std::io::{self, Read, Seek};

/// The most chunks of a file.
const MOST_CHUNKS: usize = 10_000;
/// What `SSND` has before the samples: an offset, and the size of blocks.
const BEFORE_SAMPLES: u64 = 8;

/// What the chunks say.
#[derive(Debug, Default)]
struct AiffChunks {
    /// `AIFF` or `AIFC`.
    kind: [u8; 4],
    /// The content of `COMM`.
    common: Vec<u8>,
    /// Bytes of samples that are in the file, and how many there should be.
    audio: Option<(u64, u64)>,
}

impl AiffChunks {
    /// `None` when it is not such a file.
    fn read(reader: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let size = size_of(reader)?;
        let head = bytes_at(reader, 0, 12)?;
        let kind = array::<4>(&head, 8).filter(|kind| matches!(kind, b"AIFF" | b"AIFC"));
        let Some(kind) = kind.filter(|_| head.starts_with(b"FORM")) else { return Ok(None) };
        let (mut chunks, mut at) = (Self { kind, ..Self::default() }, 12_u64);
        for _ in 0..MOST_CHUNKS {
            let head = bytes_at(reader, at, 8)?;
            let (Some(name), Some(length)) = (head.get(..4), be32(&head, 4)) else { break };
            let (start, mut length) = (at.saturating_add(8), u64::from(length));
            let room = size.saturating_sub(start);
            match name {
                b"COMM" if chunks.common.is_empty() => chunks.common = bytes_at(reader, start, length.min(300))?,
                b"SSND" if chunks.audio.is_none() => {
                    let stated = length.saturating_sub(BEFORE_SAMPLES);
                    // A pipe cannot be written to again: the size stays 0 or the greatest.
                    if length > room || (stated == 0 && room > BEFORE_SAMPLES) {
                        length = room;
                    }
                    chunks.audio = Some((length.saturating_sub(BEFORE_SAMPLES), stated));
                }
                _ => {}
            }
            // Chunks begin at even offsets.
            at = start.saturating_add(length).saturating_add(length & 1);
        }
        Ok(Some(chunks))
    }

    /// Whether the file has not the audio that its header says.
    fn is_odd(&self) -> bool {
        self.audio.is_some_and(|(found, stated)| found != stated || be32(&self.common, 2) == Some(0))
    }

    fn compression(&self) -> Option<[u8; 4]> {
        array::<4>(&self.common, 18).filter(|_| &self.kind == b"AIFC")
    }

    fn codec(&self) -> Option<&'static str> {
        Some(match &self.compression()? {
            b"alaw" | b"ALAW" => "alaw",
            b"ulaw" | b"ULAW" => "mulaw",
            b"ima4" => "adpcm",
            _ => return None,
        })
    }

    /// Samples a second: a number of 80 bits, with an exponent of 15 and a mantissa of 64, without its part behind the
    /// point.
    fn rate(&self) -> Option<u64> {
        let (exponent, high) = (u32::from(be16(&self.common, 8)?), be32(&self.common, 10)?);
        let shift = 31_u32.checked_sub(exponent.checked_sub(0x3fff)?)?;
        Some(u64::from(high >> shift)).filter(|rate| *rate > 0)
    }

    fn duration_ms(&self) -> Option<u64> {
        let (found, stated) = self.audio?;
        let (channels, frames) = (u64::from(be16(&self.common, 0)?), u64::from(be32(&self.common, 2)?));
        let sample = match self.compression() {
            Some(kind) if !matches!(&kind, b"NONE" | b"sowt" | b"twos" | b"fl32" | b"FL32" | b"fl64" | b"FL64") => {
                // Blocks of their own kind: as many as of the bytes are there.
                let frames = u128::from(frames).saturating_mul(found.into()).checked_div(stated.into())?;
                return milliseconds(u64::try_from(frames).ok()?, self.rate()?);
            }
            _ => u64::from(be16(&self.common, 6)?.div_ceil(8)),
        };
        milliseconds(found.checked_div(channels.checked_mul(sample)?)?, self.rate()?)
    }
}

/// Codec and, when the header has not that of the file, the length.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let Some(chunks) = AiffChunks::read(reader)? else { return Ok(Measured::default()) };
    let duration_ms = if chunks.is_odd() { chunks.duration_ms() } else { None };
    Ok(Measured { codec: chunks.codec(), duration_ms: duration_ms.filter(|ms| *ms > 0), ..Measured::default() })
}

/// A short file with the format of one that was cut off; `None` for others.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn plain_header(reader: &mut (impl Read + Seek)) -> io::Result<Option<Vec<u8>>> {
    let Some(chunks) = AiffChunks::read(reader)?.filter(AiffChunks::is_odd) else { return Ok(None) };
    let mut content = chunks.kind.to_vec();
    for (name, bytes) in [(b"COMM", chunks.common.as_slice()), (b"SSND", &[0; 16])] {
        content.extend(name);
        content.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        content.extend(bytes);
        content.extend(vec![0; bytes.len() % 2]);
    }
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    Ok(Some([b"FORM".as_slice(), &length, &content].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
        [name, &u32::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
    }

    /// Two seconds of two channels of 16 bits at 8,000 Hz.
    fn aiff(compression: &[u8], frames: u32, bytes: usize) -> Vec<u8> {
        let common =
            [&[0, 2], frames.to_be_bytes().as_slice(), &[0, 16, 0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0]].concat();
        let common = chunk(b"COMM", &[common, compression.to_vec()].concat());
        let kind: &[u8] = if compression.is_empty() { b"AIFF" } else { b"AIFC" };
        let samples = chunk(b"SSND", &vec![0; bytes + 8]);
        [b"FORM\0\0\0\0".as_slice(), kind, &common, &samples].concat()
    }

    fn of(bytes: &[u8]) -> (Option<u64>, Option<usize>) {
        let plain = plain_header(&mut Cursor::new(bytes)).unwrap();
        (measure(&mut Cursor::new(bytes)).unwrap().duration_ms, plain.map(|plain| plain.len()))
    }

    #[test]
    fn the_audio_of_aiff_ends_with_the_file() {
        let whole = aiff(b"", 16_000, 64_000);
        assert_eq!(of(&whole), (None, None), "as its header says");
        assert_eq!(of(&whole[..whole.len() - 32_000]), (Some(1_000), Some(62)));
        let mut pipe = aiff(b"", 0, 64_000);
        pipe.splice(42..46, [0; 4]);
        assert_eq!(of(&pipe).0, Some(2_000));
        let law = aiff(b"ulaw\0\0", 32_000, 64_000);
        assert_eq!(measure(&mut Cursor::new(&law)).unwrap().codec, Some("mulaw"));
        assert_eq!(of(&law[..law.len() - 16_000]).0, Some(3_000));
        assert_eq!((of(b""), of(b"FORM")), ((None, None), (None, None)));
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(noise in prop::collection::vec(any::<u8>(), 0..80), at in 0..80_usize, kept in 0..200_usize) {
            let mut bytes = aiff(b"ulaw\0\0", 50, 100);
            for (place, byte) in bytes.iter_mut().skip(at).zip(&noise) {
                *place = *byte;
            }
            of(&bytes);
            bytes.truncate(kept);
            of(&bytes);
        }
    }
}
