//! Tags with one odd part each.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;

/// A tag of this version with these flags.
fn tag(version: u8, flags: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap();
    let size = [size >> 21, size >> 14, size >> 7, size].map(|part| u8::try_from(part & 0x7f).unwrap());
    [b"ID3", [version, 0, flags].as_slice(), &size, content].concat()
}

/// A frame of `2.3` or `2.4` that is shorter than 128 bytes.
fn frame(id: &str, content: &[u8]) -> Vec<u8> {
    let size = u8::try_from(content.len()).unwrap();
    [id.as_bytes(), &[0, 0, 0, size, 0, 0], content].concat()
}

fn fields_of(file: &[u8]) -> TagFields {
    let mut bytes = FileBytes::new(Cursor::new(file)).unwrap();
    let mut fields = TagFields::default();
    if let Some(header) = Header::read(&mut bytes, 0).unwrap() {
        read(&mut bytes, &header, &mut fields).unwrap();
    }
    fields
}

/// Title, artists and dates, and what was lost.
fn shown(file: &[u8]) -> String {
    let fields = fields_of(file);
    let all = |field| fields.each(field).map(str::to_owned).collect::<Vec<_>>().join(";");
    let losses = fields.losses().join(" | ");
    format!("{} - {} - {} [{losses}]\n", all(Field::Title), all(Field::Artist), all(Field::Date))
}

fn check(version: u8, middle: &[&[u8]], expected: &Expect) {
    let shown: Vec<String> = middle
        .iter()
        .map(|odd| {
            let content = [&frame("TIT2", b"\0Title"), *odd, &frame("TPE1", b"\0Artist"), &[0; 20]].concat();
            shown(&tag(version, 0, &content))
        })
        .collect();
    expected.assert_eq(&shown.concat());
}

#[test]
fn an_odd_frame_costs_itself_alone() {
    let middle: [&[u8]; 16] = [
        b"",
        &frame("TALB", b"\x03Caf\xe9"),
        &frame("COMM", b"\x03engx\0Caf\xe9"),
        &frame("USLT", b"\x03"),
        &frame("TALB", b""),
        &frame("TALB", b"\x03"),
        &frame("TALB", b"\x07x"),
        &frame("TALB", b"x"),
        &frame("TXXX", b"\x00ARTISTS"),
        &frame("APIC", b"\x00image/png"),
        b"TALB\0\0\0\x40\0\0\0short",
        b"TALB\x7f\x7f\x7f\x7f\0\0\0long",
        b"TALB\0\0\0\x02\0\0\0understated",
        b"T+LB\0\0\0\x06\0\0\0Album",
        b"TALB\0\0\0\x06\0\x80\0Album",
        b"TALB\0\0\0\x06\0\x40\0Album",
    ];
    check(
        3,
        &middle,
        &expect![[r#"
            Title - Artist -  []
            Title - Artist -  [ID3v2.3 TALB: the text is not UTF-8; it is read as Latin-1]
            Title - Artist -  []
            Title - Artist -  []
            Title - Artist -  []
            Title - Artist -  []
            Title - Artist -  [ID3v2.3 TALB: 7 is no text encoding]
            Title - Artist -  [ID3v2.3 TALB: the text has no encoding]
            Title - Artist -  [ID3v2.3 TXXX: its description does not end]
            Title - Artist -  [ID3v2.3 APIC: it ends before its picture]
            Title - Artist -  [ID3v2.3 TALB: its size is wrong]
            Title - Artist -  [ID3v2.3 TALB: its size is wrong]
            Title - Artist -  [ID3v2.3 TALB: its size is wrong]
            Title - Artist -  [ID3v2.3: no frame begins where one should]
            Title - Artist -  [ID3v2.3 TALB: it is compressed and cannot be expanded]
            Title - Artist -  [ID3v2.3 TALB: it is encrypted]
        "#]],
    );
}

#[test]
fn dates_are_read_in_all_forms() {
    let middle: [&[u8]; 7] = [
        &frame("TYER", b"\x002003-05-07"),
        &frame("TDRC", b"\x002003-05-07"),
        &[frame("TYER", b"\x002003"), frame("TDAT", b"\x000705")].concat(),
        &[frame("TDAT", b"\x000705\0"), frame("TYER", b"\x002003\0")].concat(),
        &[frame("TYER", b"\x002003"), frame("TDAT", b"\x009999")].concat(),
        &[frame("TYER", b"\x001999"), frame("TDRC", b"\x002003-05")].concat(),
        &frame("TYER", b"\x00unknown"),
    ];
    check(
        3,
        &middle,
        &expect![[r#"
            Title - Artist - 2003-05-07 []
            Title - Artist - 2003-05-07 []
            Title - Artist - 2003-05-07 []
            Title - Artist - 2003-05-07 []
            Title - Artist - 2003 []
            Title - Artist - 2003-05;1999 []
            Title - Artist - unknown []
        "#]],
    );
}

#[test]
fn several_frames_of_one_name_are_kept_in_order() {
    let content = [frame("TPE1", b"\0A10"), frame("TPE1", b"\0B10"), frame("TPE1", b"\x03C\0D")].concat();
    let fields = fields_of(&tag(3, 0, &content));
    assert_eq!(fields.each(Field::Artist).collect::<Vec<_>>(), ["A10", "B10", "C", "D"]);
}

#[test]
fn extended_headers_are_passed_over_whatever_their_size_means() {
    let frames = [frame("TIT2", b"\0Title"), frame("TPE1", b"\0Artist")].concat();
    let headers: [(u8, &[u8]); 6] = [
        (3, &[0, 0, 0, 6, 0, 0, 0, 0, 0, 0]),
        (3, &[0, 0, 0, 10, 0, 0, 0, 0, 0, 0]),
        (4, &[0, 0, 0, 6, 1, 0]),
        (4, &[0, 0, 0, 2, 1, 0]),
        (3, &[]),
        (4, &[0x7f, 0x7f, 0x7f, 0x7f, 1, 2, 3]),
    ];
    for (version, header) in headers {
        let content = [header, &frames].concat();
        assert_eq!(shown(&tag(version, EXTENDED, &content)), "Title - Artist -  []\n", "{version} {header:?}");
    }
}

#[test]
fn sizes_in_the_form_of_the_other_version_are_understood() {
    let long = [b"\0".as_slice(), &[b'x'; 199]].concat();
    let with = |size: [u8; 4]| [b"TALB".as_slice(), &size, &[0, 0], &long, &frame("TIT2", b"\0Title")].concat();
    for (version, size) in [(3, [0, 0, 0, 200]), (3, [0, 0, 1, 72]), (4, [0, 0, 0, 200]), (4, [0, 0, 1, 72])] {
        let fields = fields_of(&tag(version, 0, &with(size)));
        assert_eq!(fields.first(Field::Album, |text| Some(text.len())), Some(199), "{version} {size:?}");
        assert_eq!(fields.first(Field::Title, |text| Some(text.to_owned())).as_deref(), Some("Title"));
    }
}

#[test]
fn unsynchronised_and_compressed_frames_are_read() {
    let plain = [frame("TALB", b"\x01\xff\xfeA\0"), frame("TIT2", b"\0Title")].concat();
    let content = plain.iter().flat_map(|byte| if *byte == 0xff { vec![0xff, 0] } else { vec![*byte] });
    let fields = fields_of(&tag(3, UNSYNCHRONISED, &content.collect::<Vec<u8>>()));
    assert_eq!(fields.first(Field::Album, |text| Some(text.to_owned())).as_deref(), Some("A"));
    assert_eq!(fields.first(Field::Title, |text| Some(text.to_owned())).as_deref(), Some("Title"));

    let mut packed = Vec::new();
    flate2::read::ZlibEncoder::new(b"\0Title".as_slice(), flate2::Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    for (version, flags, before) in [(3, 0x80, 4), (4, 0x09, 4), (4, 0x08, 0)] {
        let size = u8::try_from(packed.len() + before).unwrap();
        let content = [b"TIT2\0\0\0", [size, 0, flags].as_slice(), &[0, 0, 0, 6][..before], &packed].concat();
        assert_eq!(shown(&tag(version, 0, &content)), "Title -  -  []\n", "{version} {flags:x}");
    }
}

#[test]
fn a_flag_without_unsynchronised_bytes_changes_nothing() {
    let jpeg = b"\0image/jpeg\0\x03\0\xff\xd8\xff\xe0 \xff\0 end";
    for (version, flags, frame_flags) in [(3, UNSYNCHRONISED, 0), (4, UNSYNCHRONISED, 0), (4, 0, 2)] {
        let size = u8::try_from(jpeg.len()).unwrap();
        let content = [b"APIC\0\0\0".as_slice(), &[size, 0, frame_flags], jpeg].concat();
        let picture = fields_of(&tag(version, flags, &content)).into_picture();
        assert_eq!(picture.as_deref(), Some(b"\xff\xd8\xff\xe0 \xff\0 end".as_slice()), "{version}");
    }
}

#[test]
fn the_old_names_are_those_of_today() {
    let old =
        |id: &str, content: &[u8]| [id.as_bytes(), &[0, 0, u8::try_from(content.len()).unwrap()], content].concat();
    let content = [old("TT2", b"\0Title"), old("TP1", b"\0Artist"), old("TYE", b"\x001999")].concat();
    assert_eq!(shown(&tag(2, 0, &content)), "Title - Artist - 1999 []\n");
    let with_zero = [b"TT2\0\0\0\0\x06\0\0\0Title".as_slice(), &frame("TPE1", b"\0Artist")].concat();
    assert_eq!(shown(&tag(3, 0, &with_zero)), "Title - Artist -  []\n");
}

#[test]
fn a_tag_that_is_cut_off_keeps_what_is_there() {
    let mut file = tag(4, 0, &[frame("TIT2", b"\0Title"), frame("TPE1", b"\0Artist")].concat());
    file.truncate(file.len() - 3);
    let expected = "Title -  -  [ID3v2.4: the file ends before the tag does | ID3v2.4 TPE1: its size is wrong]\n";
    assert_eq!(shown(&file), expected);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(version in 2..5_u8, flags: u8, noise in prop::collection::vec(any::<u8>(), 0..300), at in 0..60_usize) {
        let mut content = [frame("TIT2", b"\x01\xff\xfeT\0"), frame("TXXX", b"\x01\xff\xfeA\0\0\0B\0"), frame("APIC", b"\0a\0\x03\0p")].concat();
        for (place, byte) in content.iter_mut().skip(at).zip(&noise) {
            *place ^= byte;
        }
        content.extend(&noise);
        fields_of(&tag(version, flags, &content));
    }
}

#[test]
fn sizes_may_count_the_zeros_of_unsynchronisation() {
    let text = |id: &str, text: &[u8]| frame(id, &[b"\x01\xff\0\xfe", text].concat());
    let each = [text("TIT2", b"T\0"), text("TPE1", b"A\0"), text("TYER", b"1\x009\x009\x009\0")].concat();
    assert_eq!(shown(&tag(3, 0x80, &each)), "T - A - 1999 []\n");
    assert_eq!(shown(&tag(3, 0x80, &text("TIT2", b"T\0"))), "T -  -  []\n");
    // As the specification says: the sizes are those without the zeros.
    let whole = [frame("TIT2", b"\x01\xff\xfeT\0"), frame("TPE1", b"\x01\xff\xfeA\0")].concat();
    let whole: Vec<u8> =
        whole.into_iter().flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] }).collect();
    assert_eq!(shown(&tag(3, 0x80, &whole)), "T - A -  []\n");
}

#[test]
fn the_size_of_a_tag_may_have_eight_bits_a_byte() {
    let content = [frame("TIT2", b"\0Title"), vec![0; 200]].concat();
    let mut file = tag(3, 0, &content);
    file[6..10].copy_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
    assert_eq!(shown(&file), "Title -  -  []\n");
    file[6] = 0xff;
    assert_eq!(shown(&file), "Title -  -  [ID3v2.3: the file ends before the tag does]\n");
}
