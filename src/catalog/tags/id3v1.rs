//! `ID3v1`: 128 bytes at the end of a file (id3.org, "`ID3v1`"; the track number is that of version 1.1).

use super::{
    decode::latin1,
    fields::{Field, TagFields},
    genres,
};

/// The length of the tag.
pub(super) const LENGTH: usize = 128;

/// Adds the fields of a tag; texts in it are cut at 30 characters.
pub(super) fn read(tag: &[u8; LENGTH], fields: &mut TagFields) {
    fields.begin("ID3v1");
    let text = |at: usize, len: usize| {
        let text = tag.iter().skip(at).take(len).copied().take_while(|byte| *byte != 0).collect::<Vec<u8>>();
        latin1(&text)
    };
    for (field, at, len) in [(Field::Title, 3, 30), (Field::Artist, 33, 30), (Field::Album, 63, 30)] {
        fields.text(field, text(at, len));
    }
    let year = text(93, 4);
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
    }
}
