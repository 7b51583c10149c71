//! Text encodings of tags: what a tag says its encoding is, and what the bytes are when that is not so.

/// What Windows-1252 has at 0x80 to 0x9f, where Latin-1 has control characters. Programs write it and call it Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A text, and what was wrong with its encoding.
pub(super) type Decoded = (String, Option<String>);

/// The order of the two bytes of a UTF-16 unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

/// Latin-1, with the characters of Windows-1252.
pub(super) fn latin1(bytes: &[u8]) -> String {
    let char = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte & 0x1f)).copied().unwrap_or_default(),
        _ => char::from(*byte),
    };
    bytes.iter().map(char).collect()
}

/// UTF-8; bytes that are not are read as Latin-1.
pub(super) fn utf8(bytes: &[u8]) -> Decoded {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (latin1(bytes), Some("the text is not UTF-8; it is read as Latin-1".to_owned())),
    }
}

/// Text of one byte a character that has no encoding of its own; its last character may be cut off. `None` when it is
/// no UTF-8 beyond ASCII.
fn hidden_utf8(bytes: &[u8]) -> Option<String> {
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    (!whole.is_ascii()).then(|| whole.to_owned())
}

/// Latin-1 that may be UTF-8 instead: Latin-1 that is valid UTF-8 by chance makes no words.
pub(super) fn latin1_or_utf8(bytes: &[u8]) -> Decoded {
    hidden_utf8(bytes).map_or_else(|| (latin1(bytes), None), |text| (text, Some(said("Latin-1", "UTF-8"))))
}

fn said(wrong: &str, right: &str) -> String {
    format!("the text is not {wrong}; it is read as {right}")
}

/// Text of one byte a character, where UTF-16 should be: no zero but at the end, no control characters, and UTF-8 or an
/// odd length.
fn single_bytes(bytes: &[u8]) -> Option<Decoded> {
    let end = bytes.iter().rposition(|byte| *byte != 0)?;
    let text = bytes.get(..=end)?;
    let is_text = !text.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'));
    if !is_text || (text.len() % 2 == 0 && std::str::from_utf8(text).is_err()) {
        return None;
    }
    let right = if text.is_ascii() { "Latin-1" } else { "8-bit text" };
    Some((utf8(text).0, Some(said("UTF-16", right))))
}

/// UTF-16 with a byte order mark, or in `order` without one. When neither is known the zero bytes decide.
pub(super) fn utf16(bytes: &[u8], order: Option<ByteOrder>) -> Decoded {
    let (order, trouble) = match order_of(bytes).or(order) {
        Some(order) => (order, None),
        None if bytes.is_empty() => return Decoded::default(),
        None => match single_bytes(bytes) {
            Some(decoded) => return decoded,
            None => {
                (guessed(bytes), Some("the text is UTF-16 without a byte order mark; the order is guessed".to_owned()))
            }
        },
    };
    let (mut order, mut begins) = (order, true);
    let units = bytes.as_chunks::<2>().0.iter().filter_map(|unit| {
        // Every text of several may have a mark of its own.
        if let Some(own) = order_of(unit).filter(|_| std::mem::take(&mut begins)) {
            order = own;
            return None;
        }
        begins = *unit == [0, 0];
        Some(match order {
            ByteOrder::Big => u16::from_be_bytes(*unit),
            ByteOrder::Little => u16::from_le_bytes(*unit),
        })
    });
    let mut whole = true;
    let text = char::decode_utf16(units)
        .map(|char| {
            whole &= char.is_ok();
            char.unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect();
    (text, trouble.or_else(|| (!whole).then(|| "half a character of UTF-16".to_owned())))
}

/// How many units have a high byte as in Latin, Greek, Cyrillic, Hebrew and Arabic, in big-endian and in little-endian
/// order.
fn low_units(bytes: &[u8]) -> (usize, usize) {
    let units = bytes.as_chunks::<2>().0;
    let big = units.iter().filter(|[high, _]| *high <= 6).count();
    let little = units.iter().filter(|[_, high]| *high <= 6).count();
    (big, little)
}

fn guessed(bytes: &[u8]) -> ByteOrder {
    let (big, little) = low_units(bytes);
    if big > little { ByteOrder::Big } else { ByteOrder::Little }
}

/// Whether text that should be big-endian is little-endian without doubt.
fn is_reversed(bytes: &[u8]) -> bool {
    let (big, little) = low_units(bytes);
    little >= 2 && big == 0 && little * 4 >= bytes.len()
}

/// The order that a byte order mark at the start says.
pub(super) fn order_of(bytes: &[u8]) -> Option<ByteOrder> {
    match bytes {
        [0xff, 0xfe, ..] => Some(ByteOrder::Little),
        [0xfe, 0xff, ..] => Some(ByteOrder::Big),
        _ => None,
    }
}

/// A text whose `ID3v2` frame says this encoding (id3.org, "ID3v2.4.0 structure", 4: 0 Latin-1, 1 UTF-16 with a byte order
/// mark, 2 UTF-16 in big-endian order, 3 UTF-8). `order` is that of the text before it in the same frame.
pub(super) fn id3(encoding: u8, bytes: &[u8], order: Option<ByteOrder>) -> Decoded {
    match encoding {
        0 | 3 if order_of(bytes).is_some() => {
            (utf16(bytes, None).0, Some(said(if encoding == 0 { "Latin-1" } else { "UTF-8" }, "UTF-16")))
        }
        0 => latin1_or_utf8(bytes),
        1 => utf16(bytes, order),
        2 if order.is_none() && order_of(bytes).is_none() && is_reversed(bytes) => {
            let (text, _) = utf16(bytes, Some(ByteOrder::Little));
            (text, Some(said("big-endian UTF-16", "little-endian")))
        }
        2 if bytes.len() % 2 == 1 && !bytes.contains(&0) => {
            (utf8(bytes).0, Some("the text is not UTF-16; it is read as 8-bit text".to_owned()))
        }
        2 => utf16(bytes, Some(order.unwrap_or(ByteOrder::Big))),
        3 => utf8(bytes),
        // A printable character: the text begins where its encoding should be.
        b' '..=b'~' => {
            let text = [&[encoding], bytes].concat();
            (utf8(&text).0, Some("the text has no encoding".to_owned()))
        }
        _ => (utf8(bytes).0, Some(format!("{encoding} is no text encoding"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_though_their_encoding_is_wrong() {
        let cases: [(u8, &[u8], &str, bool); 27] = [
            (0, b"Bj\xf6rk \x96 \x93Hi\x94", "Björk – “Hi”", false),
            (1, b"\xff\xfeH\0i\0", "Hi", false),
            (1, b"\xfe\xff\0H\0i", "Hi", false),
            (1, b"H\0i\0", "Hi", true),
            (1, b"\0H\0i", "Hi", true),
            (1, b"Plain text", "Plain text", true),
            (1, b"Ends with zero\0", "Ends with zero", true),
            (1, b"Ends with zero \0\0", "Ends with zero ", true),
            (1, "Bjö日本x".as_bytes(), "Bjö日本x", true),
            (1, b"Caf\xe9s", "Cafés", true),
            (1, b"\x04\x1f\x04\x40\0 \x04\x38", "Пр и", true),
            (1, b"\x1f\x04\x40\x04 \0\x38\x04", "Пр и", true),
            (1, b"\xff\xfeA\0\0\0\xfe\xff\0B\0\0", "A\0B\0", false),
            (0, "Bjö日本".as_bytes(), "Bjö日本", true),
            (0, b"\xff\xfeH\0i\0", "Hi", true),
            (3, b"\xfe\xff\0H\0i", "Hi", true),
            (2, b"H\0i\0 \0y\0", "Hi y", true),
            (2, b"\xff\xfeH\0i\0", "Hi", false),
            (2, b"\x4e\0\x4e\x2d", "\u{4e00}中", false),
            (1, b"", "", false),
            (1, b"\xff\xfeH\0\0\xd8", "H\u{fffd}", true),
            (2, b"\0H\0i", "Hi", false),
            (2, b"odd", "odd", true),
            (3, "Ünï".as_bytes(), "Ünï", false),
            (3, b"Caf\xe9", "Café", true),
            (b'C', b"af\xe9", "Café", true),
            (9, b"Text", "Text", true),
        ];
        for (encoding, bytes, expected, is_wrong) in cases {
            let (text, trouble) = id3(encoding, bytes, None);
            assert_eq!((text.as_str(), trouble.is_some()), (expected, is_wrong), "{encoding} {bytes:?}");
        }
    }

    #[test]
    fn a_second_text_has_the_order_of_the_first() {
        assert_eq!(id3(1, b"\0H\0i", Some(ByteOrder::Big)), ("Hi".to_owned(), None));
    }
}
