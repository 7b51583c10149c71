//! A reader with a time limit: a parser that loops over a broken file gets an error.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    time::{Duration, Instant},
};

/// The most reads and seeks. No valid file needs as many; an endless loop reaches them in about a second.
const MAX_CALLS: u64 = 20_000_000;
/// The clock is read once in this many calls.
const CLOCK_EVERY: u64 = 256;

/// What is said of a reader that took too long.
pub(super) const TOO_LONG: &str = "reading the tags took too long";

/// Wraps a reader; every call fails after the time limit or [`MAX_CALLS`].
pub(super) struct Patient<R> {
    inner: R,
    ends_at: Instant,
    calls: u64,
}

impl<R> Patient<R> {
    /// Allows reading `inner` for `limit` from now.
    pub(super) fn new(inner: R, limit: Duration) -> Self {
        let now = Instant::now();
        Self { inner, ends_at: now.checked_add(limit).unwrap_or(now), calls: 0 }
    }

    fn spend(&mut self) -> io::Result<()> {
        self.calls = self.calls.saturating_add(1);
        let late = self.calls.is_multiple_of(CLOCK_EVERY) && Instant::now() > self.ends_at;
        if late || self.calls > MAX_CALLS {
            // Not `TimedOut` or `Interrupted`: `read_to_end` and similar functions retry some kinds.
            return Err(io::Error::other(TOO_LONG));
        }
        Ok(())
    }
}

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.spend()?;
        self.inner.read(buf)
    }
}

impl<R: BufRead> BufRead for Patient<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.spend()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

impl<R: Seek> Seek for Patient<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.spend()?;
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_loop_gets_an_error() {
        let mut reader = Patient::new(io::repeat(0), Duration::ZERO);
        let mut byte = [0];
        let error = std::iter::repeat_with(|| reader.read(&mut byte)).find_map(Result::err).expect("the loop ended");
        assert!(error.to_string().contains("too long"));
    }
}
