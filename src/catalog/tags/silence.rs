//! The silence that an MP3 encoder adds before and after the sound. Players skip it; a duration that includes it is up
//! to 0.1 s too long at low sample rates.

use std::io::{self, Read, Seek, SeekFrom};

/// How many bytes after the `ID3v2` tag are searched for the encoder's header (Xing or Info): it is in the first frame,
/// which is not longer.
const NOTE_WITHIN: u64 = 4096;
/// Encoders that write the numbers of samples: LAME and those that use its format.
const ENCODERS: [&[u8]; 4] = [b"LAME", b"L3.9", b"Lavf", b"Lavc"];
/// The offset of the two numbers in LAME's part of the header ("Mp3 Info Tag rev 1",
/// gabriel.mp3-tech.org/mp3infotag.html).
const NUMBERS_AT: usize = 21;

/// The number of samples of silence, before and after the sound together, according to the encoder's header; 0 without
/// that header.
///
/// # Errors
/// Those of reading.
pub(super) fn samples(reader: &mut (impl Read + Seek)) -> io::Result<u32> {
    let mut tag = Vec::new();
    reader.seek(SeekFrom::Start(0))?;
    reader.by_ref().take(10).read_to_end(&mut tag)?;
    reader.seek(SeekFrom::Start(tag_length(&tag).unwrap_or(0)))?;
    let mut start = Vec::new();
    reader.by_ref().take(NOTE_WITHIN).read_to_end(&mut start)?;
    let (before, behind) = noted(&start).unwrap_or_default();
    Ok(before.saturating_add(behind))
}

/// The length of an `ID3v2` tag with header and footer (id3.org, "ID3v2.4.0", 3.1). The size in its header has seven
/// bits a byte and excludes header and footer.
pub(super) fn tag_length(header: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', _, _, flags, size @ ..] = header else { return None };
    let size = size.iter().fold(0, |sum: u64, byte| (sum << 7) | u64::from(byte & 0x7f));
    Some(size.saturating_add(if flags & 0x10 == 0 { 10 } else { 20 }))
}

/// The samples of silence before and behind the sound, according to the encoder's header in these bytes.
pub(super) fn noted(start: &[u8]) -> Option<(u32, u32)> {
    let at = start.windows(4).position(|word| word == b"Xing" || word == b"Info")?;
    let (_, note) = start.split_at_checked(at.checked_add(4)?)?;
    let (flags, fields) = note.split_first_chunk::<4>()?;
    // Optional fields: number of frames, number of bytes, seek table, quality.
    let present = [4, 4, 100, 4].iter().zip(0..).filter(|(_, bit)| u32::from_be_bytes(*flags) >> bit & 1 == 1);
    let (_, encoder) = fields.split_at_checked(present.map(|(length, _)| length).sum())?;
    if !ENCODERS.iter().any(|name| encoder.starts_with(name)) {
        return None;
    }
    let [first, second, third] = *encoder.get(NUMBERS_AT..)?.first_chunk::<3>()?;
    let (first, second, third) = (u32::from(first), u32::from(second), u32::from(third));
    Some((first << 4 | second >> 4, (second & 0x0f) << 8 | third))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn note(word: &[u8], flags: u8, fields: usize, encoder: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xfb, 0x90, 0x00];
        bytes.extend([0; 32]);
        bytes.extend(word);
        bytes.extend([0, 0, 0, flags]);
        bytes.extend(vec![7; fields]);
        bytes.extend(encoder);
        bytes.resize(bytes.len() + NUMBERS_AT - encoder.len(), 0);
        // 576 before, 1,234 after.
        bytes.extend([0x24, 0x04, 0xd2, 0]);
        bytes
    }

    #[test]
    fn the_header_is_found_after_any_tag_and_with_any_fields() {
        let all = note(b"Xing", 15, 112, b"LAME3.100");
        let id3 = [b"ID3\x04\0\0\0\0\x01\0".as_slice(), &[0xff; 128], &all].concat();
        let id3_with_footer = [b"ID3\x04\0\x10\0\0\x01\0".as_slice(), &[0xff; 138], &all].concat();
        let few = note(b"Info", 1, 4, b"Lavc59.37");
        for bytes in [all, id3, id3_with_footer, few] {
            assert_eq!(samples(&mut Cursor::new(bytes)).unwrap(), 576 + 1_234);
        }
    }

    #[test]
    fn without_the_header_there_is_no_silence() {
        let other = note(b"Info", 1, 4, b"FhG");
        let mut short = note(b"Info", 1, 4, b"LAME");
        short.truncate(60);
        for bytes in [vec![], b"ID3".to_vec(), vec![0xff; 5_000], other, short, b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec()]
        {
            assert_eq!(samples(&mut Cursor::new(bytes)).unwrap(), 0);
        }
    }
}
