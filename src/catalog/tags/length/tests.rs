use super::*;
use proptest::prelude::*;
use std::io::Cursor;

fn boxed(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).expect("small").to_be_bytes();
    [&length[..], kind, content].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// The movie box of one track of 1,000 units a second with this sample entry.
fn movie(entry: &[u8], media: u32, edits: &[u8]) -> Vec<u8> {
    let handler = boxed(b"hdlr", &[&[0; 8][..], b"soun", &[0; 12]].concat());
    let stsd = boxed(b"stsd", &[&words(&[0, 1])[..], entry].concat());
    let stts = boxed(b"stts", &words(&[0, 0]));
    let table = boxed(b"minf", &boxed(b"stbl", &[stsd, stts].concat()));
    let parts = boxed(b"mdia", &[boxed(b"mdhd", &words(&[0, 0, 0, 1_000, media, 0])), handler, table].concat());
    let tkhd = boxed(b"tkhd", &words(&[0, 0, 0, 7, 0, 0]));
    let edits = boxed(b"edts", &boxed(b"elst", edits));
    let extends = boxed(b"mvex", &boxed(b"trex", &words(&[0, 7, 1, 20, 10, 0])));
    let mvhd = boxed(b"mvhd", &words(&[0, 0, 0, 500, 0]));
    boxed(b"moov", &[mvhd, boxed(b"trak", &[tkhd, edits, parts].concat()), extends].concat())
}

/// A sample entry of two channels with a box in it.
fn entry(kind: &[u8], inner: &[u8]) -> Vec<u8> {
    let fixed = [&[0; 8][..], &[0; 8], &[0, 2, 0, 16], &[0; 8]].concat();
    boxed(kind, &[&fixed[..], inner].concat())
}

fn fragment(run: &[u32], samples: usize) -> Vec<u8> {
    let traf = |run: &[u8]| {
        let traf = boxed(b"traf", &[boxed(b"tfhd", &words(&[0x2_0000, 7])), boxed(b"trun", run)].concat());
        boxed(b"moof", &traf)
    };
    let length = u32::try_from(traf(&words(run)).len() + 8).expect("small");
    let run: Vec<u32> = run.iter().map(|word| if *word == 0xdada { length } else { *word }).collect();
    [traf(&words(&run)), boxed(b"mdat", &vec![0; samples])].concat()
}

fn mp4(bytes: Vec<u8>) -> Measured {
    of_mp4(&mut Cursor::new(bytes)).expect("read")
}

#[test]
fn the_length_of_fragments_is_that_of_their_whole_samples() {
    let movie = movie(&entry(b"mp4a", b""), 0, &words(&[0, 1, 0, 100, 0x1_0000]));
    // Samples of the default length: 10 of 20 units. Then three with lengths and sizes of their own.
    let first = fragment(&[1, 10, 0xdada], 100);
    let second = fragment(&[0x301, 3, 0xdada, 30, 10, 40, 10, 50, 10], 30);
    let whole = [movie, first, second].concat();
    assert_eq!(mp4(whole.clone()).duration_ms, Some(10 * 20 + 120 - 100));
    let cut = |bytes: usize| mp4(whole[..whole.len() - bytes].to_vec()).duration_ms;
    assert_eq!(cut(1), Some(10 * 20 + 70 - 100));
    assert_eq!(cut(11), Some(10 * 20 + 30 - 100));
}

#[test]
fn an_edit_list_says_what_is_played() {
    let of = |edits: &[u32], media| mp4(movie(&entry(b"mp4a", b""), media, &words(edits))).duration_ms;
    assert_eq!(of(&[0, 0], 3_000), Some(3_000));
    assert_eq!(of(&[0, 1, 1_450, 20, 0x1_0000], 3_000), Some(2_900));
    assert_eq!(of(&[0, 1, 9_999, 20, 0x1_0000], 3_000), Some(2_980), "no more than there is");
    assert_eq!(of(&[0, 2, 100, u32::MAX, 0x1_0000, 1_000, 0, 0x1_0000], 3_000), Some(2_000), "silence first");
}

#[test]
fn codecs_and_channels_are_those_of_the_sample_entry() {
    let of = |kind: &[u8; 4], inner: &[u8]| {
        let found = mp4(movie(&entry(kind, inner), 1_000, &words(&[0, 0])));
        (found.codec.expect("a codec"), found.channels.expect("channels"))
    };
    let esds = |object: u8, config: &[u8]| {
        let config = [&[5, u8::try_from(config.len()).expect("short")], config].concat();
        let decoder = [&[object][..], &[0; 12], &config].concat();
        let decoder = [&[4, 0x80, u8::try_from(decoder.len()).expect("short")][..], &decoder].concat();
        let stream = [&[0, 1, 0][..], &decoder].concat();
        boxed(b"esds", &[&[0, 0, 0, 0, 3, u8::try_from(stream.len()).expect("short")][..], &stream].concat())
    };
    assert_eq!(of(b"mp4a", &esds(0x40, &[0x12, 0x08])), ("aac", 1));
    assert_eq!(of(b"mp4a", &esds(0x40, &[0x12, 0x38])), ("aac", 8), "7.1 is configuration 7");
    assert_eq!(of(b"mp4a", &esds(0x6b, &[])), ("mp3", 2));
    assert_eq!(of(b"mp4a", &esds(0xdd, &[])), ("vorbis", 2));
    assert_eq!(of(b"Opus", &boxed(b"dOps", &[0, 6, 0])), ("opus", 6));
    assert_eq!(of(b"ac-3", &boxed(b"dac3", &[0x10, 0x3d, 0xe0])), ("ac3", 6));
    assert_eq!(of(b"alac", b""), ("alac", 2));
    assert_eq!(of(b"zzzz", b""), ("unknown", 2));
}

/// A page of Ogg with a packet.
fn page(flags: u8, position: u64, serial: u32, packet: &[u8]) -> Vec<u8> {
    let mut segments = vec![255; packet.len() / 255];
    segments.push(u8::try_from(packet.len() % 255).expect("small"));
    let mut bytes = [b"OggS\0".as_slice(), &[flags], &position.to_le_bytes(), &serial.to_le_bytes(), &[0; 8]].concat();
    bytes.push(u8::try_from(segments.len()).expect("few"));
    bytes.extend(segments);
    bytes.extend(packet);
    let sum = ogg::checksum(&bytes).to_le_bytes();
    bytes.splice(22..26, sum);
    bytes
}

fn opus(serial: u32, positions: &[u64]) -> Vec<Vec<u8>> {
    let head = [b"OpusHead\x01\x02".as_slice(), &480_u16.to_le_bytes(), &[0; 7]].concat();
    let mut pages = vec![page(2, 0, serial, &head), page(0, 0, serial, b"OpusTags")];
    pages.extend(positions.iter().map(|position| page(0, *position, serial, &[7; 400])));
    pages
}

fn ogg_ms(bytes: Vec<u8>) -> Option<u64> {
    of_ogg(&mut Cursor::new(bytes)).expect("read").duration_ms
}

#[test]
fn the_last_whole_page_says_how_long_a_stream_is() {
    let pages = opus(1, &[48_480, 96_480, u64::MAX]).concat();
    assert_eq!(ogg_ms(pages.clone()), Some(2_000));
    // Cut off within the page of the second second, and within the last one.
    assert_eq!(ogg_ms(pages[..pages.len() - 500].to_vec()), Some(1_000));
    assert_eq!(ogg_ms(pages[..pages.len() - 5].to_vec()), Some(2_000));
    let found = of_ogg(&mut Cursor::new(pages.clone())).expect("read");
    assert_eq!((found.codec, found.channels), (Some("opus"), Some(2)));
    // What follows is no page: the search goes back.
    assert_eq!(ogg_ms([pages.clone(), vec![0; 300_000]].concat()), Some(2_000));
    // Streams that follow each other.
    assert_eq!(ogg_ms([pages, opus(2, &[24_480]).concat()].concat()), Some(2_500));
}

#[test]
fn ogg_flac_has_the_header_of_flac() {
    let mut info = vec![0_u8; 34];
    info[10..14].copy_from_slice(&(8_000_u32 << 12 | 1 << 9).to_be_bytes());
    let first = [b"\x7fFLAC\x01\0\0\x01fLaC\0\0\0\x22".as_slice(), &info].concat();
    let comments = [&[0x84, 0, 0, 3][..], b"abc"].concat();
    let pages = [page(2, 0, 1, &first), page(0, 0, 1, &comments), page(4, 16_000, 1, &[0xff, 0xf8, 1, 2])].concat();
    let header = flac_header(&mut Cursor::new(pages.clone())).expect("read").expect("Ogg FLAC");
    assert_eq!(header, [b"fLaC\0\0\0\x22".as_slice(), &info, &comments].concat());
    let found = of_ogg(&mut Cursor::new(pages)).expect("read");
    assert_eq!((found.codec, found.duration_ms, found.channels), (Some("flac"), Some(2_000), Some(2)));
}

/// A frame of ADTS at 8,000 Hz with 6 channels.
fn adts(length: u16) -> Vec<u8> {
    let [high, low] = (length << 5).to_be_bytes();
    let mut frame =
        vec![0xff, 0xf1, 0x40 | 11 << 2 | 1, 0x80 | u8::try_from(length >> 11).expect("short"), high, low, 0];
    frame.resize(length.into(), 0x55);
    frame
}

#[test]
fn frames_of_adts_are_counted() {
    let of = |bytes: Vec<u8>| of_adts(&mut Cursor::new(bytes)).expect("read");
    let frames = [adts(100), adts(7), adts(300)].concat();
    assert_eq!((of(frames.clone()).duration_ms, of(frames.clone()).channels), (Some(384), Some(6)));
    assert_eq!(of(frames[..frames.len() - 1].to_vec()).duration_ms, Some(256), "the last frame was cut off");
    let tagged = [b"ID3\x04\0\0\0\0\x01\0".as_slice(), &[0xff; 128], &frames].concat();
    assert_eq!(of([tagged, b"TAG".to_vec(), vec![0; 125]].concat()).duration_ms, Some(384));
    assert_eq!(of(vec![0xff; 3]), Measured::default());
}

/// A WAV file of 8,000 Hz, two channels and 16 bits with these sizes, and a tag after the audio when it has sizes.
fn wav(magic: &[u8], size: u32, wide: Option<u64>, seconds: usize) -> Vec<u8> {
    let format = [&[1, 0, 2, 0][..], &8_000_u32.to_le_bytes(), &32_000_u32.to_le_bytes(), &[4, 0, 16, 0]].concat();
    let mut bytes = [magic, &[0xff; 4], b"WAVE"].concat();
    if let Some(wide) = wide {
        bytes.extend([b"ds64".as_slice(), &28_u32.to_le_bytes(), &[0; 8], &wide.to_le_bytes(), &[0; 12]].concat());
    }
    bytes.extend([b"fmt ".as_slice(), &16_u32.to_le_bytes(), &format].concat());
    bytes.extend([b"LIST".as_slice(), &14_u32.to_le_bytes(), b"INFOINAM\x02\0\0\0T\0"].concat());
    bytes.extend([b"data".as_slice(), &size.to_le_bytes(), &vec![3; seconds * 32_000]].concat());
    bytes
}

#[test]
fn the_audio_of_wav_ends_with_the_file() {
    let of = |bytes: Vec<u8>| {
        let plain = plain_header(&mut Cursor::new(bytes.clone())).expect("read");
        let found = of_wav(&mut Cursor::new(bytes)).expect("read");
        assert_eq!((found.codec, found.channels), (Some("pcm"), Some(2)));
        (found.duration_ms, plain)
    };
    assert_eq!(of(wav(b"RIFF", 64_000, None, 2)), (Some(2_000), None));
    // ADPCM, whose samples of four bits are refused otherwise.
    let mut adpcm = wav(b"RIFF", 64_000, None, 2);
    (adpcm[20], adpcm[34]) = (2, 4);
    let plain = plain_header(&mut Cursor::new(adpcm.clone())).expect("read").expect("another format");
    assert_eq!((plain[20], plain[34]), (1, 16));
    let found = of_wav(&mut Cursor::new(adpcm)).expect("read");
    assert_eq!((found.codec, found.duration_ms), (Some("adpcm"), Some(2_000)));
    for (bytes, seconds) in [
        (wav(b"RIFF", u32::MAX, None, 2), 2_000),
        (wav(b"RIFF", 0, None, 3), 3_000),
        (wav(b"RIFF", 320_000, None, 1), 1_000),
        (wav(b"RF64", u32::MAX, Some(64_000), 2), 2_000),
        (wav(b"BW64", u32::MAX, Some(64_000), 3), 2_000),
    ] {
        let (found, plain) = of(bytes);
        let plain = plain.expect("its sizes are not those of the file");
        assert_eq!(found, Some(seconds));
        assert!(plain.len() < 200 && !plain.windows(4).any(|word| word == b"INAM"));
    }
}

/// The start of a FLAC file with blocks of 4,096 samples at 8,000 Hz and no length.
fn flac_start() -> Vec<u8> {
    let mut info = vec![0_u8; 34];
    info[0..4].copy_from_slice(&[0x10, 0, 0x10, 0]);
    info[10..14].copy_from_slice(&(8_000_u32 << 12).to_be_bytes());
    [b"fLaC\x80\0\0\x22".as_slice(), &info].concat()
}

fn flac_frame(number: u8, samples: u16) -> Vec<u8> {
    let mut frame = vec![0xff, 0xf8, 0x70, 0, number];
    frame.extend((samples - 1).to_be_bytes());
    frame.push(flac::crc8(&frame));
    frame.extend([5; 60]);
    frame.extend(flac::crc16(&frame).to_be_bytes());
    frame
}

#[test]
fn the_last_frame_says_how_long_flac_is() {
    let of = |bytes: Vec<u8>| of_flac(&mut Cursor::new(bytes)).expect("read").duration_ms;
    let whole = [flac_start(), flac_frame(0, 4_096), flac_frame(1, 4_096), flac_frame(2, 808)].concat();
    assert_eq!(of(whole.clone()), Some(1_125));
    assert_eq!(of(whole[..whole.len() - 1].to_vec()), Some(1_024), "the last frame was cut off");
    let with_total = |total: u16| {
        let mut known = whole.clone();
        known[24..26].copy_from_slice(&total.to_be_bytes());
        known
    };
    let known = with_total(9_000);
    assert_eq!(of(known.clone()), None, "its header has a length");
    assert_eq!(of([known.clone(), vec![0; 40_000]].concat()), None, "zeros behind it");
    assert_eq!(of(with_total(50_000)), Some(1_125), "its header has that of another file");
    assert_eq!(of(known[..known.len() - 100].to_vec()), Some(512), "it was cut off");
    let part = [with_total(9_000)[..42].to_vec(), flac_frame(1, 4_096), flac_frame(2, 808)].concat();
    assert_eq!(of(part), Some(613), "a part of another file");
    assert_eq!(of(known[..50].to_vec()), None, "no whole frame");
}

fn all(bytes: &[u8]) -> Vec<Measured> {
    let reader = || Cursor::new(bytes.to_vec());
    let header = flac_header(&mut reader()).expect("read").map(|header| header.len());
    let plain = plain_header(&mut reader()).expect("read").map(|header| header.len());
    assert!(header.into_iter().chain(plain).all(|length| length < bytes.len() + 1_000_000));
    vec![
        of_mp4(&mut reader()).expect("read"),
        of_ogg(&mut reader()).expect("read"),
        of_adts(&mut reader()).expect("read"),
        of_flac(&mut reader()).expect("read"),
        of_wav(&mut reader()).expect("read"),
    ]
}

/// A small file of each kind.
fn files() -> Vec<Vec<u8>> {
    let edits = words(&[0, 1, 0, 100, 0x1_0000]);
    vec![
        [movie(&entry(b"mp4a", &boxed(b"esds", &[3; 40])), 0, &edits), fragment(&[0x301, 1, 0xdada, 30, 10], 10)]
            .concat(),
        opus(1, &[48_480]).concat(),
        [adts(20), adts(30)].concat(),
        [flac_start(), flac_frame(0, 4_096), flac_frame(1, 99)].concat(),
        wav(b"RF64", u32::MAX, Some(64), 0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_file_is_trouble(
        which in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = files()[which].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        all(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        all(&bytes);
    }

    #[test]
    fn noise_is_no_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400), which in 0..5_usize) {
        all(&bytes);
        all(&[files()[which].clone(), bytes].concat());
    }
}
