//! Names of blocks.

use std::{fmt, ops::Range};

/// The size of a block; the last one of an object may be shorter.
pub const BLOCK_BYTES: u64 = 256 * 1024;

/// A block of the bytes that a version names. Its text, `VERSION.NUMBER`, is the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockName {
    /// The version; its text has 32 hexadecimal digits.
    pub version: u128,
    /// Which block, from 0 on.
    pub number: u32,
}

impl BlockName {
    /// The block with the byte at `at`.
    pub(super) fn at(version: u128, at: u64) -> Self {
        Self { version, number: u32::try_from(at / BLOCK_BYTES).unwrap_or(u32::MAX) }
    }

    /// Its bytes in an object of this length; empty behind its end.
    pub(super) fn range(self, length: u64) -> Range<u64> {
        let first = u64::from(self.number).saturating_mul(BLOCK_BYTES).min(length);
        first..first.saturating_add(BLOCK_BYTES).min(length)
    }

    /// Reads a text as it is written.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (version, number) = text.split_once('.')?;
        let name = Self { version: u128::from_str_radix(version, 16).ok()?, number: number.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}.{}", self.version, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_nothing_else_is_one() {
        let name = BlockName { version: 0xab, number: 12 };
        assert_eq!(BlockName::read(&name.to_string()), Some(name));
        for other in ["", "ab.12", "000000000000000000000000000000AB.12", "000000000000000000000000000000ab.012"] {
            assert_eq!(BlockName::read(other), None, "{other}");
        }
    }

    #[test]
    fn the_last_block_is_short_and_no_byte_lies_behind_it() {
        let block = |at| BlockName::at(1, at);
        let length = 2 * BLOCK_BYTES + 5;
        assert_eq!(block(0).range(length), 0..BLOCK_BYTES);
        assert_eq!(block(BLOCK_BYTES - 1), block(0));
        assert_eq!(block(length - 1).range(length), 2 * BLOCK_BYTES..length);
        assert!(block(3 * BLOCK_BYTES).range(length).is_empty());
    }
}
