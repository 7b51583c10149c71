//! The boxes of MP4 (ISO/IEC 14496-12, section 4.2).

use super::{array, be32, be64, bytes_at};
use std::{
    io::{self, Read, Seek},
    ops::Range,
};

/// The most boxes of a file, and of one box.
pub(super) const MOST_BOXES: usize = 1_000_000;
/// Larger boxes are not read into memory.
pub(super) const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A box: its offset, kind and content, which ends within the outer one.
pub(super) struct FoundBox {
    pub(super) at: u64,
    pub(super) kind: [u8; 4],
    pub(super) content: Range<u64>,
    /// The outer one ends before it does.
    pub(super) is_cut: bool,
}

/// The box at an offset; `None` at the end or when there is none.
pub(super) fn next_box(reader: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Option<FoundBox>> {
    if at.saturating_add(8) > end {
        return Ok(None);
    }
    let head = bytes_at(reader, at, 16)?;
    let (Some(size), Some(kind)) = (be32(&head, 0), array::<4>(&head, 4)) else { return Ok(None) };
    let (header, size) = match size {
        0 => (8, end.saturating_sub(at)),
        1 => (16, be64(&head, 8).unwrap_or(0)),
        size => (8, u64::from(size)),
    };
    if size < header {
        return Ok(None);
    }
    let stated = at.saturating_add(size);
    let content = at.saturating_add(header)..stated.min(end);
    Ok((content.start <= content.end).then_some(FoundBox { at, kind, content, is_cut: stated > end }))
}

/// The contents of all boxes of a kind within another.
pub(super) fn children(
    reader: &mut (impl Read + Seek),
    within: &Range<u64>,
    kind: [u8; 4],
) -> io::Result<Vec<Range<u64>>> {
    let (mut all, mut at) = (Vec::new(), within.start);
    for _ in 0..MOST_BOXES {
        let Some(found) = next_box(reader, at, within.end)? else { break };
        if found.kind == kind {
            all.push(found.content.clone());
        }
        at = found.content.end;
    }
    Ok(all)
}

/// The content of the box at a path of kinds; `None` without one.
pub(super) fn inner(
    reader: &mut (impl Read + Seek),
    within: &Range<u64>,
    path: &[&[u8; 4]],
) -> io::Result<Option<Range<u64>>> {
    let mut range = within.clone();
    for kind in path {
        let Some(found) = children(reader, &range, **kind)?.into_iter().next() else { return Ok(None) };
        range = found;
    }
    Ok(Some(range))
}

/// The bytes of that box; empty without one, or when it is too large.
pub(super) fn bytes_of(reader: &mut (impl Read + Seek), within: &Range<u64>, path: &[&[u8; 4]]) -> io::Result<Vec<u8>> {
    match inner(reader, within, path)? {
        Some(range) if range.end.saturating_sub(range.start) <= MOST_BYTES => {
            bytes_at(reader, range.start, range.end.saturating_sub(range.start))
        }
        _ => Ok(Vec::new()),
    }
}
