//! The chunks of WAV (RIFF, and RF64 for more than 4 GiB) and AIFF that have tags. Sources: Microsoft, "Multimedia
//! Programming Interface and Data Specifications 1.0"; EBU Tech 3306 (RF64); Apple, "Audio Interchange File Format".

use super::{
    bytes::FileBytes,
    decode,
    fields::{Field, TagFields},
    id3v2::{self, Header},
};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// The most chunks of one level.
const MAX_CHUNKS: usize = 10_000;
/// The most chunks with an `ID3v2` tag that are read.
const MAX_ID3: usize = 8;
/// The greatest length of a text that is read.
const MAX_TEXT: u64 = 64 * 1024;

/// A chunk.
struct RiffChunk {
    name: [u8; 4],
    content: Range<u64>,
}

/// A walk over chunks, whose sizes are in this byte order.
struct RiffChunks {
    rest: Range<u64>,
    number: fn([u8; 4]) -> u32,
    /// The size of the audio in an RF64 file.
    large: Option<u64>,
}

impl RiffChunks {
    fn next(&mut self, bytes: &mut FileBytes<impl Read + Seek>) -> io::Result<Option<RiffChunk>> {
        let at = self.rest.start;
        if at.saturating_add(8) > self.rest.end {
            return Ok(None);
        }
        let Some([name, size]) = bytes.fours::<2>(at)? else { return Ok(None) };
        let mut size = u64::from((self.number)(size));
        let start = at.saturating_add(8);
        if let (b"data", 0xffff_ffff, Some(large)) = (&name, size, self.large) {
            size = large;
        }
        let end = start.saturating_add(size).min(self.rest.end);
        if &name == b"ds64" {
            self.large = bytes.array::<8>(start.saturating_add(8))?.map(u64::from_le_bytes);
        }
        // Chunks begin at even offsets; some programs leave the byte between them out.
        let is_padded = size % 2 == 1 && !bytes.get(end, 1)?.iter().any(u8::is_ascii_alphanumeric);
        self.rest.start = end.saturating_add(u64::from(is_padded));
        Ok(Some(RiffChunk { name, content: start..end }))
    }
}

/// Adds what the file that begins at `start` has.
///
/// # Errors
/// Those of reading the file; what is wrong with the tags is noted in `fields`.
pub(super) fn read(bytes: &mut FileBytes<impl Read + Seek>, start: u64, fields: &mut TagFields) -> io::Result<()> {
    let is_big = bytes.has(start, b"FORM")?;
    let number = if is_big { u32::from_be_bytes } else { u32::from_le_bytes };
    let mut chunks = RiffChunks { rest: start.saturating_add(12)..bytes.len(), number, large: None };
    let mut texts: Vec<RiffChunk> = Vec::new();
    let mut id3 = 0;
    for _ in 0..MAX_CHUNKS {
        let Some(chunk) = chunks.next(bytes)? else { break };
        match &chunk.name {
            b"ID3 " | b"id3 " if id3 < MAX_ID3 => {
                id3 += 1;
                if let Some(header) = Header::read(bytes, chunk.content.start)? {
                    id3v2::read(bytes, &header, fields)?;
                } else if !chunk.content.is_empty() {
                    fields.begin("ID3 chunk");
                    fields.lose("", "no ID3v2 tag is in it");
                }
            }
            b"LIST" if bytes.has(chunk.content.start, b"INFO")? => {
                let rest = chunk.content.start.saturating_add(4)..chunk.content.end;
                let mut list = RiffChunks { rest, number, large: None };
                while let Some(text) = list.next(bytes)?.filter(|_| texts.len() < MAX_CHUNKS) {
                    texts.push(text);
                }
            }
            b"NAME" | b"AUTH" if is_big => texts.push(chunk),
            _ => {}
        }
    }
    fields.begin(if is_big { "AIFF" } else { "RIFF INFO" });
    for RiffChunk { name, content } in texts {
        let Some(field) = field(name) else { continue };
        let size = content.end.saturating_sub(content.start);
        let text = bytes.get(content.start, usize::try_from(size.min(MAX_TEXT)).unwrap_or(0))?;
        let text: Vec<u8> = text.into_iter().take_while(|byte| *byte != 0).collect();
        // These texts have no encoding: what is not UTF-8 is what the system had.
        fields.text(field, decode::utf8(&text).0);
    }
    Ok(())
}

const fn field(name: [u8; 4]) -> Option<Field> {
    Some(match &name {
        b"INAM" | b"NAME" => Field::Title,
        b"IART" | b"AUTH" => Field::Artist,
        b"IPRD" => Field::Album,
        b"ICRD" => Field::Date,
        b"IGNR" => Field::Genre,
        b"IMUS" => Field::Composer,
        b"IPRT" | b"ITRK" => Field::Track,
        b"IFRM" => Field::Tracks,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
        let pad: &[u8] = if content.len() % 2 == 1 { &[0] } else { &[] };
        [name, &u32::try_from(content.len()).unwrap().to_le_bytes(), content, pad].concat()
    }

    fn fields_of(chunks: &[Vec<u8>]) -> TagFields {
        let file = [b"RIFF\0\0\0\0WAVE".to_vec(), chunks.concat()].concat();
        let mut fields = TagFields::default();
        read(&mut FileBytes::new(Cursor::new(file)).unwrap(), 0, &mut fields).unwrap();
        fields
    }

    #[test]
    fn texts_are_read_beside_odd_chunks() {
        let unpadded = [b"IART\x05\0\0\0Bj\xf6rkICRD\x04\0\0\x001999".to_vec(), b"IPRD\xff\xff\xff\x0fAlbum".to_vec()];
        let list = [b"INFO".to_vec(), chunk(b"INAM", b"Title\0"), chunk(b"\xff\0x?", b""), unpadded.concat()].concat();
        let fields =
            fields_of(&[chunk(b"fmt ", b"x"), chunk(b"LIST", b"no"), chunk(b"id3 ", b"no tag"), chunk(b"LIST", &list)]);
        let all = |field| fields.each(field).collect::<Vec<_>>();
        assert_eq!((all(Field::Title), all(Field::Artist)), (vec!["Title"], vec!["Björk"]));
        assert_eq!((all(Field::Date), all(Field::Album)), (vec!["1999"], vec!["Album"]));
        assert_eq!(fields.losses(), ["ID3 chunk: no ID3v2 tag is in it"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..100)) {
            fields_of(&[chunk(b"LIST", &[b"INFO".as_slice(), &noise].concat()), noise]);
        }
    }
}
