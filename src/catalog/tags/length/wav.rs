//! WAV whose sizes are not those of the file: from a pipe, cut off, or larger than 4 GiB (RF64 and BW64: EBU Tech 3306,
//! ITU-R BS.2088). Chunks: "Multimedia Programming Interface and Data Specifications 1.0"; `fmt ` of Microsoft's mmreg.h.

use super::{Measured, bytes_at, le16, le32, le64, milliseconds, size_of};
use std::io::{self, Read, Seek};

/// The most chunks of a file.
const MOST_CHUNKS: usize = 10_000;

/// What the chunks say.
#[derive(Debug, Default)]
struct Chunks {
    /// The content of `fmt `.
    format: Vec<u8>,
    /// Samples of each channel, for formats whose length the number of bytes does not give.
    samples: Option<u64>,
    /// Bytes of audio that are in the file.
    audio: Option<u64>,
    /// Whether a size is not that of the file, or 64 bits wide.
    is_odd: bool,
}

impl Chunks {
    /// `None` when it is not such a file.
    fn read(reader: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let size = size_of(reader)?;
        let head = bytes_at(reader, 0, 12)?;
        let is_wide = head.starts_with(b"RF64") || head.starts_with(b"BW64");
        if !(is_wide || head.starts_with(b"RIFF")) || head.get(8..) != Some(b"WAVE") {
            return Ok(None);
        }
        let mut chunks = Self { is_odd: is_wide, ..Self::default() };
        let (mut at, mut wide_audio) = (12_u64, None);
        for _ in 0..MOST_CHUNKS {
            let head = bytes_at(reader, at, 8)?;
            let (Some(kind), Some(length)) = (head.get(..4), le32(&head, 4)) else { break };
            let (start, mut length) = (at.saturating_add(8), u64::from(length));
            match kind {
                b"ds64" => {
                    let sizes = bytes_at(reader, start, 28)?;
                    wide_audio = le64(&sizes, 8);
                    chunks.samples = le64(&sizes, 16).filter(|samples| *samples > 0 && *samples != u64::MAX);
                }
                b"fmt " => chunks.format = bytes_at(reader, start, length.min(64))?,
                b"fact" => chunks.samples = chunks.samples.or(le32(&bytes_at(reader, start, 4)?, 0).map(u64::from)),
                b"data" if chunks.audio.is_none() => {
                    if let (0xffff_ffff, Some(wide)) = (length, wide_audio) {
                        length = wide;
                    }
                    let room = size.saturating_sub(start);
                    // A pipe cannot be written to again: the size stays 0 or the greatest.
                    let is_unknown = length > room || (length == 0 && room > 0);
                    chunks.is_odd |= is_unknown;
                    length = if is_unknown { room } else { length };
                    chunks.audio = Some(length);
                }
                _ => {}
            }
            // Chunks begin at even offsets.
            at = start.saturating_add(length).saturating_add(length & 1);
        }
        Ok(Some(chunks))
    }

    /// The format; that in the extension, where there is one.
    fn format_tag(&self) -> Option<u16> {
        let tag = le16(&self.format, 0)?;
        if tag == 0xfffe { le16(&self.format, 24) } else { Some(tag) }
    }

    /// Whether `lofty` takes the format for an error.
    fn is_refused(&self) -> bool {
        let bits = le16(&self.format, 14).unwrap_or(0);
        !matches!(self.format_tag(), None | Some(1 | 3)) && (!bits.is_multiple_of(8) || self.samples.is_none())
    }

    /// The content of `fmt ` for such a format: that of PCM with its channels and rates.
    fn plain_format(&self) -> Vec<u8> {
        // ADPCM has four bits a sample in the file, and 16 when it is decoded.
        let bits = if self.codec() == Some("adpcm") { 16_u16 } else { 0 };
        [&[1, 0], self.format.get(2..14).unwrap_or_default(), &bits.to_le_bytes()].concat()
    }

    fn codec(&self) -> Option<&'static str> {
        Some(match self.format_tag()? {
            1 | 3 => "pcm",
            2 | 0x11 => "adpcm",
            6 => "alaw",
            7 => "mulaw",
            0x50 => "mp2",
            0x55 => "mp3",
            0xff | 0x1600 | 0x1602 => "aac",
            0x2000 => "ac3",
            0x2001 => "dts",
            _ => return None,
        })
    }

    fn duration_ms(&self) -> Option<u64> {
        let (rate, bytes_a_second) = (le32(&self.format, 4)?, le32(&self.format, 8)?);
        let (block, audio) = (le16(&self.format, 12)?, self.audio?);
        if matches!(self.format_tag()?, 1 | 3 | 6 | 7) {
            return milliseconds(audio.checked_div(block.into())?, rate.into());
        }
        let by_bytes = milliseconds(audio, bytes_a_second.into());
        match self.samples.filter(|_| !self.is_odd) {
            Some(samples) => milliseconds(samples, rate.into()).or(by_bytes),
            None => by_bytes,
        }
    }
}

/// Length, codec and channels.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let Some(chunks) = Chunks::read(reader)? else { return Ok(Measured::default()) };
    Ok(Measured {
        container: None,
        codec: chunks.codec(),
        duration_ms: chunks.duration_ms().filter(|ms| *ms > 0),
        channels: le16(&chunks.format, 2).and_then(|channels| u8::try_from(channels).ok()).filter(|count| *count > 0),
    })
}

/// A short file with the format of one whose sizes are not those of the file, or whose format is not read; `None` for
/// others.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn plain_header(reader: &mut (impl Read + Seek)) -> io::Result<Option<Vec<u8>>> {
    let is_odd = |chunks: &Chunks| (chunks.is_odd || chunks.is_refused()) && chunks.audio.is_some();
    let Some(chunks) = Chunks::read(reader)?.filter(is_odd) else { return Ok(None) };
    let format = if chunks.is_refused() { chunks.plain_format() } else { chunks.format.clone() };
    let block = usize::from(le16(&chunks.format, 12).unwrap_or(0)).max(1);
    let mut content = b"WAVE".to_vec();
    for (kind, bytes) in [(b"fmt ", format), (b"data", vec![0; block])] {
        content.extend(kind);
        content.extend(u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
        content.extend(&bytes);
        content.extend(vec![0; bytes.len() % 2]);
    }
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
    Ok(Some([b"RIFF".as_slice(), &length, &content].concat()))
}
