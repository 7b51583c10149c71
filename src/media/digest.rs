//! The SHA-256 of a whole file, in the formats of the database and of HTTP.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fmt, str::FromStr};

/// A SHA-256; its text is 64 lower-case hex digits, as `sha256sum` prints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The value of `Repr-Digest` (RFC 9530, section 3).
    #[must_use]
    pub fn field(&self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The text is not a SHA-256, that is 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadDigest;

impl fmt::Display for BadDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SHA-256 is 64 lower-case hex digits")
    }
}

impl std::error::Error for BadDigest {}

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(BadDigest) };
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(BadDigest)
    }
}

/// The warning for a file whose SHA-256 is not the stored one. `confirmed`: the stored one is of this file, not of the
/// file it was copied from.
#[must_use]
pub fn what_is_wrong(confirmed: bool) -> &'static str {
    if confirmed {
        "its bytes have changed, although size, time and both ends have not: the disk may be damaged. It has a new version"
    } else {
        "its bytes differ from those before it was copied or touched, although size and both ends do not: \
         it may have been damaged by the copy"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of the empty text (FIPS 180-4 test vectors).
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn text_and_field_name_the_same_bytes() {
        let digest: Digest = EMPTY.parse().unwrap();
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(digest.field(), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    }

    #[test]
    fn other_texts_are_refused() {
        let shorter = &EMPTY[2..];
        for bad in ["", "e", &EMPTY.to_uppercase(), shorter, &format!("{EMPTY}00"), &format!("{shorter}g0"), "é"] {
            assert_eq!(bad.parse::<Digest>(), Err(BadDigest), "{bad}");
        }
    }
}
