//! The content of one frame.

use super::{MAX_PICTURE_BYTES, Years, synchronised, synchsafe};
use crate::catalog::tags::{
    decode::{self, ByteOrder},
    fields::{Field, TagFields, field},
    genres,
};
use flate2::read::ZlibDecoder;
use std::io::Read as _;

/// Names of `ID3v2.2` and those of the same frames in `2.4`.
const OLD_NAMES: [(&str, &str); 21] = [
    ("TT2", "TIT2"),
    ("TP1", "TPE1"),
    ("TP2", "TPE2"),
    ("TAL", "TALB"),
    ("TRK", "TRCK"),
    ("TPA", "TPOS"),
    ("TYE", "TYER"),
    ("TDA", "TDAT"),
    ("TRC", "TSRC"),
    ("TRD", "TRDA"),
    ("TOR", "TORY"),
    ("TCO", "TCON"),
    ("TCM", "TCOM"),
    ("TCP", "TCMP"),
    ("TST", "TSOT"),
    ("TSP", "TSOP"),
    ("TSA", "TSOA"),
    ("TS2", "TSO2"),
    ("TXX", "TXXX"),
    ("COM", "COMM"),
    ("PIC", "APIC"),
];
/// Frames that are not read, by which the way back to the others is found.
const OTHERS: [&str; 14] =
    ["COMM", "USLT", "TSSE", "TENC", "TLEN", "TCOP", "TPUB", "TPE3", "TPE4", "TIT1", "TIT3", "PRIV", "UFID", "GEOB"];

/// The name of a frame in `ID3v2.4`; `None` when it is not made of capital letters and digits.
pub(super) fn id(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return None;
    }
    let new = OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
    Some(new.unwrap_or(name).to_owned())
}

/// Whether something is made of such a frame.
pub(super) fn is_read(id: &str) -> bool {
    matches!(id, "TXXX" | "APIC" | "TDAT") || (id.len() == 4 && id.starts_with('T') && field(id).is_some())
}

/// Whether it is a frame that occurs often.
pub(super) fn is_known(id: &str) -> bool {
    is_read(id) || OTHERS.contains(&id)
}

/// A frame without its content.
pub(super) struct Frame<'a> {
    pub(super) id: &'a str,
    pub(super) version: u8,
    pub(super) flags: u8,
    /// The content of all frames is unsynchronised.
    pub(super) unsynchronised: bool,
}

impl Frame<'_> {
    /// Adds what the frame has.
    pub(super) fn read(&self, content: &[u8], years: &mut Years, fields: &mut TagFields) {
        let content = match self.plain(content) {
            Ok(content) => content,
            Err(reason) => return fields.lose(self.id, reason),
        };
        let Some((encoding, content)) = content.split_first() else { return };
        match self.id {
            "APIC" => self.picture(*encoding, content, fields),
            "TXXX" => Self::described(*encoding, content, fields),
            _ => self.text(*encoding, content, years, fields),
        }
    }

    /// The content without what the flags added to it.
    fn plain(&self, content: &[u8]) -> Result<Vec<u8>, &'static str> {
        let is = |flag: u8| self.flags & flag != 0;
        let (compressed, encrypted, grouped, unsynchronised, with_length) = match self.version {
            3 => (is(0x80), is(0x40), is(0x20), self.unsynchronised, is(0x80)),
            4 => (is(0x08), is(0x04), is(0x40), is(0x02) || self.unsynchronised, is(0x01)),
            _ => (false, false, false, self.unsynchronised, false),
        };
        if encrypted {
            return Err("it is encrypted");
        }
        let mut skipped = usize::from(grouped).saturating_add(if with_length { 4 } else { 0 });
        if compressed && !with_length && content.get(skipped).is_some_and(|byte| *byte != 0x78) {
            // The flag of the length is missing, and the length is there.
            skipped = skipped.saturating_add(4);
        }
        let Some(rest) = content.get(skipped..) else { return Err("it is too short") };
        let mut rest = rest.to_vec();
        if unsynchronised {
            let length = content.get(skipped.saturating_sub(4)..skipped).and_then(<[u8]>::first_chunk::<4>);
            let length = length.filter(|_| with_length).and_then(|length| synchsafe(*length));
            // Many programs set the flag and change nothing; then the length is that of the content as it is.
            if compressed || length != u64::try_from(rest.len()).ok() {
                rest = synchronised(&rest);
            }
        }
        if !compressed {
            return Ok(rest);
        }
        let most = u64::try_from(MAX_PICTURE_BYTES).unwrap_or(0).saturating_add(64 * 1024);
        let mut whole = Vec::new();
        match ZlibDecoder::new(rest.as_slice()).take(most).read_to_end(&mut whole) {
            Ok(_) => Ok(whole),
            Err(_) => Err("it is compressed and cannot be expanded"),
        }
    }

    fn text(&self, encoding: u8, content: &[u8], years: &mut Years, fields: &mut TagFields) {
        let (text, trouble) = decode::id3(encoding, content, None);
        if let Some(trouble) = trouble {
            fields.lose(self.id, &trouble);
        }
        let (Some(text), Some(field)) = (years.take(self.id, text), field(self.id)) else { return };
        if field == Field::Genre {
            for part in text.split('\0') {
                let genres = genres::of_frame(part);
                // 255 stands for none in ID3v1.
                if genres.is_empty() && part.bytes().any(|byte| byte.is_ascii_digit()) && !part.contains("255") {
                    fields.lose(self.id, &format!("{part} is no genre"));
                }
                for genre in genres {
                    fields.text(field, genre);
                }
            }
        } else {
            fields.text(field, text);
        }
    }

    /// `TXXX`: a description and a text.
    fn described(encoding: u8, content: &[u8], fields: &mut TagFields) {
        let Some((description, text)) = split(encoding, content) else {
            return fields.lose("TXXX", "its description does not end");
        };
        let (name, _) = decode::id3(encoding, description, None);
        let Some(field) = field(name.trim_matches('\u{feff}')) else { return };
        let (text, trouble) = decode::id3(encoding, text, order(encoding, description));
        if let Some(trouble) = trouble {
            fields.lose(&format!("TXXX:{name}"), &trouble);
        }
        fields.text(field, text);
    }

    /// `APIC`: format, kind, description, picture. In `2.2` the format has three characters and no end.
    fn picture(&self, encoding: u8, content: &[u8], fields: &mut TagFields) {
        let (format, rest) = if self.version == 2 {
            content.split_at_checked(3).unwrap_or_default()
        } else {
            split(0, content).unwrap_or_default()
        };
        if format == b"-->" {
            return;
        }
        let picture = rest.split_first().and_then(|(kind, rest)| Some((*kind, split(encoding, rest)?.1)));
        match picture {
            Some((_, data)) if data.len() > MAX_PICTURE_BYTES => fields.lose(self.id, "it is larger than 10 MiB"),
            Some((kind, data)) => fields.picture(u32::from(kind), data.to_vec()),
            None => fields.lose(self.id, "it ends before its picture"),
        }
    }
}

/// The byte order of the texts of a frame, if the first one says it.
fn order(encoding: u8, first: &[u8]) -> Option<ByteOrder> {
    decode::order_of(first).filter(|_| encoding == 1)
}

/// What is before and behind the end of the first text: one zero, or two in UTF-16.
fn split(encoding: u8, content: &[u8]) -> Option<(&[u8], &[u8])> {
    if matches!(encoding, 1 | 2) {
        let at = content.as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0])?.checked_mul(2)?;
        return Some((content.get(..at)?, content.get(at.checked_add(2)?..)?));
    }
    let at = content.iter().position(|byte| *byte == 0)?;
    Some((content.get(..at)?, content.get(at.checked_add(1)?..)?))
}
