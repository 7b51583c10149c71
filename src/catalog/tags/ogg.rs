//! The comments of Ogg streams: Vorbis, Opus, Speex and FLAC. Sources: RFC 3533 (pages), RFC 7845, section 5.2 (Opus),
//! and xiph.org, "Ogg Encapsulation for the FLAC format".

use super::{bytes::FileBytes, fields::TagFields, vorbis};
use std::io::{self, Read, Seek};

/// The length of the header of a page, without its list of segments.
const PAGE: u64 = 27;
/// The most pages that are read, and the most bytes of all packets together.
const MAX_PAGES: usize = 10_000;
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// The most packets of metadata of FLAC.
const MAX_PACKETS: usize = 64;

/// How the first packets of a stream look.
enum Codec {
    /// The second packet has comments behind a mark of this length.
    Marked(usize),
    /// Each packet is a block of metadata.
    Flac,
}

fn codec(packet: &[u8]) -> Option<Codec> {
    match packet {
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => Some(Codec::Marked(7)),
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Some(Codec::Marked(8)),
        [b'S', b'p', b'e', b'e', b'x', b' ', b' ', b' ', ..] => Some(Codec::Marked(0)),
        [0x7f, b'F', b'L', b'A', b'C', ..] => Some(Codec::Flac),
        _ => None,
    }
}

/// Adds what the first stream of a known codec has.
///
/// # Errors
/// Those of reading the file.
pub(super) fn read(bytes: &mut FileBytes<impl Read + Seek>, start: u64, fields: &mut TagFields) -> io::Result<()> {
    let mut pages = Pages { at: start, left: MAX_PAGES, total: 0 };
    let mut stream: Option<(u32, Codec)> = None;
    let mut packet = Vec::new();
    let mut count = 0_usize;
    while let Some(page) = pages.next(bytes)? {
        let serial = page.serial;
        if stream.is_none() {
            stream = page.parts.first().and_then(|(part, _)| codec(part)).map(|codec| (serial, codec));
        }
        let Some((_, codec)) = stream.as_ref().filter(|(ours, _)| *ours == serial) else { continue };
        for (part, ends) in page.parts {
            packet.extend(part);
            if !ends {
                continue;
            }
            let whole = std::mem::take(&mut packet);
            let is_last = match codec {
                Codec::Marked(mark) if count == 1 => {
                    vorbis::comments(whole.get(*mark..).unwrap_or_default(), fields);
                    true
                }
                Codec::Flac if count > 0 => flac_block(&whole, fields),
                _ => false,
            };
            count = count.saturating_add(1);
            if is_last || count > MAX_PACKETS {
                return Ok(());
            }
        }
    }
    fields.begin("Ogg");
    fields.lose("", "the pages of the comments are broken");
    Ok(())
}

/// Adds a block of metadata; returns whether it is the last one.
fn flac_block(packet: &[u8], fields: &mut TagFields) -> bool {
    let Some(([kind, ..], block)) = packet.split_first_chunk::<4>() else { return true };
    match kind & 0x7f {
        4 => vorbis::comments(block, fields),
        6 => vorbis::picture(block, fields),
        _ => {}
    }
    // Audio begins with ff.
    kind & 0x80 != 0
}

struct CommentPage {
    serial: u32,
    /// Parts of packets, and whether the packet ends with the part.
    parts: Vec<(Vec<u8>, bool)>,
}

struct Pages {
    at: u64,
    left: usize,
    total: usize,
}

impl Pages {
    fn next(&mut self, bytes: &mut FileBytes<impl Read + Seek>) -> io::Result<Option<CommentPage>> {
        if self.left == 0 || self.total > MAX_BYTES {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(1);
        let Some(head) = bytes.array::<27>(self.at)?.filter(|head| head.starts_with(b"OggS")) else { return Ok(None) };
        let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, .., segments] = head;
        let at = self.at.saturating_add(PAGE);
        let segments = bytes.get(at, segments.into())?;
        let body = at.saturating_add(u64::try_from(segments.len()).unwrap_or(0));
        let len = segments.iter().map(|segment| usize::from(*segment)).sum();
        let content = bytes.get(body, len)?;
        self.total = self.total.saturating_add(len);
        self.at = body.saturating_add(u64::try_from(len).unwrap_or(0));
        let mut rest = content.as_slice();
        let mut parts = Vec::new();
        let mut size = 0_usize;
        for (index, segment) in segments.iter().enumerate() {
            size = size.saturating_add(usize::from(*segment));
            let ends = *segment < 255;
            if ends || index.saturating_add(1) == segments.len() {
                let (part, behind) = rest.split_at_checked(size).unwrap_or((rest, &[]));
                parts.push((part.to_vec(), ends));
                rest = behind;
                size = 0;
            }
        }
        Ok(Some(CommentPage { serial: u32::from_le_bytes([a, b, c, d]), parts }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tags::fields::Field;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A page with one part of a packet; a packet that does not end has a multiple of 255 bytes.
    fn page(serial: u32, part: &[u8], ends: bool) -> Vec<u8> {
        let mut segments = vec![255; part.len() / 255];
        if ends {
            segments.push(u8::try_from(part.len() % 255).unwrap());
        }
        let count = u8::try_from(segments.len()).unwrap();
        let zeros = [0; 10];
        let head = [b"OggS".as_slice(), &zeros, &serial.to_le_bytes(), &zeros[..8], &[count]].concat();
        [head, segments, part.to_vec()].concat()
    }

    fn comments(title: &str) -> Vec<u8> {
        let text = format!("TITLE={title}");
        let len = u32::try_from(text.len()).unwrap().to_le_bytes();
        [&[0; 4], 1_u32.to_le_bytes().as_slice(), &len, text.as_bytes()].concat()
    }

    fn title(file: &[u8]) -> (Option<String>, Vec<String>) {
        let mut fields = TagFields::default();
        read(&mut FileBytes::new(Cursor::new(file)).unwrap(), 0, &mut fields).unwrap();
        (fields.first(Field::Title, |text| Some(text.to_owned())), fields.losses())
    }

    #[test]
    fn comments_are_found_over_pages_and_beside_other_streams() {
        let long = "x".repeat(600);
        let packet = [b"OpusTags".as_slice(), &comments(&long)].concat();
        let (first, second) = packet.split_at(510);
        let file = [
            page(9, b"fishead", true),
            page(1, b"OpusHead", true),
            page(9, b"other", true),
            page(1, first, false),
            page(1, second, true),
        ];
        assert_eq!(title(&file.concat()), (Some(long), vec![]));
        let block = [&[0x84, 0, 0, 0], comments("Flac").as_slice()].concat();
        let file = [page(1, b"\x7fFLAC", true), page(1, &[1, 0, 0, 0], true), page(1, &block, true)];
        assert_eq!(title(&file.concat()), (Some("Flac".to_owned()), vec![]));
    }

    #[test]
    fn a_stream_that_is_cut_off_is_noted() {
        let file = page(1, b"OpusHead", true);
        assert_eq!(title(&file), (None, vec!["Ogg: the pages of the comments are broken".to_owned()]));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..100), at in 0..100_usize) {
            let mut file = [page(1, b"OpusHead", true), page(1, &[b"OpusTags".as_slice(), &comments("T")].concat(), true)].concat();
            for (place, byte) in file.iter_mut().skip(at).zip(&noise) {
                *place ^= byte;
            }
            title(&file);
        }
    }
}
