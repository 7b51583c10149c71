//! Vorbis comments in FLAC and Ogg (xiph.org, "Vorbis comment field and header specification"), and the pictures beside
//! them (RFC 9639, section 8.8).

use super::{
    MAX_PICTURE_BYTES,
    bytes::FileBytes,
    decode,
    fields::{FRONT, TagFields, field},
};
use base64::{
    Engine as _, alphabet::STANDARD, engine::DecodePaddingMode, engine::GeneralPurpose, engine::GeneralPurposeConfig,
};
use std::io::{self, Read, Seek};

/// The most comments of a tag.
const MAX_COMMENTS: u32 = 10_000;
/// The most blocks of metadata of a FLAC file.
const MAX_BLOCKS: usize = 1_000;
/// The greatest length of a block that is read; a block has a length of 24 bits.
const MAX_BLOCK_BYTES: usize = 0xff_ffff;
/// Blocks of metadata (RFC 9639, section 8.1).
const COMMENTS: u8 = 4;
const PICTURE: u8 = 6;
/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Takes bytes and little-endian numbers from the start of a slice.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<[u8; 4]> {
        self.take(4)?.first_chunk::<4>().copied()
    }

    /// As many bytes as the number before them says, or `None` when they are not there.
    fn counted(&mut self, number: fn([u8; 4]) -> u32) -> Option<&'a [u8]> {
        let len = number(self.number()?);
        self.take(usize::try_from(len).ok()?)
    }
}

/// Adds the comments of a block or packet that begins with the vendor's name.
pub(super) fn comments(block: &[u8], fields: &mut TagFields) {
    fields.begin("Vorbis comments");
    let mut rest = Rest(block);
    let count = rest.counted(u32::from_le_bytes).and_then(|_| rest.number()).map(u32::from_le_bytes);
    let Some(count) = count else { return fields.lose("", "the block ends before its comments") };
    let mut index = 0;
    loop {
        let left = Rest(rest.0).counted(u32::from_le_bytes);
        // A count that is too small hides comments; what is no comment behind the last one is padding.
        if index >= count && left.is_none_or(|comment| !comment.contains(&b'=')) {
            return;
        }
        if index == MAX_COMMENTS {
            return fields.lose("", "there are more than 10,000 comments; the rest is not read");
        }
        index += 1;
        if index == count.saturating_add(1) {
            fields.lose("", &format!("there are more comments than {count}, as it says; they are read"));
        }
        let Some(comment) = rest.counted(u32::from_le_bytes) else {
            return fields.lose("", &format!("the block ends before comment {index} of {count}"));
        };
        let Some(end) = comment.iter().position(|byte| *byte == b'=') else {
            if !comment.is_empty() {
                fields.lose("", "a comment without a name");
            }
            continue;
        };
        let (name, value) = comment.split_at_checked(end).unwrap_or_default();
        add(&decode::latin1(name), value.get(1..).unwrap_or_default(), fields);
    }
}

/// The length of a block of comments, if it is whole.
fn length(block: &[u8]) -> Option<usize> {
    let mut rest = Rest(block);
    rest.counted(u32::from_le_bytes)?;
    let count = u32::from_le_bytes(rest.number()?);
    for _ in 0..Some(count).filter(|count| *count <= MAX_COMMENTS)? {
        rest.counted(u32::from_le_bytes)?;
    }
    block.len().checked_sub(rest.0.len())
}

fn add(name: &str, value: &[u8], fields: &mut TagFields) {
    let upper = name.to_ascii_uppercase();
    match (upper.as_str(), field(&upper)) {
        (_, Some(field)) => {
            let (text, trouble) = decode::utf8(value);
            if let Some(trouble) = trouble {
                fields.lose(&upper, &trouble);
            }
            fields.text(field, text);
        }
        ("METADATA_BLOCK_PICTURE" | "COVERART", None) => {
            let value: Vec<u8> =
                value.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != 0).collect();
            match BASE64.decode(value) {
                Ok(data) if upper == "COVERART" => fields.picture(FRONT, data),
                Ok(data) => picture(&data, fields),
                Err(_) => fields.lose(&upper, "it is not Base64"),
            }
        }
        _ => {}
    }
}

/// Adds the picture of a block.
pub(super) fn picture(block: &[u8], fields: &mut TagFields) {
    let mut rest = Rest(block);
    let mut head = || {
        let kind = u32::from_be_bytes(rest.number()?);
        let format = rest.counted(u32::from_be_bytes)?;
        rest.counted(u32::from_be_bytes)?;
        rest.take(16)?;
        let len = usize::try_from(u32::from_be_bytes(rest.number()?)).ok()?;
        Some((kind, format, rest.0.get(..len).unwrap_or(rest.0)))
    };
    match head() {
        Some((_, b"-->", _)) => {}
        Some((_, _, data)) if data.len() > MAX_PICTURE_BYTES => fields.lose("picture", "it is larger than 10 MiB"),
        Some((kind, _, data)) => fields.picture(kind, data.to_vec()),
        None => fields.lose("picture", "it ends before its picture"),
    }
}

/// Adds what the metadata of the FLAC stream at `start` has.
///
/// # Errors
/// Those of reading the file.
pub(super) fn flac(bytes: &mut FileBytes<impl Read + Seek>, start: u64, fields: &mut TagFields) -> io::Result<()> {
    if !bytes.has(start, b"fLaC")? {
        return Ok(());
    }
    let mut at = start.saturating_add(4);
    // Comments are the first tag although pictures may stand before them.
    let mut pictures = Vec::new();
    let mut is_first = true;
    for _ in 0..MAX_BLOCKS {
        let Some([kind, a, b, c]) = bytes.array::<4>(at)? else { break };
        let mut len = u32::from_be_bytes([0, a, b, c]);
        let content = at.saturating_add(4);
        match kind & 0x7f {
            COMMENTS => {
                let mut block = bytes.get(content, usize::try_from(len).unwrap_or(MAX_BLOCK_BYTES))?;
                // Some programs wrote a length that is too small.
                if std::mem::take(&mut is_first) && length(&block).is_none() {
                    let more = bytes.get(content, MAX_BLOCK_BYTES)?;
                    if let Some(whole) = length(&more) {
                        block = more.get(..whole).unwrap_or_default().to_vec();
                        len = u32::try_from(whole).unwrap_or(len);
                    }
                }
                comments(&block, fields);
            }
            PICTURE => pictures.push((content, len)),
            _ => {}
        }
        at = content.saturating_add(len.into());
        if kind & 0x80 != 0 {
            break;
        }
    }
    for (at, len) in pictures {
        let block = bytes.get(at, usize::try_from(len).unwrap_or(MAX_BLOCK_BYTES))?;
        picture(&block, fields);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tags::fields::Field;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn counted(text: &[u8]) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap().to_le_bytes(), text].concat()
    }

    fn block(comments: &[&[u8]]) -> Vec<u8> {
        let count = u32::try_from(comments.len()).unwrap().to_le_bytes();
        let comments: Vec<u8> = comments.iter().flat_map(|comment| counted(comment)).collect();
        [counted(b"vendor"), count.to_vec(), comments].concat()
    }

    #[test]
    fn an_odd_comment_costs_itself_alone() {
        let picture = [&3_u32.to_be_bytes(), [0; 8].as_slice(), &[0; 16], &2_u32.to_be_bytes(), b"ok"].concat();
        let picture = format!("METADATA_BLOCK_PICTURE={}", BASE64.encode(picture));
        let all: [&[u8]; 8] = [
            b"Title=One",
            b"no name",
            b"ARTIST=Bj\xf6rk",
            b"artist=B",
            b"METADATA_BLOCK_PICTURE=*",
            picture.as_bytes(),
            b"",
            b"DATE=1999",
        ];
        let mut fields = TagFields::default();
        comments(&block(&all), &mut fields);
        let all = |field| fields.each(field).collect::<Vec<_>>();
        assert_eq!((all(Field::Title), all(Field::Artist)), (vec!["One"], vec!["Björk", "B"]));
        assert_eq!(all(Field::Date), ["1999"]);
        assert_eq!(
            fields.losses(),
            [
                "Vorbis comments: a comment without a name",
                "Vorbis comments ARTIST: the text is not UTF-8; it is read as Latin-1",
                "Vorbis comments METADATA_BLOCK_PICTURE: it is not Base64",
            ]
        );
        assert_eq!(fields.into_picture().as_deref(), Some(b"ok".as_slice()));
    }

    #[test]
    fn a_block_that_ends_too_early_keeps_what_is_there() {
        let mut cut = block(&[b"TITLE=One", b"ARTIST=Two"]);
        cut.truncate(cut.len() - 1);
        let file = [b"fLaC\0\0\0\0\x84\0\0".as_slice(), &[u8::try_from(cut.len()).unwrap()], &cut].concat();
        let mut fields = TagFields::default();
        flac(&mut FileBytes::new(Cursor::new(file)).unwrap(), 0, &mut fields).unwrap();
        assert_eq!(fields.each(Field::Title).collect::<Vec<_>>(), ["One"]);
        assert_eq!(fields.losses(), ["Vorbis comments: the block ends before comment 2 of 2"]);
    }

    #[test]
    fn comments_behind_the_last_that_is_counted_are_read() {
        let mut few = block(&[b"TITLE=One", b"ARTIST=Two", b"ARTIST=Three"]);
        few[10] = 1;
        few.extend([0; 9]);
        let mut fields = TagFields::default();
        comments(&few, &mut fields);
        assert_eq!(fields.each(Field::Artist).collect::<Vec<_>>(), ["Two", "Three"]);
        assert_eq!(fields.losses(), ["Vorbis comments: there are more comments than 1, as it says; they are read"]);
        let mut fields = TagFields::default();
        comments(&[block(&[b"TITLE=One"]), vec![1]].concat(), &mut fields);
        assert!(fields.losses().is_empty());
    }

    #[test]
    fn a_block_that_is_longer_than_it_says_is_read_as_a_whole() {
        let whole = block(&[b"TITLE=One", b"ARTIST=Two"]);
        let picture = [&3_u32.to_be_bytes(), [0; 8].as_slice(), &[0; 16], &2_u32.to_be_bytes(), b"ok"].concat();
        let blocks = [b"fLaC\x04\0\0\x14".as_slice(), &whole, &[0x86, 0, 0, 34], &picture];
        let mut fields = TagFields::default();
        flac(&mut FileBytes::new(Cursor::new(blocks.concat())).unwrap(), 0, &mut fields).unwrap();
        assert_eq!(fields.each(Field::Artist).collect::<Vec<_>>(), ["Two"]);
        assert!(fields.losses().is_empty());
        assert_eq!(fields.into_picture().as_deref(), Some(b"ok".as_slice()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut fields = TagFields::default();
            comments(&noise, &mut fields);
            picture(&noise, &mut fields);
            let file = [b"fLaC".as_slice(), &noise].concat();
            flac(&mut FileBytes::new(Cursor::new(file)).unwrap(), 0, &mut fields).unwrap();
        }
    }
}
