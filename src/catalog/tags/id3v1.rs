//! `ID3v1`: 128 bytes at the end of a file (id3.org, "`ID3v1`"; the track number is that of version 1.1).

use super::{
    decode::{latin1, latin1_or_utf8},
    fields::{Field, TagFields},
    genres,
};

/// The length of the tag.
pub(super) const LENGTH: usize = 128;

/// Adds the fields of a tag; texts in it are cut at 30 characters.
pub(super) fn read(tag: &[u8; LENGTH], fields: &mut TagFields) {
    fields.begin("ID3v1");
    let text = |at: usize, len: usize| {
        tag.iter().skip(at).take(len).copied().take_while(|byte| *byte != 0).collect::<Vec<u8>>()
    };
    for (field, at, name) in [(Field::Title, 3, "title"), (Field::Artist, 33, "artist"), (Field::Album, 63, "album")] {
        let (text, trouble) = latin1_or_utf8(&text(at, 30));
        if let Some(trouble) = trouble {
            fields.lose(name, &trouble);
        }
        fields.text(field, text);
    }
    let year = latin1(&text(93, 4));
    if year.bytes().any(|byte| !matches!(byte, b'0' | b' ')) {
        fields.text(Field::Date, year);
    }
    let [.., zero, track, genre] = tag;
    if *zero == 0 && *track != 0 {
        fields.text(Field::Track, track.to_string());
    }
    if let Some(genre) = genres::numbered(usize::from(*genre)) {
        fields.text(Field::Genre, genre.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_are_read() {
        let mut tag = [0; LENGTH];
        tag[..8].copy_from_slice(b"TAGTitle");
        tag[33..39].copy_from_slice(b"Bj\xf6rk ");
        tag[63..93].copy_from_slice(&[b'x'; 30]);
        tag[93..97].copy_from_slice(b"1999");
        (tag[126], tag[127]) = (7, 17);
        let mut fields = TagFields::default();
        read(&tag, &mut fields);
        let first = |field| fields.first(field, |text| Some(text.to_owned())).unwrap_or_default();
        assert_eq!([first(Field::Title), first(Field::Artist)], ["Title", "Björk "]);
        assert_eq!([first(Field::Album), first(Field::Date)], ["x".repeat(30).as_str(), "1999"]);
        assert_eq!([first(Field::Track), first(Field::Genre)], ["7", "Rock"]);
        assert!(fields.losses().is_empty());
    }

    #[test]
    fn utf8_is_read_as_such_though_it_is_cut() {
        let mut tag = [0; LENGTH];
        tag[..3].copy_from_slice(b"TAG");
        tag[3..33].copy_from_slice(&"日本日本日本日本日本日本".as_bytes()[..30]);
        tag[33..63].copy_from_slice(&"xBjörk 日本日本日本日本".as_bytes()[..30]);
        let mut fields = TagFields::default();
        read(&tag, &mut fields);
        let first = |field| fields.first(field, |text| Some(text.to_owned())).unwrap_or_default();
        assert_eq!([first(Field::Title), first(Field::Artist)], ["日本日本日本日本日本", "xBjörk 日本日本日本日"]);
        assert_eq!(
            fields.losses(),
            ["title", "artist"].map(|name| format!("ID3v1 {name}: the text is not Latin-1; it is read as UTF-8"))
        );
    }
}
