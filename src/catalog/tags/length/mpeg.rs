//! MPEG audio: ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3 (headers), 13818-3, 2.4.2.3 (low rates), and "MPEG 2.5" of
//! Fraunhofer. Counts of frames: "Mp3 Info Tag rev 1" (gabriel.mp3-tech.org/mp3infotag.html) and "VBRI Header"
//! (Fraunhofer). Where a count is missing, or was made for a file of another size, all frames are counted, as a decoder
//! plays them.

use super::{Measured, RateSums, be32, bytes_at, milliseconds, size_of};
use crate::catalog::tags::silence::{self, tag_length};
use std::io::{self, Read, Seek};

/// kbit/s by index from 1: layers I, II and III of MPEG-1; layer I and the others of MPEG-2.
const BIT_RATES: [[u16; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Samples per second of MPEG-1 by index; half of it for MPEG-2, a quarter for MPEG-2.5.
const RATES: [u32; 3] = [44_100, 48_000, 32_000];
/// The bits of a header that all frames of a stream have in common: synchronisation, version, layer, sample rate.
const COMMON: u32 = 0xfffe_0c00;
/// The most bytes whose frames are counted. The length of a longer file is estimated from them.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// The most bytes between frames that are passed over.
const MOST_JUNK: u64 = 16 * 1024 * 1024;
/// How many bytes are read at once.
const BLOCK: u64 = 64 * 1024;
/// How far the size in a header may be off that of the file, in bytes: less than the frames of 50 ms. Some encoders
/// leave out the frame that has the header.
const AGREES: u64 = 2_048;
/// The possible lengths of frames, in bytes.
const LENGTHS: std::ops::RangeInclusive<u64> = 16..=2_881;
/// What a decoder adds before the silence of the encoder, in samples.
const DECODER_DELAY: u64 = 529;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MpegFrame {
    header: u32,
    /// The length in bytes, and in samples.
    length: u64,
    samples: u64,
    rate: u32,
}

impl MpegFrame {
    /// Streams without a bit rate ("free format") are not read.
    fn parse(header: u32) -> Option<Self> {
        let bits = |shift: u32, mask: u32| usize::try_from(header >> shift & mask).ok();
        if header >> 21 != 0x7ff {
            return None;
        }
        // Versions 2.5, none, 2, 1; layers none, III, II, I.
        let (version, layer) = (bits(19, 3)?, bits(17, 3)?);
        let (is_first, fraction) = match version {
            0 => (false, 4),
            2 => (false, 2),
            3 => (true, 1),
            _ => return None,
        };
        let table = match (layer, is_first) {
            (3, true) => 0,
            (2, true) => 1,
            (1, true) => 2,
            (3, false) => 3,
            (1 | 2, false) => 4,
            _ => return None,
        };
        let kbps = u64::from(*BIT_RATES.get(table)?.get(bits(12, 15)?.checked_sub(1)?)?);
        let rate = *RATES.get(bits(10, 3)?)? / fraction;
        let padding = u64::from(header >> 9 & 1);
        let (samples, slot) = match (layer, is_first) {
            (3, _) => (384, 4),
            (1, false) => (576, 1),
            _ => (1_152, 1),
        };
        // Bytes of a second by the seconds of a frame, in whole slots.
        let slots = (samples * kbps * 125).checked_div(u64::from(rate) * slot)?;
        Some(Self { header, length: (slots + padding) * slot, samples, rate })
    }

    /// Where the encoder's header is in the frame: behind the side information of layer III.
    const fn note_at(self) -> usize {
        match (self.header >> 19 & 3 == 3, self.header >> 6 & 3 == 3) {
            (true, false) => 4 + 32,
            (true, true) | (false, false) => 4 + 17,
            (false, true) => 4 + 9,
        }
    }
}

/// What the first frame says of the others.
#[derive(Debug, Default)]
struct CountNote {
    /// The number of frames, and their size in bytes.
    count: Option<(u64, u64)>,
    /// Silence of the encoder before and behind the sound, in samples.
    silence: Option<(u32, u32)>,
}

impl CountNote {
    /// `None` when the frame has sound.
    fn of(frame: MpegFrame, bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| be32(bytes, at).map(u64::from);
        // A checksum of two bytes may stand before it.
        for at in [frame.note_at(), frame.note_at() + 2] {
            if matches!(bytes.get(at..at + 4), Some(b"Xing" | b"Info")) {
                let is_counted = number(at + 4)? & 3 == 3;
                let count = if is_counted { number(at + 8).zip(number(at + 12)) } else { None };
                return Some(Self { count, silence: silence::noted(bytes) });
            }
        }
        let is_vbri = bytes.get(36..40) == Some(b"VBRI");
        is_vbri.then(|| Self { count: number(50).zip(number(46)), silence: None })
    }

    /// The number of frames, if it was made for a file of this size.
    fn trusted(&self, size: u64) -> Option<u64> {
        let (frames, bytes) = self.count?;
        let is_likely = LENGTHS.contains(&bytes.checked_div(frames)?);
        (is_likely && bytes.abs_diff(size) <= AGREES).then_some(frames)
    }
}

/// Length of the frames, without the encoder's silence.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let size = size_of(reader)?;
    let mut frames = MpegFrames { reader, size, at: 0, block: Vec::new() };
    let Some((start, first)) = frames.first()? else { return Ok(Measured::default()) };
    let bytes = bytes_at(frames.reader, start, first.length)?;
    let note = CountNote::of(first, &bytes);
    let known = note.as_ref().and_then(|note| note.trusted(size.saturating_sub(start)));
    let (before, behind) = note.as_ref().and_then(|note| note.silence).unwrap_or_default();
    let silence = u64::from(before) + u64::from(behind);
    let rate = u64::from(first.rate);
    let duration_ms = if let Some(known) = known {
        let whole = first.samples.saturating_mul(known).saturating_mul(1_000).saturating_add(rate / 2) / rate;
        milliseconds(silence, rate).and_then(|silence| whole.checked_sub(silence))
    } else {
        let from = if note.is_some() { start.saturating_add(first.length) } else { start };
        let (played, count) = frames.walk(from)?;
        // The silence at the end is there when nothing was cut off.
        let is_whole = note.as_ref().and_then(|note| note.count).is_some_and(|(frames, _)| frames == count);
        let silence = match note.and_then(|note| note.silence) {
            Some(_) if is_whole => silence,
            Some(_) => u64::from(before) + DECODER_DELAY,
            None => 0,
        };
        milliseconds(silence, rate).map(|silence| played.saturating_sub(silence))
    };
    Ok(Measured { duration_ms: duration_ms.filter(|ms| *ms > 0), ..Measured::default() })
}

/// The frames of a file, read block by block.
struct MpegFrames<'a, R> {
    reader: &'a mut R,
    size: u64,
    /// The offset of `block`.
    at: u64,
    block: Vec<u8>,
}

impl<R: Read + Seek> MpegFrames<'_, R> {
    /// What was read from `at`: ten bytes or more, unless the file ends before.
    fn bytes(&mut self, at: u64) -> io::Result<&[u8]> {
        let end = self.at.saturating_add(u64::try_from(self.block.len()).unwrap_or(0));
        if at < self.at || at.saturating_add(10).min(self.size) > end {
            self.block = bytes_at(self.reader, at, BLOCK)?;
            self.at = at;
        }
        let skipped = usize::try_from(at.saturating_sub(self.at)).unwrap_or(usize::MAX);
        Ok(self.block.get(skipped..).unwrap_or_default())
    }

    fn parse(&mut self, at: u64) -> io::Result<Option<MpegFrame>> {
        Ok(be32(self.bytes(at)?, 0).and_then(MpegFrame::parse))
    }

    /// The frame at `at` that is whole. Unless it is one of the same stream as `before`, another one or the end of the
    /// file has to follow it.
    fn frame(&mut self, at: u64, before: Option<u32>) -> io::Result<Option<MpegFrame>> {
        let Some(frame) = self.parse(at)? else { return Ok(None) };
        let end = at.saturating_add(frame.length);
        if end > self.size {
            return Ok(None);
        }
        if end == self.size || before == Some(frame.header & COMMON) {
            return Ok(Some(frame));
        }
        let next = self.parse(end)?;
        Ok(next.filter(|next| next.header & COMMON == frame.header & COMMON).map(|_| frame))
    }

    /// The first place from `at` where a frame or a tag may begin, without what is no frame.
    fn candidate(&mut self, mut at: u64) -> io::Result<u64> {
        let end = at.saturating_add(MOST_JUNK).min(self.size);
        while at < end {
            let bytes = self.bytes(at)?;
            let found = bytes.iter().position(|byte| matches!(byte, 0xff | b'I'));
            let step = u64::try_from(found.unwrap_or(bytes.len())).unwrap_or(0);
            at = at.saturating_add(step);
            if found.is_some() || step == 0 {
                break;
            }
        }
        Ok(at)
    }

    fn first(&mut self) -> io::Result<Option<(u64, MpegFrame)>> {
        let mut at = 0;
        while at < self.size.min(MOST_JUNK) {
            if let Some(frame) = self.frame(at, None)? {
                return Ok(Some((at, frame)));
            }
            let behind = self.behind(at)?;
            at = self.candidate(behind)?;
        }
        Ok(None)
    }

    /// Where to search on when no frame is at `at`: behind the tag that is there.
    fn behind(&mut self, at: u64) -> io::Result<u64> {
        let tag = tag_length(self.bytes(at)?.get(..10).unwrap_or_default());
        let end = tag.map(|length| at.saturating_add(length)).filter(|end| *end <= self.size);
        Ok(end.unwrap_or_else(|| at.saturating_add(1)))
    }

    /// The milliseconds of all frames from `from`, and their number.
    fn walk(&mut self, from: u64) -> io::Result<(u64, u64)> {
        let (mut sums, mut count) = (RateSums::default(), 0_u64);
        let (mut at, mut sound_until, mut before) = (from, from, None);
        let end = self.size.min(from.saturating_add(MOST_BYTES));
        while at < end && at.saturating_sub(sound_until) <= MOST_JUNK {
            if let Some(frame) = self.frame(at, before)? {
                sums.add(frame.rate, frame.samples);
                count = count.saturating_add(1);
                at = at.saturating_add(frame.length);
                (sound_until, before) = (at, Some(frame.header & COMMON));
            } else {
                let behind = self.behind(at)?;
                at = self.candidate(behind)?;
                before = None;
            }
        }
        let played = sums.milliseconds();
        if end == self.size || at < end {
            return Ok((played, count));
        }
        let (whole, part) = (self.size.saturating_sub(from), at.saturating_sub(from));
        let estimate = u128::from(played).saturating_mul(whole.into()).checked_div(part.into());
        Ok((estimate.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(played), count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// Frames of MPEG-1, layer III, 44,100 Hz, with these indices of bit rates: 26.1 ms each.
    fn frames(rates: &[u8]) -> Vec<u8> {
        rates.iter().flat_map(|rate| frame(*rate, &[])).collect()
    }

    fn frame(rate: u8, note: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xff, 0xfb, rate << 4, 0];
        let length = MpegFrame::parse(be32(&frame, 0).unwrap()).unwrap().length;
        frame.resize(36, 0);
        frame.extend(note);
        frame.resize(usize::try_from(length).unwrap(), 0x55);
        frame
    }

    /// An encoder's header with these numbers; 576 samples of silence before the sound and 1,000 behind it.
    fn note(word: &[u8], frames: u32, bytes: u32) -> Vec<u8> {
        let lame = [b"LAME3.100".as_slice(), &[0; 12], &[0x24, 0x03, 0xe8]].concat();
        [word, &3_u32.to_be_bytes(), &frames.to_be_bytes(), &bytes.to_be_bytes(), &lame].concat()
    }

    fn ms(bytes: &[u8]) -> Option<u64> {
        measure(&mut Cursor::new(bytes)).unwrap().duration_ms
    }

    fn length(bytes: &[u8]) -> u32 {
        u32::try_from(bytes.len()).unwrap()
    }

    #[test]
    fn headers_have_the_lengths_of_the_standard() {
        let cases = [
            (0xfffb_9000, Some((417, 1_152, 44_100))),
            (0xfffb_9200, Some((418, 1_152, 44_100))),
            (0xfffa_9000, Some((417, 1_152, 44_100))),
            (0xfffd_c400, Some((768, 1_152, 48_000))),
            (0xffff_e200, Some((488, 384, 44_100))),
            (0xfff3_8000, Some((208, 576, 22_050))),
            (0xfff5_8400, Some((384, 1_152, 24_000))),
            (0xffe3_4800, Some((288, 576, 8_000))),
            (0xfffb_0000, None),
            (0xfffb_f000, None),
            (0xfffb_9c00, None),
            (0xffeb_9000, None),
            (0xfff9_9000, None),
            (0x7ffb_9000, None),
        ];
        for (header, expected) in cases {
            let found = MpegFrame::parse(header).map(|frame| (frame.length, frame.samples, frame.rate));
            assert_eq!(found, expected, "{header:x}");
        }
    }

    #[test]
    fn without_a_count_all_frames_are_counted() {
        let varied = frames(&[1, 1, 9, 14, 5].repeat(20));
        assert_eq!(ms(&varied), Some(2_612));
        assert_eq!(ms(&varied[..varied.len() - 1]), Some(2_586), "the last frame was cut off");
        // Zeros before them, a tag and bytes that are no frames between them, a tag behind them.
        let tag = [b"ID3\x04\0\0\0\0\x10\0".as_slice(), &varied[..2_048]].concat();
        let odd = [vec![0; 70_000], varied.clone(), tag, vec![0xff; 99], varied, b"TAG".to_vec(), vec![0xff; 125]];
        assert_eq!(ms(&odd.concat()), Some(5_224));
        // A note without numbers is no sound.
        let empty = frame(9, b"Xing\0\0\0\0");
        assert_eq!(ms(&[empty, frames(&[9; 10])].concat()), Some(261));
        assert_eq!((ms(b""), ms(&[0xff; 100]), ms(&[0; 100])), (None, None, None));
    }

    #[test]
    fn a_stream_of_another_rate_that_follows_counts() {
        let slow: Vec<u8> = [[0xff, 0xf3, 0x80, 0].to_vec(), vec![0; 204]].concat().repeat(10);
        assert_eq!(ms(&[frames(&[9; 10]), slow].concat()), Some(522));
    }

    #[test]
    fn a_count_is_used_for_a_file_of_its_size() {
        let sound = frames(&[1, 9, 14, 5].repeat(25));
        let of = |frames: u32, bytes: u32| [frame(9, &note(b"Xing", frames, bytes)), sound.clone()].concat();
        let size = length(&sound) + 417;
        // 110 frames are not counted: the size agrees.
        let silence = 35;
        assert_eq!(ms(&of(110, size)), Some(2_873 - silence));
        assert_eq!(ms(&of(110, size - 417)), Some(2_873 - silence), "without its own frame");
        let counted = 2_612 - (576 + 529) * 1_000 / 44_100;
        assert_eq!(ms(&of(110, size * 2)), Some(counted), "more than there is");
        assert_eq!(ms(&of(110, size / 2)), Some(counted), "less than there is");
        assert_eq!(ms(&of(0, size)), Some(counted));
        assert_eq!(ms(&of(1, size)), Some(counted), "frames have no such length");
        assert_eq!(ms(&of(100, size + 9_999)), Some(2_612 - silence), "all frames are there");
        let vbri = [b"VBRI".as_slice(), &[0; 6], &size.to_be_bytes(), &110_u32.to_be_bytes()].concat();
        assert_eq!(ms(&[frame(9, &vbri), sound].concat()), Some(2_873));
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            at in 0..3_000_usize,
            kept in 0..5_000_usize,
        ) {
            let mut bytes = [frame(9, &note(b"Info", 9, 4_000)), frames(&[9; 9])].concat();
            for (place, byte) in bytes.iter_mut().skip(at).zip(&noise) {
                *place = *byte;
            }
            bytes.truncate(kept);
            ms(&bytes);
            ms(&noise);
        }
    }
}
