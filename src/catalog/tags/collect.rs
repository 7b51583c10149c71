//! Collects the tags of a file, each with a reader of its own, so that a broken one does not cost the others.

use super::{ape, bytes::FileBytes, fields::TagFields, id3v1, id3v2, mp4, ogg, outer::Outer, riff, vorbis};
use std::io::{self, Read, Seek};

/// The formats that begin with these bytes have APE tags by their specification (Monkey's Audio, Musepack, `WavPack`).
const WITH_APE: [&[u8]; 4] = [b"MAC ", b"MPCK", b"MP+", b"wvpk"];

/// Collects the tags of a file; `outer` gets those behind the audio where the format has such.
///
/// The tag format that the file format's specification prescribes comes first; `ID3v1`, which cuts texts at 30
/// characters, comes last.
///
/// # Errors
/// Those of reading the file; what is wrong with the tags is noted in the fields.
pub(super) fn collect(bytes: &mut FileBytes<impl Read + Seek>, outer: &mut Outer) -> io::Result<TagFields> {
    let mut fields = TagFields::default();
    let at = outer.audio.start;
    let start = bytes.get(at, 12)?;
    let is_ape_first = WITH_APE.iter().any(|mark| start.starts_with(mark));
    let mut is_stream = false;
    match start.as_slice() {
        [b'O', b'g', b'g', b'S', ..] => ogg::read(bytes, at, &mut fields)?,
        [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', ..]
        | [b'B', b'W', b'6', b'4', ..]
        | [b'F', b'O', b'R', b'M', ..] => {
            riff::read(bytes, at, &mut fields)?;
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => mp4::read(bytes, at, &mut fields)?,
        _ => is_stream = true,
    }
    if is_stream {
        outer.add_after(bytes)?;
    }
    vorbis::flac(bytes, at, &mut fields)?;
    if is_ape_first {
        add_ape(bytes, outer, &mut fields)?;
    }
    for header in &outer.id3v2 {
        id3v2::read(bytes, header, &mut fields)?;
    }
    if !is_ape_first {
        add_ape(bytes, outer, &mut fields)?;
    }
    for tag in &outer.id3v1 {
        id3v1::read(tag, &mut fields);
    }
    Ok(fields)
}

fn add_ape(bytes: &mut FileBytes<impl Read + Seek>, outer: &Outer, fields: &mut TagFields) -> io::Result<()> {
    outer.ape.iter().try_for_each(|place| ape::read(bytes, place, fields))
}
