//! The metadata of MP4 as iTunes writes it, one atom in `moov/udta/meta/ilst` for each value; that of `QuickTime`,
//! whose atoms are named in `meta/keys` or stand in `udta`. Sources: ISO/IEC 14496-12 (atoms), Apple's "`QuickTime`
//! File Format", "Metadata" and "User Data Atoms", and the field mappings of `MusicBrainz` Picard.

use super::{
    MAX_PICTURE_BYTES,
    bytes::FileBytes,
    decode::{self, ByteOrder},
    fields::{FRONT, Field, TagFields, field},
    genres,
};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// The most atoms of one level.
const MAX_ATOMS: usize = 10_000;
/// The greatest length of a value that is no picture.
const MAX_TEXT: u64 = 1024 * 1024;
/// How many bytes behind an atom with a wrong size are searched.
const SEARCH: usize = 1024 * 1024;
/// What stands before the names of `QuickTime`.
const QUICKTIME: &str = "com.apple.quicktime.";

/// An atom.
struct Atom {
    name: [u8; 4],
    content: Range<u64>,
}

/// The next atom in `rest`, which begins behind it afterwards; `None` at the end, `Err` when its size is wrong.
fn next(bytes: &mut FileBytes<impl Read + Seek>, rest: &mut Range<u64>) -> io::Result<Option<Result<Atom, [u8; 4]>>> {
    let at = rest.start;
    if at.saturating_add(8) > rest.end {
        return Ok(None);
    }
    let Some([size, name]) = bytes.fours::<2>(at)? else { return Ok(None) };
    let (size, head) = match u32::from_be_bytes(size) {
        0 => (rest.end.saturating_sub(at), 8),
        1 => (bytes.array::<8>(at.saturating_add(8))?.map_or(0, u64::from_be_bytes), 16),
        size => (size.into(), 8),
    };
    let end = at.saturating_add(size);
    if size < head || end > rest.end {
        rest.start = rest.end;
        return Ok(Some(Err(name)));
    }
    rest.start = end;
    Ok(Some(Ok(Atom { name, content: at.saturating_add(head)..end })))
}

/// The content of the first atom of this name.
fn find(bytes: &mut FileBytes<impl Read + Seek>, within: Range<u64>, name: [u8; 4]) -> io::Result<Option<Range<u64>>> {
    let mut rest = within;
    for _ in 0..MAX_ATOMS {
        match next(bytes, &mut rest)? {
            Some(Ok(atom)) if atom.name == name => return Ok(Some(atom.content)),
            Some(Ok(_)) => {}
            _ => break,
        }
    }
    Ok(None)
}

/// Adds what the file has.
///
/// # Errors
/// Those of reading the file; what is wrong with the metadata is noted in `fields`.
pub(super) fn read(bytes: &mut FileBytes<impl Read + Seek>, start: u64, fields: &mut TagFields) -> io::Result<()> {
    let whole = start..bytes.len();
    for movie in all(bytes, &whole, *b"moov")? {
        let data = all(bytes, &movie, *b"udta")?;
        for place in data.iter().chain([&movie]) {
            for meta in all(bytes, place, *b"meta")? {
                fields.begin("MP4");
                metadata(bytes, &meta, fields)?;
            }
        }
        for place in data {
            fields.begin("MP4");
            user_data(bytes, place, fields)?;
        }
    }
    Ok(())
}

/// The contents of all atoms of this name. Where the size of an atom before the first of them is wrong, it is searched
/// for.
fn all(bytes: &mut FileBytes<impl Read + Seek>, within: &Range<u64>, name: [u8; 4]) -> io::Result<Vec<Range<u64>>> {
    let (mut found, mut rest) = (Vec::new(), within.clone());
    for _ in 0..MAX_ATOMS {
        let at = rest.start;
        match next(bytes, &mut rest)? {
            Some(Ok(atom)) if atom.name == name => found.push(atom.content),
            // Only the last atom of a file may have no size.
            Some(Ok(_)) if found.is_empty() && bytes.has(at, &[0; 4])? => {
                return searched(bytes, at, within.end, name);
            }
            Some(Ok(_)) => {}
            Some(Err(_)) if found.is_empty() => return searched(bytes, at, within.end, name),
            _ => break,
        }
    }
    Ok(found)
}

/// The content of the first atom of this name that fits, wherever it begins.
fn searched(bytes: &mut FileBytes<impl Read + Seek>, at: u64, end: u64, name: [u8; 4]) -> io::Result<Vec<Range<u64>>> {
    let length = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(SEARCH);
    let block = bytes.get(at, length)?;
    let found = block.windows(8).zip(at..).find_map(|(head, at)| {
        let ([size, kind], _) = head.as_chunks::<4>() else { return None };
        let until = at.checked_add(u32::from_be_bytes(*size).into())?;
        let content = at.checked_add(8)?..until;
        (*kind == name && content.start <= until && until <= end).then_some(content)
    });
    Ok(found.into_iter().collect())
}

/// Adds the values of a `meta` atom.
fn metadata(bytes: &mut FileBytes<impl Read + Seek>, meta: &Range<u64>, fields: &mut TagFields) -> io::Result<()> {
    // Version and flags, which QuickTime leaves out.
    let is_full = bytes.has(meta.start, &[0; 4])?;
    let within = meta.start.saturating_add(if is_full { 4 } else { 0 })..meta.end;
    let keys = match all(bytes, &within, *b"keys")?.first() {
        Some(keys) => names(bytes, keys)?,
        None => Vec::new(),
    };
    for mut list in all(bytes, &within, *b"ilst")? {
        for _ in 0..MAX_ATOMS {
            match next(bytes, &mut list)? {
                Some(Ok(atom)) => item(bytes, &atom, &keys, fields)?,
                Some(Err(name)) => fields.lose(&decode::latin1(&name), "its size is wrong; the rest is not read"),
                None => break,
            }
        }
    }
    Ok(())
}

/// The names of values that are numbered from 1: a size, a name space and the name of each.
fn names(bytes: &mut FileBytes<impl Read + Seek>, keys: &Range<u64>) -> io::Result<Vec<String>> {
    let (mut names, mut rest) = (Vec::new(), keys.start.saturating_add(8)..keys.end);
    for _ in 0..MAX_ATOMS {
        let Some(Ok(key)) = next(bytes, &mut rest)? else { break };
        let length = key.content.end.saturating_sub(key.content.start).min(1_000);
        let name = bytes.get(key.content.start, usize::try_from(length).unwrap_or(0))?;
        names.push(decode::utf8(&name).0);
    }
    Ok(names)
}

/// Adds the texts that stand in `udta`: their length, their language, and they.
fn user_data(bytes: &mut FileBytes<impl Read + Seek>, mut data: Range<u64>, fields: &mut TagFields) -> io::Result<()> {
    for _ in 0..MAX_ATOMS {
        let Some(Ok(atom)) = next(bytes, &mut data)? else { break };
        let field = if &atom.name == b"\xa9com" { Some(Field::Composer) } else { text_field(atom.name) };
        let Some(field) = field.filter(|_| atom.name.starts_with(b"\xa9")) else { continue };
        if bytes.has(atom.content.start.saturating_add(4), b"data")? {
            item(bytes, &atom, &[], fields)?;
            continue;
        }
        let Some([high, low, ..]) = bytes.array::<4>(atom.content.start)? else { continue };
        let start = atom.content.start.saturating_add(4);
        let room = usize::try_from(atom.content.end.saturating_sub(start)).unwrap_or(0);
        let text = bytes.get(start, room.min(u16::from_be_bytes([high, low]).into()))?;
        let (text, trouble) =
            if decode::order_of(&text).is_some() { decode::utf16(&text, None) } else { decode::utf8(&text) };
        if let Some(trouble) = trouble {
            fields.lose(&decode::latin1(&atom.name), &trouble);
        }
        fields.text(field, text);
    }
    Ok(())
}

/// The field of an atom with texts.
const fn text_field(name: [u8; 4]) -> Option<Field> {
    Some(match &name {
        b"\xa9nam" => Field::Title,
        b"sonm" => Field::TitleSort,
        b"\xa9ART" => Field::Artist,
        b"soar" => Field::ArtistSort,
        b"\xa9alb" => Field::Album,
        b"soal" => Field::AlbumSort,
        b"aART" => Field::AlbumArtist,
        b"soaa" => Field::AlbumArtistSort,
        b"\xa9wrt" => Field::Composer,
        b"\xa9day" => Field::Date,
        b"\xa9gen" => Field::Genre,
        _ => return None,
    })
}

/// Adds the values of an atom; `keys` are the names of those that have a number.
fn item(
    bytes: &mut FileBytes<impl Read + Seek>,
    atom: &Atom,
    keys: &[String],
    fields: &mut TagFields,
) -> io::Result<()> {
    let shown = decode::latin1(&atom.name);
    let number = usize::try_from(u32::from_be_bytes(atom.name)).ok().and_then(|number| number.checked_sub(1));
    let key = number.and_then(|number| keys.get(number));
    let (shown, field) = match &atom.name {
        b"----" => {
            let Some(name) = find(bytes, atom.content.clone(), *b"name")? else { return Ok(()) };
            let len = name.end.saturating_sub(name.start).min(1_000);
            let name = bytes.get(name.start.saturating_add(4), usize::try_from(len).unwrap_or(0).saturating_sub(4))?;
            let name = decode::latin1(&name);
            (format!("----:{name}"), field(&name))
        }
        b"trkn" => (shown, Some(Field::Track)),
        b"disk" => (shown, Some(Field::Disc)),
        b"gnre" => (shown, Some(Field::Genre)),
        b"cpil" => (shown, Some(Field::Compilation)),
        b"rtng" => (shown, Some(Field::Explicit)),
        b"covr" => (shown, None),
        _ if key.is_some() => {
            let key = key.map(String::as_str).unwrap_or_default();
            (key.to_owned(), field(key.strip_prefix(QUICKTIME).unwrap_or(key)))
        }
        name => (shown, text_field(*name)),
    };
    if field.is_none() && &atom.name != b"covr" {
        return Ok(());
    }
    let mut rest = atom.content.clone();
    for _ in 0..MAX_ATOMS {
        match next(bytes, &mut rest)? {
            Some(Ok(data)) if &data.name == b"data" => value(bytes, atom.name, &shown, field, data.content, fields)?,
            Some(Ok(_)) => {}
            Some(Err(_)) => fields.lose(&shown, "the size of its value is wrong"),
            None => break,
        }
    }
    Ok(())
}

/// A `data` atom: the type of the value (1 UTF-8, 2 UTF-16), the country and language, the value.
fn value(
    bytes: &mut FileBytes<impl Read + Seek>,
    name: [u8; 4],
    shown: &str,
    field: Option<Field>,
    content: Range<u64>,
    fields: &mut TagFields,
) -> io::Result<()> {
    let start = content.start.saturating_add(8);
    let Some(size) = content.end.checked_sub(start) else {
        fields.lose(shown, "its value is too short");
        return Ok(());
    };
    let picture = (u64::try_from(MAX_PICTURE_BYTES).unwrap_or(0), "it is larger than 10 MiB");
    let (most, reason) = if field.is_none() { picture } else { (MAX_TEXT, "it is larger than 1 MiB") };
    if size > most {
        fields.lose(shown, reason);
        return Ok(());
    }
    let kind = bytes.array::<4>(content.start)?.map_or(0, u32::from_be_bytes) & 0xff_ffff;
    let value = bytes.get(start, usize::try_from(size).unwrap_or(0))?;
    let Some(field) = field else {
        fields.picture(FRONT, value);
        return Ok(());
    };
    let number = value.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let text = match (&name, value.as_slice()) {
        (_, []) => None,
        (b"trkn" | b"disk", [_, _, a, b, c, d, ..]) => {
            let (number, total) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            Some(if total == 0 { number.to_string() } else { format!("{number}/{total}") })
        }
        (b"trkn" | b"disk", [_, _, a, b, ..]) => Some(u16::from_be_bytes([*a, *b]).to_string()),
        (b"trkn" | b"disk", _) => {
            fields.lose(shown, "its value is too short");
            None
        }
        // Counted from 1.
        (b"gnre", _) => {
            let genre = usize::try_from(number).ok().and_then(|number| genres::numbered(number.checked_sub(1)?));
            if genre.is_none() && number != 0 {
                fields.lose(shown, &format!("{number} is no genre"));
            }
            genre.map(str::to_owned)
        }
        (b"cpil" | b"rtng", _) => Some(number.to_string()),
        // A number in an atom of text, such as a flag.
        (_, [byte]) if kind == 21 => Some(byte.to_string()),
        _ => {
            let (text, trouble) =
                if kind == 2 { decode::utf16(&value, Some(ByteOrder::Big)) } else { decode::utf8(&value) };
            if let Some(trouble) = trouble {
                fields.lose(shown, &trouble);
            }
            Some(text)
        }
    };
    if let Some(text) = text {
        fields.text(field, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn atom(name: &[u8], content: &[u8]) -> Vec<u8> {
        [&u32::try_from(content.len() + 8).unwrap().to_be_bytes(), name, content].concat()
    }

    fn data(kind: u32, value: &[u8]) -> Vec<u8> {
        atom(b"data", &[&kind.to_be_bytes(), [0; 4].as_slice(), value].concat())
    }

    fn file(items: &[Vec<u8>], full: bool) -> Vec<u8> {
        let version: &[u8] = if full { &[0; 4] } else { &[] };
        let meta = [version, &atom(b"hdlr", b"x"), &atom(b"ilst", &items.concat())].concat();
        let moov = [atom(b"mvhd", b""), atom(b"udta", &atom(b"meta", &meta))].concat();
        [atom(b"ftyp", b"M4A "), atom(b"moov", &moov)].concat()
    }

    fn fields_of(file: &[u8]) -> TagFields {
        let mut fields = TagFields::default();
        read(&mut FileBytes::new(Cursor::new(file)).unwrap(), 0, &mut fields).unwrap();
        fields
    }

    #[test]
    fn an_odd_atom_costs_itself_alone() {
        let free = |name: &[u8], value: &[u8]| {
            let mean = atom(b"mean", b"\0\0\0\0com.apple.iTunes");
            let name = atom(b"name", &[b"\0\0\0\0", name].concat());
            atom(b"----", &[mean, name, data(1, value)].concat())
        };
        let items = [
            atom(b"\xa9nam", &data(1, b"Title")),
            atom(b"\xa9ART", &[data(1, b"Bj\xf6rk"), data(1, b"B")].concat()),
            atom(b"trkn", &data(0, &[0, 0])),
            atom(b"disk", &data(0, &[0, 0, 0, 2, 0, 3])),
            atom(b"gnre", &data(0, &[0, 18])),
            atom(b"gnre", &data(0, &[1, 18])),
            atom(b"rtng", &data(21, &[4])),
            atom(b"\xa9wrt", b"\0\0\0\x09data"),
            atom(b"aART", b""),
            free(b"ARTISTS", b"X"),
            atom(b"covr", &data(14, b"picture")),
            [&200_u32.to_be_bytes(), b"\xa9alb".as_slice(), &data(1, b"Album")].concat(),
        ];
        for full in [true, false] {
            let fields = fields_of(&file(&items, full));
            let all = |field| fields.each(field).collect::<Vec<_>>();
            assert_eq!((all(Field::Title), all(Field::Artist)), (vec!["Title"], vec!["Björk", "B"]));
            assert_eq!(
                (all(Field::Disc), all(Field::Genre), all(Field::Explicit)),
                (vec!["2/3"], vec!["Rock"], vec!["4"])
            );
            assert_eq!(all(Field::Artists), ["X"]);
            assert_eq!(
                fields.losses(),
                [
                    "MP4 ©ART: the text is not UTF-8; it is read as Latin-1",
                    "MP4 trkn: its value is too short",
                    "MP4 gnre: 274 is no genre",
                    "MP4 ©wrt: the size of its value is wrong",
                    "MP4 ©alb: its size is wrong; the rest is not read",
                ]
            );
            assert_eq!(fields.into_picture().as_deref(), Some(b"picture".as_slice()));
        }
    }

    fn titled(moov: &[Vec<u8>]) -> (Vec<String>, Vec<String>) {
        let file = [atom(b"ftyp", b"M4A "), atom(b"moov", &moov.concat()), atom(b"free", b"")].concat();
        let fields = fields_of(&file);
        (fields.each(Field::Title).map(str::to_owned).collect(), fields.losses())
    }

    #[test]
    fn metadata_is_found_where_other_programs_put_it() {
        let title = |text: &[u8]| atom(b"ilst", &atom(b"\xa9nam", &data(1, text)));
        let meta = |inner: &[u8]| atom(b"meta", &[&[0; 4], atom(b"hdlr", b"x").as_slice(), inner].concat());
        let udta = |inner: &[&[u8]]| atom(b"udta", &inner.concat());
        let whole = meta(&title(b"T"));
        let key = |name: &[u8]| atom(b"mdta", name);
        let keys = [&[0, 0, 0, 0, 0, 0, 0, 2], key(b"comment").as_slice(), &key(b"com.apple.quicktime.title")].concat();
        let named =
            atom(b"ilst", &[atom(&[0, 0, 0, 1], &data(1, b"no")), atom(&[0, 0, 0, 2], &data(1, b"T"))].concat());
        let bad = [&999_u32.to_be_bytes(), b"xtra12345678".as_slice()].concat();
        let places: [&[Vec<u8>]; 10] = [
            &[udta(&[]), udta(&[&whole])],
            &[udta(&[&meta(b""), &whole])],
            &[udta(&[&meta(&[title(b""), title(b"T")].concat())])],
            std::slice::from_ref(&whole),
            &[meta(&[atom(b"keys", &keys), named].concat())],
            &[udta(&[&atom(b"\xa9nam", b"\0\x01\x55\xc4T")])],
            &[udta(&[&[0; 4], &whole])],
            &[udta(&[&bad, &whole])],
            &[udta(&[&meta(&[bad.clone(), title(b"T")].concat())])],
            &[udta(&[&whole, &[0; 4]])],
        ];
        for (number, moov) in places.into_iter().enumerate() {
            assert_eq!(titled(moov), (vec!["T".to_owned()], vec![]), "{number}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..150), at in 0..150_usize) {
            let items = [atom(b"\xa9nam", &data(1, b"Title")), atom(b"trkn", &data(0, &[0; 6])), atom(b"gnre", &data(0, &[0, 1]))];
            let mut file = file(&items, true);
            for (place, byte) in file.iter_mut().skip(at).zip(&noise) {
                *place ^= byte;
            }
            fields_of(&file);
        }
    }
}
