//! Random access to the bytes of a file, and a part of a file as a file of its own.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    ops::Range,
};

/// How many bytes are read at once, at least.
const BLOCK: usize = 16 * 1024;

/// Reads bytes by their offset. At the end of the file fewer bytes than wanted are returned.
pub(super) struct FileBytes<R> {
    reader: R,
    len: u64,
    /// The offset of `block`.
    at: u64,
    block: Vec<u8>,
}

impl<R: Read + Seek> FileBytes<R> {
    /// # Errors
    /// Those of seeking.
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let len = reader.seek(SeekFrom::End(0))?;
        Ok(Self { reader, len, at: 0, block: Vec::new() })
    }

    /// The length of the file.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// `len` bytes at `at`; fewer at the end of the file.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn get(&mut self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.len.saturating_sub(at)).map_or(len, |left| len.min(left));
        if len > BLOCK {
            return self.load(at, len);
        }
        let within = |bytes: &Self| {
            let start = usize::try_from(at.checked_sub(bytes.at)?).ok()?;
            bytes.block.get(start..start.checked_add(len)?).map(<[u8]>::to_vec)
        };
        if let Some(found) = within(self) {
            return Ok(found);
        }
        self.block = self.load(at, BLOCK)?;
        self.at = at;
        Ok(self.block.iter().take(len).copied().collect())
    }

    fn load(&mut self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        self.reader.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::with_capacity(len);
        self.reader.by_ref().take(u64::try_from(len).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// `N` bytes at `at`; `None` when the file ends before.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn array<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.get(at, N)?.first_chunk::<N>().copied())
    }

    /// `N` groups of four bytes at `at`; `None` when the file ends before.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn fours<const N: usize>(&mut self, at: u64) -> io::Result<Option<[[u8; 4]; N]>> {
        let bytes = self.get(at, N.saturating_mul(4))?;
        Ok(bytes.as_chunks::<4>().0.first_chunk::<N>().copied())
    }

    /// Whether these bytes are at `at`.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn has(&mut self, at: u64, wanted: &[u8]) -> io::Result<bool> {
        Ok(self.get(at, wanted.len())? == wanted)
    }
}

/// A part of a file, read as if it were the whole.
pub(super) struct Window<R> {
    inner: R,
    part: Range<u64>,
    /// The offset in the whole file.
    at: u64,
}

impl<R: Read + Seek> Window<R> {
    /// # Errors
    /// Those of seeking.
    pub(super) fn new(mut inner: R, part: Range<u64>) -> io::Result<Self> {
        inner.seek(SeekFrom::Start(part.start))?;
        Ok(Self { inner, at: part.start, part })
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.part.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let len = buf.len().min(left);
        let Some(buf) = buf.get_mut(..len).filter(|buf| !buf.is_empty()) else { return Ok(0) };
        let count = self.inner.read(buf)?;
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Window<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.part.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let buf = self.inner.fill_buf()?;
        Ok(buf.get(..left).unwrap_or(buf))
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.at = self.at.saturating_add(u64::try_from(amount).unwrap_or(0));
    }
}

impl<R: Seek> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Range { start, end } = self.part;
        let to = match to {
            SeekFrom::Start(offset) => start.checked_add(offset),
            SeekFrom::End(offset) => end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let Some(to) = to.filter(|to| *to >= start) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a seek to before the start"));
        };
        self.at = self.inner.seek(SeekFrom::Start(to))?;
        Ok(self.at.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn numbers(count: u32) -> Vec<u8> {
        (0..count).map(|number| u8::try_from(number % 251).unwrap()).collect()
    }

    #[test]
    fn bytes_are_found_by_their_offset_and_end_with_the_file() {
        let all = numbers(50_000);
        let mut bytes = FileBytes::new(Cursor::new(all.clone())).unwrap();
        for (at, len) in [(0, 10), (5, 10), (16_380, 10), (40_000, 10), (3, 30_000), (49_995, 10), (60_000, 10)] {
            let expected: Vec<u8> = all.iter().skip(at).take(len).copied().collect();
            assert_eq!(bytes.get(u64::try_from(at).unwrap(), len).unwrap(), expected, "{len} at {at}");
        }
        assert_eq!(bytes.array::<2>(49_999).unwrap(), None);
        assert!(bytes.get(u64::MAX, 4).unwrap().is_empty());
    }

    #[test]
    fn a_window_shows_no_byte_outside_it() {
        let mut window = Window::new(Cursor::new(numbers(100)), 10..20).unwrap();
        let mut text = Vec::new();
        window.read_to_end(&mut text).unwrap();
        assert_eq!(text, (10..20).collect::<Vec<u8>>());
        assert_eq!(window.seek(SeekFrom::End(-3)).unwrap(), 7);
        let mut byte = [0];
        window.read_exact(&mut byte).unwrap();
        assert_eq!((byte, window.stream_position().unwrap()), ([17], 8));
        assert!(window.seek(SeekFrom::Current(-9)).is_err());
    }
}
