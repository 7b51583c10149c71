//! APE tags, item by item. Source: wiki.hydrogenaud.io, "`APEv2` specification".

use super::{
    MAX_PICTURE_BYTES,
    bytes::FileBytes,
    decode,
    fields::{FRONT, Field, TagFields, field},
};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// The length of header and footer.
const FOOTER: u64 = 32;
const MARK: &[u8; 8] = b"APETAGEX";
/// The flag of a tag that has a header, and the one that says that this is the header.
const HAS_HEADER: u32 = 0x8000_0000;
const IS_HEADER: u32 = 0x2000_0000;
/// The most items of a tag.
const MAX_ITEMS: u32 = 1_000;
/// The most characters of a key.
const MAX_KEY: usize = 255;
/// The greatest length of a text that is read.
const MAX_TEXT: u64 = 1024 * 1024;
/// The greatest length of the name of a picture's file, which stands before the picture.
const MAX_NAME: u64 = 1024;

/// Where a tag is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApePlace {
    /// All of it, with header and footer.
    pub(super) whole: Range<u64>,
    items: Range<u64>,
    count: u32,
    /// Its size is impossible.
    is_wrong: bool,
}

impl ApePlace {
    /// The tag whose footer is before `end`; `from` is the earliest offset at which it may begin.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn before(bytes: &mut FileBytes<impl Read + Seek>, end: u64, from: u64) -> io::Result<Option<Self>> {
        let Some(at) = end.checked_sub(FOOTER).filter(|at| *at >= from) else { return Ok(None) };
        let Some((size, count, flags)) = mark(bytes, at)? else { return Ok(None) };
        let items = end.checked_sub(size).filter(|start| *start >= from && size >= FOOTER);
        let Some(items) = items else {
            return Ok(Some(Self { whole: at..end, items: at..at, count, is_wrong: true }));
        };
        let header = items.checked_sub(FOOTER).filter(|header| *header >= from && flags & HAS_HEADER != 0);
        let start = match header {
            Some(header) if bytes.has(header, MARK)? => header,
            _ => items,
        };
        Ok(Some(Self { whole: start..end, items: items..at, count, is_wrong: false }))
    }

    /// The tag whose header is at `at`.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn at(bytes: &mut FileBytes<impl Read + Seek>, at: u64) -> io::Result<Option<Self>> {
        let Some((size, count, flags)) = mark(bytes, at)? else { return Ok(None) };
        if flags & IS_HEADER == 0 {
            return Ok(None);
        }
        let start = at.saturating_add(FOOTER);
        let end = start.saturating_add(size);
        if end > bytes.len() || size < FOOTER {
            return Ok(Some(Self { whole: at..start, items: start..start, count, is_wrong: true }));
        }
        Ok(Some(Self { whole: at..end, items: start..end.saturating_sub(FOOTER), count, is_wrong: false }))
    }
}

/// Size, number of items and flags of the header or footer at `at`.
fn mark(bytes: &mut FileBytes<impl Read + Seek>, at: u64) -> io::Result<Option<(u64, u32, u32)>> {
    let Some([_, _, _, size, count, flags]) = bytes.fours::<6>(at)?.filter(|fours| fours.concat().starts_with(MARK))
    else {
        return Ok(None);
    };
    Ok(Some((u32::from_le_bytes(size).into(), u32::from_le_bytes(count), u32::from_le_bytes(flags))))
}

/// Adds what the tag at `place` has.
///
/// # Errors
/// Those of reading the file; what is wrong with the tag is noted in `fields`.
pub(super) fn read(
    bytes: &mut FileBytes<impl Read + Seek>,
    place: &ApePlace,
    fields: &mut TagFields,
) -> io::Result<()> {
    fields.begin("APE");
    if place.is_wrong {
        fields.lose("", "the size of the tag is wrong");
    }
    let mut at = place.items.start;
    for _ in 0..place.count.min(MAX_ITEMS) {
        let key_at = at.saturating_add(8);
        if key_at >= place.items.end {
            break;
        }
        let Some([size, flags]) = bytes.fours::<2>(at)? else { break };
        let size = u64::from(u32::from_le_bytes(size));
        let key = bytes.get(key_at, MAX_KEY.saturating_add(1))?;
        let key: Vec<u8> = key.into_iter().take_while(|byte| *byte != 0).collect();
        let value_at = key_at.saturating_add(u64::try_from(key.len()).unwrap_or(0)).saturating_add(1);
        let key = decode::latin1(&key);
        let end = value_at.saturating_add(size);
        if key.is_empty() || key.len() > MAX_KEY || end > place.items.end {
            fields.lose(&key, "its size is wrong; the rest of the tag is not read");
            break;
        }
        let kind = u32::from_le_bytes(flags) >> 1 & 3;
        item(bytes, &key, kind, value_at..end, fields)?;
        at = end;
    }
    Ok(())
}

fn item(
    bytes: &mut FileBytes<impl Read + Seek>,
    key: &str,
    kind: u32,
    value: Range<u64>,
    fields: &mut TagFields,
) -> io::Result<()> {
    let size = value.end.saturating_sub(value.start);
    let len = usize::try_from(size).unwrap_or(usize::MAX);
    let lower = key.to_ascii_lowercase();
    match (kind, field(key)) {
        (0 | 2, Some(_)) if size > MAX_TEXT => fields.lose(key, "it is larger than 1 MiB"),
        (0 | 2, Some(field)) => text(&bytes.get(value.start, len)?, key, field, fields),
        (1, None) if lower.starts_with("cover art (") => {
            let most = u64::try_from(MAX_PICTURE_BYTES).unwrap_or(0).saturating_add(MAX_NAME);
            let data = if size > most { Vec::new() } else { bytes.get(value.start, len)? };
            let picture = data.iter().position(|byte| *byte == 0).and_then(|end| data.get(end.checked_add(1)?..));
            match (picture, size > most) {
                (Some(picture), false) if picture.len() <= MAX_PICTURE_BYTES => {
                    fields.picture(picture_kind(&lower), picture.to_vec());
                }
                (None, false) => fields.lose(key, "it ends before its picture"),
                _ => fields.lose(key, "it is larger than 10 MiB"),
            }
        }
        (_, Some(_)) => fields.lose(key, "it is no text"),
        _ => {}
    }
    Ok(())
}

fn text(value: &[u8], key: &str, field: Field, fields: &mut TagFields) {
    let (text, trouble) = decode::utf8(value);
    if let Some(trouble) = trouble {
        fields.lose(key, &trouble);
    }
    fields.text(field, text);
}

fn picture_kind(key: &str) -> u32 {
    match key {
        "cover art (front)" => FRONT,
        "cover art (icon)" => 1,
        "cover art (other icon)" => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn item(key: &str, flags: u32, value: &[u8]) -> Vec<u8> {
        let size = u32::try_from(value.len()).unwrap();
        [&size.to_le_bytes(), flags.to_le_bytes().as_slice(), key.as_bytes(), b"\0", value].concat()
    }

    fn tag(items: &[Vec<u8>]) -> Vec<u8> {
        let content = items.concat();
        let (size, count) = (u32::try_from(content.len() + 32).unwrap(), u32::try_from(items.len()).unwrap());
        let numbers = [2_000, size, count, 0, 0, 0].map(u32::to_le_bytes).concat();
        [content, MARK.to_vec(), numbers].concat()
    }

    fn fields_of(file: &[u8]) -> TagFields {
        let mut bytes = FileBytes::new(Cursor::new(file)).unwrap();
        let mut fields = TagFields::default();
        let end = bytes.len();
        if let Some(place) = ApePlace::before(&mut bytes, end, 0).unwrap() {
            read(&mut bytes, &place, &mut fields).unwrap();
        }
        fields
    }

    #[test]
    fn items_are_read_up_to_a_broken_one() {
        let broken = [&99_999_u32.to_le_bytes(), [0; 4].as_slice(), b"Album\0x"].concat();
        let items = [
            item("Title", 0, b"One\0Two"),
            item("ARTIST", 0, b"Bj\xf6rk"),
            item("Year", 2, &[1, 2]),
            item("Cover Art (Front)", 2, b"cover.png\0picture"),
            item("Unknown", 2, b"x"),
            broken,
            item("Track", 0, b"7"),
        ];
        let fields = fields_of(&tag(&items));
        assert_eq!(fields.each(Field::Title).collect::<Vec<_>>(), ["One", "Two"]);
        assert_eq!(fields.each(Field::Artist).collect::<Vec<_>>(), ["Björk"]);
        assert_eq!(
            fields.losses(),
            [
                "APE ARTIST: the text is not UTF-8; it is read as Latin-1",
                "APE Year: it is no text",
                "APE Album: its size is wrong; the rest of the tag is not read",
            ]
        );
        assert_eq!(fields.into_picture().as_deref(), Some(b"picture".as_slice()));
    }

    #[test]
    fn a_tag_with_an_impossible_size_is_noted() {
        let mut file = tag(&[item("Title", 0, b"x")]);
        let at = file.len() - 20;
        file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(fields_of(&file).losses(), ["APE: the size of the tag is wrong"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..120), at in 0..100_usize) {
            let mut file = tag(&[item("Title", 0, b"One"), item("Cover Art (Front)", 2, b"a\0b"), item("Track", 0, b"7")]);
            for (place, byte) in file.iter_mut().skip(at).zip(&noise) {
                *place ^= byte;
            }
            fields_of(&file);
        }
    }
}
