//! The tags that stand before and behind the audio of a file.

use super::{ape::ApePlace, bytes::FileBytes, id3v1, id3v2::Header};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// The most tags before the audio, and behind it.
const MAX_TAGS: usize = 16;
/// How far a first tag is searched for, where it may follow other bytes.
const BLOCK: usize = 64 * 1024;

/// Tags outside the audio.
#[derive(Debug, Default)]
pub(super) struct Outer {
    /// `ID3v2` tags, in the order of the file.
    pub(super) id3v2: Vec<Header>,
    /// APE tags; the outermost of those at the end first.
    pub(super) ape: Vec<ApePlace>,
    /// `ID3v1` tags, the outermost first.
    pub(super) id3v1: Vec<[u8; id3v1::LENGTH]>,
    /// What is between them.
    pub(super) audio: Range<u64>,
}

impl Outer {
    /// The tags at the start. When `searched`, the first of them may follow zeros and other bytes that are no audio.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn before(bytes: &mut FileBytes<impl Read + Seek>, searched: bool) -> io::Result<Self> {
        let mut outer = Self { audio: 0..bytes.len(), ..Self::default() };
        let mut at = if searched { first_tag(bytes)? } else { 0 };
        for _ in 0..MAX_TAGS {
            if let Some(header) = Header::read(bytes, at)? {
                // The size of a tag that is cut off is wrong when there is audio: that is searched for behind the header.
                at = if header.is_cut { at.saturating_add(10) } else { header.end };
                outer.id3v2.push(header);
            } else if let Some(place) = ApePlace::at(bytes, at)? {
                at = place.whole.end;
                outer.ape.push(place);
            } else {
                break;
            }
            outer.audio.start = at;
        }
        Ok(outer)
    }

    /// Adds the tags at the end.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn add_after(&mut self, bytes: &mut FileBytes<impl Read + Seek>) -> io::Result<()> {
        let from = self.audio.start;
        for _ in 0..MAX_TAGS {
            let end = self.audio.end;
            let start = if let Some(place) = ApePlace::before(bytes, end, from)? {
                let start = place.whole.start;
                self.ape.push(place);
                start
            } else if let Some((start, header)) = Header::before(bytes, end)? {
                self.id3v2.push(header);
                start
            } else if let Some(start) = lyrics(bytes, end)? {
                start
            } else if let Some((start, tag)) = v1(bytes, end)? {
                self.id3v1.push(tag);
                start
            } else {
                break;
            };
            if start < from {
                break;
            }
            self.audio.end = start;
        }
        Ok(())
    }
}

/// Where the first `ID3v2` tag is: at the start, or behind bytes that are no MPEG frame.
fn first_tag(bytes: &mut FileBytes<impl Read + Seek>) -> io::Result<u64> {
    let start = bytes.get(0, BLOCK)?;
    if matches!(start.as_slice(), [0xff, 0xe0..=0xff, ..] | [b'I', b'D', b'3', ..] | [b'A', b'P', b'E', b'T', ..]) {
        return Ok(0);
    }
    let found = start.windows(3).position(|word| word == b"ID3").and_then(|at| u64::try_from(at).ok());
    Ok(match found {
        Some(at) if Header::read(bytes, at)?.is_some_and(|header| !header.is_cut) => at,
        _ => 0,
    })
}

/// Where the `Lyrics3v2` tag before `end` starts (id3.org, "Lyrics3 v2.00": six digits and `LYRICS200` at its end).
fn lyrics(bytes: &mut FileBytes<impl Read + Seek>, end: u64) -> io::Result<Option<u64>> {
    let Some(at) = end.checked_sub(15) else { return Ok(None) };
    let foot = bytes.get(at, 15)?;
    let Some((size, b"LYRICS200")) = foot.split_at_checked(6) else { return Ok(None) };
    let size = std::str::from_utf8(size).ok().and_then(|size| size.parse::<u64>().ok());
    Ok(size.and_then(|size| at.checked_sub(size)))
}

/// The `ID3v1` tag before `end`, and where it starts, with the extended one that may stand before it (`TAG+`).
fn v1(bytes: &mut FileBytes<impl Read + Seek>, end: u64) -> io::Result<Option<(u64, [u8; id3v1::LENGTH])>> {
    let Some(at) = end.checked_sub(128) else { return Ok(None) };
    let Some(tag) = bytes.array::<{ id3v1::LENGTH }>(at)?.filter(|tag| tag.starts_with(b"TAG")) else {
        return Ok(None);
    };
    // The letters are part of the mark of an APE tag, too.
    if tag.starts_with(b"TAGEX") && bytes.has(at.saturating_sub(3), b"APETAGEX")? {
        return Ok(None);
    }
    let start = match at.checked_sub(227) {
        Some(start) if bytes.has(start, b"TAG+")? => start,
        _ => at,
    };
    Ok(Some((start, tag)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// What is before and behind the audio, and how many tags of each format.
    type Case = (Vec<Vec<u8>>, Vec<Vec<u8>>, [usize; 3]);

    fn id3v2() -> Vec<u8> {
        b"ID3\x03\0\0\0\0\0\x05five.".to_vec()
    }

    fn id3v1() -> Vec<u8> {
        let mut tag = b"TAG".to_vec();
        tag.resize(128, b'x');
        tag
    }

    fn ape() -> Vec<u8> {
        [b"APETAGEX".as_slice(), &[2_000, 32, 0, 0, 0, 0].map(u32::to_le_bytes).concat()].concat()
    }

    fn lyrics() -> Vec<u8> {
        b"LYRICSBEGIN000011LYRICS200".to_vec()
    }

    #[test]
    fn the_audio_is_between_all_tags() {
        let audio = b"\xff\xfb the audio".to_vec();
        let cases: [Case; 7] = [
            (vec![], vec![], [0, 0, 0]),
            (vec![id3v2(), id3v2()], vec![id3v1()], [2, 0, 1]),
            (vec![id3v2()], vec![ape(), lyrics(), id3v1()], [1, 1, 1]),
            (vec![], vec![id3v1(), ape()], [0, 1, 1]),
            (vec![], vec![ape(), id3v1(), id3v1()], [0, 1, 2]),
            (vec![vec![0; 30], id3v2()], vec![], [1, 0, 0]),
            (vec![b"junk".to_vec(), id3v2()], vec![ape()], [1, 1, 0]),
        ];
        for (before, after, counts) in cases {
            let file = [before.concat(), audio.clone(), after.concat()].concat();
            let mut bytes = FileBytes::new(Cursor::new(&file)).unwrap();
            let mut outer = Outer::before(&mut bytes, true).unwrap();
            outer.add_after(&mut bytes).unwrap();
            let found = [outer.id3v2.len(), outer.ape.len(), outer.id3v1.len()];
            let here = usize::try_from(outer.audio.start).unwrap()..usize::try_from(outer.audio.end).unwrap();
            assert_eq!((found, &file[here]), (counts, audio.as_slice()));
        }
    }

    #[test]
    fn a_tag_longer_than_the_file_leaves_the_audio() {
        let file = b"ID3\x03\0\0\x7f\x7f\x7f\x7f\xff\xfb audio".to_vec();
        let outer = Outer::before(&mut FileBytes::new(Cursor::new(&file)).unwrap(), true).unwrap();
        assert_eq!((outer.audio.start, outer.id3v2.len()), (10, 1));
    }
}
