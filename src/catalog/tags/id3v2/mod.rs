//! `ID3v2.2`, `2.3` and `2.4`, frame by frame: a frame that cannot be read is noted, and the next one is read. Sources:
//! id3.org, "ID3v2.2.0", "ID3v2.3.0", "ID3v2.4.0 structure" and "ID3v2.4.0 frames".

mod frame;
#[cfg(test)]
mod tests;

use super::{
    MAX_PICTURE_BYTES,
    bytes::FileBytes,
    fields::{Field, TagFields},
    values,
};
use frame::Frame;
use std::{
    io::{self, Cursor, Read, Seek},
    ops::Range,
};

/// The length of the header of a tag.
const HEADER: u64 = 10;
/// The most frames of one tag.
const MAX_FRAMES: usize = 10_000;
/// The greatest length of a frame that is read: one with a picture, and what stands before the picture.
const MAX_FRAME_BYTES: u64 = 64 * 1024 + MAX_PICTURE_BYTES_U64;
const MAX_PICTURE_BYTES_U64: u64 = 10 * 1024 * 1024;
const _: () = assert!(MAX_PICTURE_BYTES == 10 * 1024 * 1024);
/// How much of a tag is read that is unsynchronised as a whole.
const MAX_WHOLE_BYTES: usize = 32 * 1024 * 1024;
/// How many bytes of a tag are searched for frames behind bytes that are none.
const SEARCH: u64 = 16 * 1024 * 1024;
/// How many places that look like a frame are looked at meanwhile.
const CANDIDATES: usize = 20_000;
/// How far it is searched for behind a zero, where the padding should begin.
const SEARCH_PADDING: u64 = 2 * 1024;
/// How many bytes are searched at once.
const SEARCH_BLOCK: usize = 8 * 1024;

/// Flags of a tag: its frames are unsynchronised; it has an extended header (`2.3` and later) or is compressed (`2.2`).
const UNSYNCHRONISED: u8 = 0x80;
const EXTENDED: u8 = 0x40;
/// The flag of a tag that has a footer.
const FOOTER: u8 = 0x10;

/// The header of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// 2, 3 or 4; others are unknown.
    version: u8,
    flags: u8,
    /// The bytes between header and footer, as far as the file has them.
    content: Range<u64>,
    /// Where the tag ends, as far as the file reaches.
    pub(super) end: u64,
    /// The file ends before the tag does.
    pub(super) is_cut: bool,
}

impl Header {
    /// The header at `at`; `None` when none is there.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn read(bytes: &mut FileBytes<impl Read + Seek>, at: u64) -> io::Result<Option<Self>> {
        let Some([b'I', b'D', b'3', version @ ..=0xfe, 0..=0xfe, flags, size @ ..]) = bytes.array::<10>(at)? else {
            return Ok(None);
        };
        // Some programs write a size of eight bits a byte. One that is larger than the file is that of no tag.
        let size = synchsafe(size).unwrap_or_else(|| u32::from_be_bytes(size).into());
        let start = at.saturating_add(HEADER);
        let stated = start.saturating_add(size);
        let footer = if version >= 4 && flags & FOOTER != 0 { HEADER } else { 0 };
        let end = stated.saturating_add(footer).min(bytes.len());
        let content = start..stated.min(bytes.len());
        Ok(Some(Self { version, flags, content, end, is_cut: stated > bytes.len() }))
    }

    /// The header of a tag whose footer (the same with `3DI`) is before `end`, and where the tag starts.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn before(bytes: &mut FileBytes<impl Read + Seek>, end: u64) -> io::Result<Option<(u64, Self)>> {
        let Some(at) = end.checked_sub(HEADER) else { return Ok(None) };
        let Some([b'3', b'D', b'I', _, _, _, size @ ..]) = bytes.array::<10>(at)? else { return Ok(None) };
        let start = synchsafe(size).and_then(|size| at.checked_sub(size)?.checked_sub(HEADER));
        let Some(start) = start else { return Ok(None) };
        Ok(Self::read(bytes, start)?.map(|header| (start, header)))
    }
}

/// A number of seven bits a byte; `None` when a byte has eight.
fn synchsafe(bytes: [u8; 4]) -> Option<u64> {
    bytes.into_iter().try_fold(0, |sum: u64, byte| (byte < 0x80).then(|| (sum << 7) | u64::from(byte)))
}

/// Undoes the unsynchronisation: `ff 00` was `ff`. Bytes that it never leaves show that a program set only the flag; they
/// are returned as they are.
fn synchronised(bytes: &[u8]) -> Vec<u8> {
    if bytes.windows(2).any(|pair| matches!(pair, [0xff, 0xe0..=0xff])) {
        return bytes.to_vec();
    }
    let mut after_ff = false;
    let mut kept = bytes.to_vec();
    kept.retain(|byte| {
        let drop = after_ff && *byte == 0;
        after_ff = *byte == 0xff;
        !drop
    });
    kept
}

/// Adds what the tag with this header has.
///
/// # Errors
/// Those of reading the file; what is wrong with the tag is noted in `fields`.
pub(super) fn read(bytes: &mut FileBytes<impl Read + Seek>, header: &Header, fields: &mut TagFields) -> io::Result<()> {
    fields.begin(&format!("ID3v2.{}", header.version));
    if header.is_cut {
        fields.lose("", "the file ends before the tag does");
    }
    match header.version {
        2 if header.flags & EXTENDED != 0 => {
            fields.lose("", "the tag is compressed");
            Ok(())
        }
        2 | 3 if header.flags & UNSYNCHRONISED != 0 => {
            let Range { start, end } = header.content;
            if end.saturating_sub(start) > u64::try_from(MAX_WHOLE_BYTES).unwrap_or(0) {
                fields.lose("", "the tag is larger than 32 MiB; the rest is not read");
            }
            let len = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX).min(MAX_WHOLE_BYTES);
            let raw = bytes.get(start, len)?;
            let frames_of = |tag: &[u8]| -> io::Result<usize> {
                let mut tag = FileBytes::new(Cursor::new(tag))?;
                let content = 0..tag.len();
                Walk::new(&mut tag, header, content).chain()
            };
            let plain = synchronised(&raw);
            // Some programs change each frame for itself, and count the zeros that they add in its size.
            let each_frame = plain.len() < raw.len() && frames_of(&raw)? > frames_of(&plain)?;
            let mut whole = FileBytes::new(Cursor::new(if each_frame { raw } else { plain }))?;
            let content = 0..whole.len();
            Walk { each_frame, ..Walk::new(&mut whole, header, content) }.run(fields)
        }
        2..=4 => Walk::new(bytes, header, header.content.clone()).run(fields),
        _ => {
            fields.lose("", "the version is unknown");
            Ok(())
        }
    }
}

/// The header of a frame.
struct FrameHead {
    /// Its name in `ID3v2.4`.
    id: String,
    flags: u8,
    /// What its size may be, the most likely first: programs write sizes of seven bits a byte in `2.3`, and of eight in
    /// `2.4`.
    sizes: Vec<u64>,
    /// Its name is one of `2.2` in a later version.
    is_old: bool,
}

/// A walk over the frames of a tag.
struct Walk<'a, R> {
    bytes: &'a mut FileBytes<R>,
    version: u8,
    flags: u8,
    /// The content of each frame is unsynchronised by itself.
    each_frame: bool,
    content: Range<u64>,
    /// How many bytes may still be searched.
    unsearched: u64,
    candidates: usize,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    fn new(bytes: &'a mut FileBytes<R>, header: &Header, content: Range<u64>) -> Self {
        let (version, flags) = (header.version, header.flags);
        let each_frame = version == 4 && flags & UNSYNCHRONISED != 0;
        Self { bytes, version, flags, each_frame, content, unsearched: SEARCH, candidates: CANDIDATES }
    }

    /// How many frames with known names follow each other from the first one.
    fn chain(&mut self) -> io::Result<usize> {
        let (mut at, mut count) = (self.first_frame()?, 0);
        while count < MAX_FRAMES {
            let Some(head) = self.head(at)?.filter(|head| frame::is_known(&head.id) && !head.is_old) else { break };
            let end = head.sizes.first().map(|size| at.saturating_add(self.head_length()).saturating_add(*size));
            let Some(end) = end.filter(|end| *end <= self.content.end) else { break };
            (at, count) = (end, count.saturating_add(1));
        }
        Ok(count)
    }

    fn run(&mut self, fields: &mut TagFields) -> io::Result<()> {
        let mut years = Years::default();
        let mut at = self.first_frame()?;
        for _ in 0..MAX_FRAMES {
            let Some(next) = self.frame(at, &mut years, fields)? else { break };
            at = next;
        }
        years.add(fields);
        Ok(())
    }

    const fn head_length(&self) -> u64 {
        if self.version == 2 { 6 } else { 10 }
    }

    /// Where the first frame is: behind the extended header, whose size excludes itself in `2.3` and not in `2.4`.
    fn first_frame(&mut self) -> io::Result<u64> {
        let start = self.content.start;
        if self.version == 2 || self.flags & EXTENDED == 0 {
            return Ok(start);
        }
        let Some(size) = self.bytes.array::<4>(start)? else { return Ok(start) };
        let plain = u64::from(u32::from_be_bytes(size));
        let size = if self.version == 3 { Some(plain) } else { synchsafe(size) }.unwrap_or(plain);
        // Some programs exclude what they should include, or the reverse; some set the flag without a header.
        let (excluding, including) = (start.saturating_add(size).saturating_add(4), start.saturating_add(size));
        let likely = if self.version == 3 { [excluding, including, start] } else { [including, excluding, start] };
        for at in likely {
            if self.content.contains(&at) && self.is_frame(at)? {
                return Ok(at);
            }
        }
        Ok(self.search(start, SEARCH)?.unwrap_or(start))
    }

    /// Reads the frame at `at`; returns where the next one is.
    fn frame(&mut self, at: u64, years: &mut Years, fields: &mut TagFields) -> io::Result<Option<u64>> {
        if at.saturating_add(self.head_length()) > self.content.end {
            return Ok(None);
        }
        if self.bytes.has(at, &[0])? {
            let next = self.search(at, SEARCH_PADDING)?;
            if next.is_some() {
                fields.lose("", "zeros between frames");
            }
            return Ok(next);
        }
        let Some(head) = self.head(at)? else {
            fields.lose("", "no frame begins where one should");
            return self.search(at.saturating_add(1), SEARCH);
        };
        let body = at.saturating_add(self.head_length());
        let Some(size) = self.size(&head, body)? else {
            if frame::is_read(&head.id) {
                fields.lose(&head.id, "its size is wrong");
            }
            return self.search(body, SEARCH);
        };
        if size > 0 && frame::is_read(&head.id) {
            if size > MAX_FRAME_BYTES {
                fields.lose(&head.id, "it is larger than 10 MiB");
            } else {
                let content = self.bytes.get(body, usize::try_from(size).unwrap_or(0))?;
                let unsynchronised = self.each_frame;
                let frame = Frame { id: &head.id, version: self.version, flags: head.flags, unsynchronised };
                frame.read(&content, years, fields);
            }
        }
        Ok(Some(body.saturating_add(size)))
    }

    /// The header at `at`; `None` when no name of a frame is there.
    fn head(&mut self, at: u64) -> io::Result<Option<FrameHead>> {
        if self.version == 2 {
            let Some([a, b, c, high, middle, low]) = self.bytes.array::<6>(at)? else { return Ok(None) };
            let Some(id) = frame::id(&[a, b, c]) else { return Ok(None) };
            return Ok(Some(FrameHead {
                id,
                flags: 0,
                sizes: vec![u32::from_be_bytes([0, high, middle, low]).into()],
                is_old: false,
            }));
        }
        let Some([a, b, c, d, s0, s1, s2, s3, _, flags]) = self.bytes.array::<10>(at)? else { return Ok(None) };
        // iTunes wrote names of 2.2 into tags of 2.3.
        let is_old = matches!(d, 0 | b' ');
        let name = if is_old { [a, b, c].to_vec() } else { vec![a, b, c, d] };
        let Some(id) = frame::id(&name) else { return Ok(None) };
        let plain = u64::from(u32::from_be_bytes([s0, s1, s2, s3]));
        let seven = synchsafe([s0, s1, s2, s3]);
        let mut sizes: Vec<u64> = [seven, Some(plain)].into_iter().flatten().collect();
        if self.version == 3 {
            sizes.reverse();
        }
        sizes.dedup();
        Ok(Some(FrameHead { id, flags, sizes, is_old }))
    }

    /// The size behind which another frame, padding or the end of the tag is.
    fn size(&mut self, head: &FrameHead, body: u64) -> io::Result<Option<u64>> {
        for size in &head.sizes {
            let next = body.saturating_add(*size);
            let left = self.content.end.checked_sub(next);
            if left.is_some_and(|left| left < self.head_length()) || (left.is_some() && self.may_follow(next)?) {
                return Ok(Some(*size));
            }
        }
        Ok(None)
    }

    fn may_follow(&mut self, at: u64) -> io::Result<bool> {
        Ok(self.begins(at)? || self.is_misnamed(at)?)
    }

    /// Whether padding or a frame begins at `at`.
    fn begins(&mut self, at: u64) -> io::Result<bool> {
        Ok(self.bytes.has(at, &[0])? || self.head(at)?.is_some())
    }

    /// Whether a frame with an impossible name is at `at`, behind which padding, a frame or the end of the tag is.
    fn is_misnamed(&mut self, at: u64) -> io::Result<bool> {
        let Some([a, b, c, d, s0, s1, s2, s3, ..]) = self.bytes.array::<10>(at)? else { return Ok(false) };
        if self.version == 2 || ![a, b, c, d].iter().all(u8::is_ascii_graphic) {
            return Ok(false);
        }
        let size = u64::from(u32::from_be_bytes([s0, s1, s2, s3]));
        let next = at.saturating_add(self.head_length()).saturating_add(size);
        match self.content.end.checked_sub(next) {
            None => Ok(false),
            Some(left) => Ok(left < self.head_length() || self.begins(next)?),
        }
    }

    /// Whether a frame that is read, with a possible size, is at `at`.
    fn is_frame(&mut self, at: u64) -> io::Result<bool> {
        let Some(head) = self.head(at)? else { return Ok(false) };
        let body = at.saturating_add(self.head_length());
        Ok(frame::is_known(&head.id) && self.size(&head, body)?.is_some())
    }

    /// The first frame at `from` or within `reach` bytes behind it.
    fn search(&mut self, from: u64, reach: u64) -> io::Result<Option<u64>> {
        let end = from.saturating_add(reach.min(self.unsearched)).min(self.content.end);
        let mut at = from;
        while at < end && self.candidates > 0 {
            let block = self.bytes.get(at, SEARCH_BLOCK)?;
            for (offset, id) in (0_u64..).zip(block.windows(3)) {
                let here = at.saturating_add(offset);
                if here >= end || !id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
                    continue;
                }
                self.candidates = self.candidates.saturating_sub(1);
                if self.candidates > 0 && self.is_frame(here)? {
                    self.unsearched = self.unsearched.saturating_sub(here.saturating_sub(from));
                    return Ok(Some(here));
                }
            }
            // Names that begin at the end of a block are found in the next one.
            let step = u64::try_from(block.len().saturating_sub(2)).unwrap_or(0);
            if step == 0 {
                break;
            }
            at = at.saturating_add(step);
        }
        self.unsearched = self.unsearched.saturating_sub(at.saturating_sub(from));
        Ok(None)
    }
}

/// The frames of which one date is made: `TDRC` (which some write in `2.3`), or else `TYER` with `TDAT` (day and month).
#[derive(Default)]
struct Years {
    recorded: Vec<String>,
    year: Vec<String>,
    day: Option<String>,
}

impl Years {
    /// Takes a text of a frame; gives it back when it is none of these.
    fn take(&mut self, id: &str, text: String) -> Option<String> {
        match id {
            "TDRC" => self.recorded.push(text),
            "TYER" => self.year.push(text),
            "TDAT" => self.day = Some(text),
            _ => return Some(text),
        }
        None
    }

    fn add(self, fields: &mut TagFields) {
        let day = self.day.as_deref().unwrap_or_default().trim_matches(['\0', ' ']);
        let (day, month) = day.split_at_checked(2).filter(|(_, month)| month.len() == 2).unwrap_or_default();
        for text in self.recorded {
            fields.text(Field::Date, text);
        }
        for text in self.year {
            let year = text.trim_matches(['\0', ' ']);
            let whole = format!("{year}-{month}-{day}");
            let is_whole = year.len() == 4 && values::date(&whole).is_some_and(|date| date.len() == whole.len());
            fields.text(Field::Date, if is_whole { whole } else { text });
        }
    }
}
