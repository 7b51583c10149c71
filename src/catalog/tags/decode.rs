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

/// UTF-16 with a byte order mark, or in `order` without one. When neither is known the zero bytes decide.
pub(super) fn utf16(bytes: &[u8], order: Option<ByteOrder>) -> Decoded {
    let (order, rest, trouble) = match (bytes, order) {
        ([0xff, 0xfe, rest @ ..], _) => (ByteOrder::Little, rest, None),
        ([0xfe, 0xff, rest @ ..], _) => (ByteOrder::Big, rest, None),
        (_, Some(order)) => (order, bytes, None),
        ([], None) => (ByteOrder::Little, bytes, None),
        (_, None) if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) => {
            return (latin1(bytes), Some("the text is not UTF-16; it is read as Latin-1".to_owned()));
        }
        (_, None) => (
            guessed(bytes),
            bytes,
            Some("the text is UTF-16 without a byte order mark; the order is guessed".to_owned()),
        ),
    };
    let units = rest.as_chunks::<2>().0.iter().map(|unit| match order {
        ByteOrder::Big => u16::from_be_bytes(*unit),
        ByteOrder::Little => u16::from_le_bytes(*unit),
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

/// The order in which more high bytes are zero, as they are in text that is mostly ASCII.
fn guessed(bytes: &[u8]) -> ByteOrder {
    let units = bytes.as_chunks::<2>().0;
    let big = units.iter().filter(|[high, _]| *high == 0).count();
    let little = units.iter().filter(|[_, high]| *high == 0).count();
    if big > little { ByteOrder::Big } else { ByteOrder::Little }
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
        0 => (latin1(bytes), None),
        1 => utf16(bytes, order),
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
        let cases: [(u8, &[u8], &str, bool); 14] = [
            (0, b"Bj\xf6rk \x96 \x93Hi\x94", "Björk – “Hi”", false),
            (1, b"\xff\xfeH\0i\0", "Hi", false),
            (1, b"\xfe\xff\0H\0i", "Hi", false),
            (1, b"H\0i\0", "Hi", true),
            (1, b"\0H\0i", "Hi", true),
            (1, b"Plain text", "Plain text", true),
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
