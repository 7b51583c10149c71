//! A secret that is shared with a CDN.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// The fewest characters of a secret.
const FEWEST: usize = 16;
/// The most characters of a secret.
const MOST: usize = 256;

/// A text that this server and a CDN know. Its `Debug` output does not contain it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Reads what a file holds: one line, and nothing that a header field or a line of nginx' settings would change.
    ///
    /// # Errors
    /// What is wrong with it; completes the sentence "it …".
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim_ascii();
        let is_character = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if !text.bytes().all(|byte| is_character(byte) && !b"\"'\\$".contains(&byte)) {
            return Err("has to be one line of ASCII characters without quotes, $ and \\".to_owned());
        }
        match text.len() {
            FEWEST..=MOST => Ok(Self(text.to_owned())),
            length => Err(format!("has to have from {FEWEST} to {MOST} characters, not {length}")),
        }
    }

    /// The text as bytes.
    pub(super) const fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it is `text`. The time that this takes says nothing of the secret: hashes are compared.
    pub(super) fn is(&self, text: &[u8]) -> bool {
        Sha256::digest(self.bytes()) == Sha256::digest(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_of_some_length() {
        assert_eq!(Secret::read(" 0123456789abcdef\n"), Secret::read("0123456789abcdef"));
        for (bad, why) in [
            ("", "not 0"),
            ("0123456789abcde", "not 15"),
            ("0123456789abcdef\n0123456789abcdef", "one line"),
            ("0123456789abcdef\"", "without quotes"),
            ("0123456789abcde$", "without quotes"),
            ("0123456789abcdé", "ASCII"),
            (&"x".repeat(257), "not 257"),
        ] {
            assert!(Secret::read(bad).expect_err(bad).contains(why), "{bad}");
        }
        assert_eq!(format!("{:?}", Secret::read("0123456789abcdef")), "Ok(Secret(…))");
    }
}
