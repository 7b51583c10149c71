//! Ogg: RFC 3533 (pages), RFC 7845 (Opus), "Vorbis I specification" 4.2.2, "Ogg FLAC mapping" (xiph.org/flac), the Speex
//! manual. The position of the last whole page says how long the stream is, also when the file was cut off.

use super::{Measured, be32, bytes_at, le16, le32, le64, milliseconds, size_of};
use std::io::{self, Read, Seek};

/// The length of the longest page.
const LONGEST_PAGE: u64 = 27 + 255 + 255 * 255;
/// How much of the end is searched for the last page. When none is there, all pages are read from the start.
const END: u64 = 2 * LONGEST_PAGE;
/// The most pages of a file.
const MOST_PAGES: u64 = 20_000_000;
/// The most bytes of the headers of Ogg FLAC.
const MOST_HEADER_BYTES: usize = 32 * 1024 * 1024;

/// The codec of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stream {
    serial: u32,
    codec: &'static str,
    rate: u32,
    channels: u8,
    /// Samples at the start that are not played.
    skip: u64,
}

impl Stream {
    /// The stream whose first packet this is.
    fn of(serial: u32, packet: &[u8]) -> Option<Self> {
        let stream = |codec, rate, channels, skip| Self { serial, codec, rate, channels, skip };
        if packet.starts_with(b"\x01vorbis") {
            return Some(stream("vorbis", le32(packet, 12)?, *packet.get(11)?, 0));
        }
        if packet.starts_with(b"OpusHead") {
            return Some(stream("opus", 48_000, *packet.get(9)?, le16(packet, 10)?.into()));
        }
        if packet.starts_with(b"Speex   ") {
            return Some(stream("speex", le32(packet, 36)?, u8::try_from(le32(packet, 48)?).ok()?, 0));
        }
        if packet.starts_with(b"\x7fFLAC") {
            // STREAMINFO begins at 17, after the mark of native FLAC and the header of the block.
            let bits = be32(packet, 27)?;
            return Some(stream("flac", bits >> 12, u8::try_from(bits >> 9 & 7).ok()? + 1, 0));
        }
        None
    }

    fn duration_ms(&self, last: u64) -> Option<u64> {
        milliseconds(last.saturating_sub(self.skip), self.rate.into())
    }
}

/// The header of a page.
struct OggPage {
    is_first: bool,
    /// Samples until the end of the last packet that ends in the page; `None` when none does.
    position: Option<u64>,
    serial: u32,
    /// The lengths of the parts of packets.
    segments: Vec<u8>,
    /// Header and content.
    length: u64,
}

impl OggPage {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"OggS\0") {
            return None;
        }
        let count = usize::from(*bytes.get(26)?);
        let segments = bytes.get(27..)?.get(..count)?.to_vec();
        let content: u64 = segments.iter().map(|length| u64::from(*length)).sum();
        let position = le64(bytes, 6)?;
        Some(Self {
            is_first: bytes.get(5)? & 2 != 0,
            position: (position != u64::MAX).then_some(position),
            serial: le32(bytes, 14)?,
            length: content.checked_add(27)?.checked_add(u64::try_from(count).ok()?)?,
            segments,
        })
    }
}

/// Length, codec and channels of the first audio stream, and of those that follow it (chained).
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let size = size_of(reader)?;
    let Some(stream) = first_stream(reader)? else { return Ok(Measured::default()) };
    let found = |duration_ms: Option<u64>| Measured {
        container: None,
        codec: Some(stream.codec),
        duration_ms: duration_ms.filter(|ms| *ms > 0),
        channels: Some(stream.channels).filter(|channels| *channels > 0),
    };
    let start = size.saturating_sub(END);
    let end = bytes_at(reader, start, END)?;
    let last = end.windows(4).enumerate().rev().filter(|(_, word)| word == b"OggS").find_map(|(at, _)| {
        let bytes = end.get(at..)?;
        let page = OggPage::parse(bytes)?;
        let whole = bytes.get(..usize::try_from(page.length).ok()?)?;
        (checksum(whole) == le32(whole, 22)? && page.position.is_some()).then_some(page)
    });
    if let Some(OggPage { serial, position: Some(position), .. }) = last
        && serial == stream.serial
    {
        return Ok(found(stream.duration_ms(position)));
    }
    Ok(found(of_all_pages(reader, size)?))
}

/// The first audio stream of those that begin at the start of the file.
fn first_stream(reader: &mut (impl Read + Seek)) -> io::Result<Option<Stream>> {
    let mut at = 0;
    // Streams that are played together begin with a page each.
    for _ in 0..64 {
        let bytes = bytes_at(reader, at, 27 + 255 + 255)?;
        let Some(page) = OggPage::parse(&bytes).filter(|page| page.is_first) else { return Ok(None) };
        let packet = bytes.get(27 + page.segments.len()..).unwrap_or_default();
        if let Some(stream) = Stream::of(page.serial, packet) {
            return Ok(Some(stream));
        }
        at = at.saturating_add(page.length);
    }
    Ok(None)
}

/// The length of all audio streams that follow each other.
fn of_all_pages(reader: &mut (impl Read + Seek), size: u64) -> io::Result<Option<u64>> {
    let (mut at, mut total) = (0, 0_u64);
    let mut current: Option<(Stream, u64)> = None;
    for _ in 0..MOST_PAGES {
        let bytes = bytes_at(reader, at, 27 + 255 + 255)?;
        let Some(page) = OggPage::parse(&bytes) else {
            // Not a page: what follows is searched for the next one.
            let junk = bytes_at(reader, at.saturating_add(1), LONGEST_PAGE)?;
            match junk.windows(4).position(|word| word == b"OggS").and_then(|skip| u64::try_from(skip).ok()) {
                Some(skip) => at = at.saturating_add(1).saturating_add(skip),
                None if junk.len() < 4 => break,
                None => at = at.saturating_add(LONGEST_PAGE - 3),
            }
            continue;
        };
        if page.is_first
            && let Some(stream) = Stream::of(page.serial, bytes.get(27 + page.segments.len()..).unwrap_or_default())
        {
            let before = current.replace((stream, 0)).and_then(|(stream, last)| stream.duration_ms(last));
            total = total.saturating_add(before.unwrap_or(0));
        }
        at = at.saturating_add(page.length);
        if let (Some((stream, last)), Some(position)) = (&mut current, page.position)
            && stream.serial == page.serial
            && at <= size
        {
            *last = position;
        }
    }
    let last = current.and_then(|(stream, last)| stream.duration_ms(last)).unwrap_or(0);
    Ok(Some(total.saturating_add(last)))
}

/// The header of an Ogg FLAC file as native FLAC has it: STREAMINFO, comments, pictures. `None` for other files.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn flac_header(reader: &mut (impl Read + Seek)) -> io::Result<Option<Vec<u8>>> {
    let first = bytes_at(reader, 0, 27 + 255 + 255)?;
    let Some(page) = OggPage::parse(&first) else { return Ok(None) };
    let packet = first.get(27 + page.segments.len()..).unwrap_or_default();
    if !packet.starts_with(b"\x7fFLAC") || packet.get(9..13) != Some(b"fLaC") || page.segments.len() != 1 {
        return Ok(None);
    }
    let block = packet.get(13..13 + 4 + 34).unwrap_or_default();
    let mut blocks = vec![block.to_vec()];
    let mut at = page.length;
    let (serial, mut packet, mut all) = (page.serial, Vec::new(), 0_usize);
    'pages: for _ in 0..MOST_PAGES {
        let bytes = bytes_at(reader, at, LONGEST_PAGE)?;
        let Some(page) = OggPage::parse(&bytes) else { break };
        at = at.saturating_add(page.length);
        if page.serial != serial {
            continue;
        }
        let mut rest = bytes.get(27 + page.segments.len()..).unwrap_or_default();
        for length in page.segments {
            let Some((part, after)) = rest.split_at_checked(length.into()) else { break 'pages };
            rest = after;
            packet.extend_from_slice(part);
            all = all.saturating_add(part.len());
            if all > MOST_HEADER_BYTES {
                break 'pages;
            }
            if length < 255 {
                let block = std::mem::take(&mut packet);
                // A packet of audio begins with the mark of a frame.
                let Some(head) = block.first().copied().filter(|head| *head != 0xff) else { break 'pages };
                blocks.push(block);
                if head & 0x80 != 0 {
                    break 'pages;
                }
            }
        }
    }
    // The last block is marked, whatever the file says.
    let count = blocks.len();
    for (index, block) in blocks.iter_mut().enumerate() {
        if let Some(head) = block.first_mut() {
            *head = *head & 0x7f | if index + 1 == count { 0x80 } else { 0 };
        }
    }
    Ok(Some([b"fLaC".to_vec(), blocks.concat()].concat()))
}

/// The checksum of a page, in which its own field counts as 0 (RFC 3533, section 6).
pub(super) fn checksum(page: &[u8]) -> u32 {
    let own = 22..26;
    page.iter().enumerate().fold(0_u32, |sum, (index, byte)| {
        let byte = if own.contains(&index) { 0 } else { *byte };
        (0..8).fold(
            sum ^ u32::from(byte) << 24,
            |sum, _| {
                if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 }
            },
        )
    })
}
