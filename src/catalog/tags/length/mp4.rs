//! MP4 and `QuickTime`: ISO/IEC 14496-12 (boxes, fragments in 8.8, edit lists in 8.6.6), 14496-1 (`esds`), 14496-3 (AAC),
//! ETSI TS 102 366 annex F (`dac3`), "Encapsulation of Opus in ISO Base Media File Format" (`dOps`).

use super::{
    Measured, be16, be32, be64,
    boxes::{MOST_BOXES, MOST_BYTES, bytes_of, children, inner, next_box},
    bytes_at, milliseconds, samples, size_of,
};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// Length, codec and channels of the first audio track.
///
/// # Errors
/// Those of reading.
pub(in super::super) fn measure(reader: &mut (impl Read + Seek)) -> io::Result<Measured> {
    let size = size_of(reader)?;
    let (mut track, mut fragments, mut at) = (None, 0_u64, 0);
    let (mut has_fragments, mut is_cut) = (false, false);
    for _ in 0..MOST_BOXES {
        let Some(found) = next_box(reader, at, size)? else { break };
        match &found.kind {
            b"moov" if track.is_none() => track = AudioTrack::read(reader, &found.content)?,
            b"moof" => {
                has_fragments = true;
                if let Some(track) = &track {
                    fragments = fragments.saturating_add(track.fragment(reader, found.at, &found.content, size)?);
                }
            }
            _ => {}
        }
        is_cut |= found.is_cut;
        at = found.content.end;
    }
    let Some(track) = track else { return Ok(Measured::default()) };
    let duration_ms = if has_fragments {
        let units = track.first_samples.saturating_add(fragments).saturating_sub(track.starts_at);
        milliseconds(units, track.timescale)
    } else {
        let played = track.played_ms();
        let whole = if is_cut { samples::whole_units(reader, &track.table, size)? } else { None };
        let whole = whole.and_then(|units| milliseconds(units.saturating_sub(track.starts_at), track.timescale));
        whole.map_or(played, |whole| Some(played.map_or(whole, |played| played.min(whole))))
    };
    Ok(Measured {
        container: None,
        codec: track.codec,
        duration_ms: duration_ms.filter(|ms| *ms > 0),
        channels: track.channels,
    })
}

#[derive(Debug, Default)]
struct AudioTrack {
    id: u32,
    /// Units of a second.
    timescale: u64,
    /// The length that the header of the media has, in units.
    media: u64,
    /// The length of the samples that the movie box lists, in units.
    first_samples: u64,
    /// The content of the box with the tables of samples (`stbl`).
    table: Range<u64>,
    /// Where the edit list begins to play, in units.
    starts_at: u64,
    /// The length of what the edit list plays, in milliseconds.
    edited_ms: Option<u64>,
    /// The duration and size that samples of fragments have unless it is written beside them.
    defaults: (u32, u32),
    codec: Option<&'static str>,
    channels: Option<u8>,
}

impl AudioTrack {
    /// The first audio track of a movie.
    fn read(reader: &mut (impl Read + Seek), movie: &Range<u64>) -> io::Result<Option<Self>> {
        let movie_scale = {
            let header = bytes_of(reader, movie, &[b"mvhd"])?;
            be32(&header, if header.first() == Some(&1) { 20 } else { 12 }).unwrap_or(0)
        };
        for trak in children(reader, movie, *b"trak")? {
            let handler = bytes_of(reader, &trak, &[b"mdia", b"hdlr"])?;
            if handler.get(8..12) != Some(b"soun") {
                continue;
            }
            let mut track = Self::default();
            let header = bytes_of(reader, &trak, &[b"tkhd"])?;
            track.id = be32(&header, if header.first() == Some(&1) { 20 } else { 12 }).unwrap_or(0);
            let header = bytes_of(reader, &trak, &[b"mdia", b"mdhd"])?;
            (track.timescale, track.media) = if header.first() == Some(&1) {
                (be32(&header, 20).unwrap_or(0).into(), be64(&header, 24).unwrap_or(0))
            } else {
                (be32(&header, 12).unwrap_or(0).into(), be32(&header, 16).unwrap_or(0).into())
            };
            let table = inner(reader, &trak, &[b"mdia", b"minf", b"stbl"])?.unwrap_or_default();
            track.first_samples = listed(&bytes_of(reader, &table, &[b"stts"])?);
            let entry = bytes_of(reader, &table, &[b"stsd"])?;
            (track.codec, track.channels) = coding(entry.get(8..).unwrap_or_default());
            track.table = table;
            track.edits(&bytes_of(reader, &trak, &[b"edts", b"elst"])?, movie_scale);
            for range in inner(reader, movie, &[b"mvex"])?.into_iter().collect::<Vec<_>>() {
                for extends in children(reader, &range, *b"trex")? {
                    let extends = bytes_at(reader, extends.start, 24)?;
                    if be32(&extends, 4) == Some(track.id) {
                        track.defaults = (be32(&extends, 12).unwrap_or(0), be32(&extends, 16).unwrap_or(0));
                    }
                }
            }
            return Ok(Some(track));
        }
        Ok(None)
    }

    fn edits(&mut self, list: &[u8], movie_scale: u32) {
        let is_long = list.first() == Some(&1);
        let entries = list.get(8..).unwrap_or_default().chunks_exact(if is_long { 20 } else { 12 });
        let edits = entries.filter_map(|entry| {
            if is_long {
                Some((be64(entry, 0)?, u64::try_from(be64(entry, 8)?.cast_signed()).ok()?))
            } else {
                Some((be32(entry, 0)?.into(), u64::try_from(be32(entry, 4)?.cast_signed()).ok()?))
            }
        });
        // Edits with a negative start are silence.
        let edits: Vec<(u64, u64)> = edits.collect();
        self.starts_at = edits.first().map_or(0, |(_, start)| *start);
        let length = edits.iter().fold(0_u64, |sum, (length, _)| sum.saturating_add(*length));
        self.edited_ms = milliseconds(length, movie_scale.into()).filter(|ms| *ms > 0);
    }

    /// The length of a file without fragments.
    fn played_ms(&self) -> Option<u64> {
        let media = if self.media == 0 || self.media == u64::from(u32::MAX) { self.first_samples } else { self.media };
        let whole = milliseconds(media.saturating_sub(self.starts_at), self.timescale)?;
        Some(self.edited_ms.map_or(whole, |edited| edited.min(whole)))
    }

    /// The length of the samples of a fragment that are whole in the file, in units.
    fn fragment(&self, reader: &mut (impl Read + Seek), at: u64, moof: &Range<u64>, size: u64) -> io::Result<u64> {
        let mut units = 0_u64;
        for traf in children(reader, moof, *b"traf")? {
            let header = bytes_of(reader, &traf, &[b"tfhd"])?;
            if be32(&header, 4) != Some(self.id) {
                continue;
            }
            let flags = be32(&header, 0).unwrap_or(0);
            let (mut field, mut base, (mut duration, mut length)) = (8_usize, at, self.defaults);
            if flags & 0x1 != 0 {
                base = be64(&header, field).unwrap_or(at);
                field += 8;
            }
            if flags & 0x2 != 0 {
                field += 4;
            }
            if flags & 0x8 != 0 {
                duration = be32(&header, field).unwrap_or(0);
                field += 4;
            }
            if flags & 0x10 != 0 {
                length = be32(&header, field).unwrap_or(0);
            }
            let mut next = base;
            for run in children(reader, &traf, *b"trun")? {
                let run = bytes_at(reader, run.start, run.end.saturating_sub(run.start).min(MOST_BYTES))?;
                units = units.saturating_add(run_units(&run, base, &mut next, (duration, length), size));
            }
        }
        Ok(units)
    }
}

/// The length of a run of samples (`trun`), without those beyond the end of the file. `next` is where the samples begin
/// unless the run says it, and then where they end.
fn run_units(run: &[u8], base: u64, next: &mut u64, defaults: (u32, u32), size: u64) -> u64 {
    let (Some(flags), Some(count)) = (be32(run, 0), be32(run, 4)) else { return 0 };
    let mut field = 8_usize;
    if flags & 0x1 != 0 {
        let offset = be32(run, field).unwrap_or(0).cast_signed();
        *next = base.saturating_add_signed(offset.into());
        field += 4;
    }
    if flags & 0x4 != 0 {
        field += 4;
    }
    let has = |flag: u32| usize::from(flags & flag != 0) * 4;
    let width = has(0x100) + has(0x200) + has(0x400) + has(0x800);
    if width == 0 {
        let (duration, length) = (u64::from(defaults.0), u64::from(defaults.1));
        let room = size.saturating_sub(*next).checked_div(length).unwrap_or(u64::MAX);
        let whole = u64::from(count).min(room);
        *next = next.saturating_add(length.saturating_mul(count.into()));
        return whole.saturating_mul(duration);
    }
    let mut units = 0_u64;
    let samples = run.get(field..).unwrap_or_default().chunks_exact(width);
    for sample in samples.take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let duration = if flags & 0x100 != 0 { be32(sample, 0).unwrap_or(0) } else { defaults.0 };
        let length = if flags & 0x200 != 0 { be32(sample, has(0x100)).unwrap_or(0) } else { defaults.1 };
        *next = next.saturating_add(length.into());
        if *next > size {
            break;
        }
        units = units.saturating_add(duration.into());
    }
    units
}

/// The length of the samples in a table of times (`stts`).
fn listed(table: &[u8]) -> u64 {
    let count = usize::try_from(be32(table, 4).unwrap_or(0)).unwrap_or(0);
    let entries = table.get(8..).unwrap_or_default().chunks_exact(8).take(count);
    entries.fold(0_u64, |sum, entry| {
        let (count, each) = (u64::from(be32(entry, 0).unwrap_or(0)), u64::from(be32(entry, 4).unwrap_or(0)));
        sum.saturating_add(count.saturating_mul(each))
    })
}

/// Codec and channels of a sample entry.
fn coding(entry: &[u8]) -> (Option<&'static str>, Option<u8>) {
    let Some(kind) = super::array::<4>(entry, 4) else { return (None, None) };
    // The entry's own number of channels; many writers put 2 whatever the stream has.
    let written = be16(entry, 24).and_then(|channels| u8::try_from(channels).ok());
    let after = |name: &[u8; 4]| {
        let at = entry.windows(4).position(|word| word == name)?;
        entry.get(at.checked_add(4)?..)
    };
    match &kind {
        b"mp4a" | b"enca" => after(b"esds").map_or((Some("aac"), written), |esds| described(esds, written)),
        b"alac" => (Some("alac"), written),
        b"fLaC" => (Some("flac"), written),
        b"Opus" => (Some("opus"), after(b"dOps").and_then(|opus| opus.get(1).copied()).or(written)),
        b"ac-3" | b"sac3" => (Some("ac3"), after(b"dac3").and_then(|dac3| ac3_channels(dac3, 0)).or(written)),
        b"ec-3" => (Some("eac3"), after(b"dec3").and_then(|dec3| ac3_channels(dec3, 16)).or(written)),
        b"ac-4" => (Some("ac4"), written),
        b".mp3" | b"ms\0\x55" => (Some("mp3"), written),
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" | b"dtsx" => (Some("dts"), written),
        b"samr" | b"sawb" => (Some("amr"), written),
        b"alaw" => (Some("alaw"), written),
        b"ulaw" => (Some("mulaw"), written),
        b"ipcm" | b"fpcm" | b"lpcm" | b"sowt" | b"twos" | b"in24" | b"in32" | b"fl32" | b"fl64" | b"raw " => {
            (Some("pcm"), written)
        }
        b"ima4" | b"ms\0\x02" | b"ms\0\x11" => (Some("adpcm"), written),
        b"mha1" | b"mhm1" => (Some("mpegh"), written),
        _ => (Some("unknown"), written),
    }
}

/// Codec and channels that an elementary stream descriptor has.
fn described(esds: &[u8], written: Option<u8>) -> (Option<&'static str>, Option<u8>) {
    let Some((kind, config)) = decoder_config(esds.get(4..).unwrap_or_default()) else { return (Some("aac"), written) };
    let codec = match kind {
        0x69 | 0x6b => "mp3",
        0xa5 => "ac3",
        0xa6 => "eac3",
        0xa9..=0xac => "dts",
        0xad => "opus",
        0xdd => "vorbis",
        _ => "aac",
    };
    let channels = if codec == "aac" { aac_channels(config) } else { None };
    (Some(codec), channels.or(written))
}

/// The object type of a decoder and its own configuration.
fn decoder_config(descriptors: &[u8]) -> Option<(u8, &[u8])> {
    let stream = content_of(descriptors, 0x03)?;
    let flags = *stream.get(2)?;
    let mut rest = stream.get(3..)?;
    if flags & 0x80 != 0 {
        rest = rest.get(2..)?;
    }
    if flags & 0x40 != 0 {
        rest = rest.get(usize::from(*rest.first()?).checked_add(1)?..)?;
    }
    if flags & 0x20 != 0 {
        rest = rest.get(2..)?;
    }
    let decoder = content_of(rest, 0x04)?;
    Some((*decoder.first()?, decoder.get(13..).and_then(|rest| content_of(rest, 0x05)).unwrap_or_default()))
}

/// The content of a descriptor with this tag; its length has seven bits a byte.
fn content_of(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(&[tag])?;
    let mut length = 0_usize;
    for _ in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length = (length << 7) | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(rest.get(..length).unwrap_or(rest))
}

/// The channels of an `AudioSpecificConfig`; `None` when they are in another element.
fn aac_channels(config: &[u8]) -> Option<u8> {
    let mut bits = config.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
    let mut take = |count: usize| bits.by_ref().take(count).fold(0, |value, bit| value << 1 | bit);
    if config.len() < 2 {
        return None;
    }
    if take(5) == 31 {
        take(6);
    }
    if take(4) == 15 {
        take(24);
    }
    channels_of(take(4))
}

/// The channels of a channel configuration of AAC (ISO/IEC 14496-3, table 1.19).
pub(super) fn channels_of(configuration: u32) -> Option<u8> {
    match configuration {
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        configuration @ 1..=6 => u8::try_from(configuration).ok(),
        _ => None,
    }
}

/// The channels of AC-3: `acmod` and `lfeon` come after the first 10 bits of `dac3`, and after `skip` and 11 bits of
/// `dec3`.
fn ac3_channels(config: &[u8], skip: usize) -> Option<u8> {
    let bit = |at: usize| config.get(at / 8).map(|byte| byte >> (7 - at % 8) & 1);
    // dac3: fscod 2, bsid 5, bsmod 3, acmod 3, lfeon 1. dec3: data_rate 13, num_ind_sub 3, fscod 2, bsid 5, reserved 1,
    // asvc 1, bsmod 3, acmod 3, lfeon 1.
    let at = if skip == 0 { 10 } else { skip + 12 };
    let mode = bit(at)? << 2 | bit(at + 1)? << 1 | bit(at + 2)?;
    let full = [2, 1, 2, 3, 3, 4, 4, 5].get(usize::from(mode)).copied()?;
    Some(full + bit(at + 3)?)
}
