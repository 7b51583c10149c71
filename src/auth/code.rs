//! Codes for logging in on another device: short enough to be typed, long enough not to be guessed while they are
//! valid.

use super::key::Key;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{fmt, str::FromStr};

/// Crockford's base 32 (crockford.com/base32.html): without the letters that look like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: usize = 8;

/// A code of 40 random bits: eight letters and digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LoginCode([u8; LETTERS]);

impl LoginCode {
    /// How long a code is valid, in seconds.
    pub const LIFETIME_S: u64 = 300;

    /// A new code.
    #[must_use]
    pub fn random() -> Self {
        let random: [u8; LETTERS] = rand::random();
        Self(random.map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0')))
    }

    /// The signature that the database stores instead of the code. Finding the row of a code needs the key.
    #[must_use]
    pub fn signed(&self, key: &Key) -> String {
        URL_SAFE_NO_PAD.encode(key.sign("login code", &self.0))
    }
}

impl fmt::Display for LoginCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in self.0.iter().enumerate() {
            let hyphen = if index == LETTERS / 2 { "-" } else { "" };
            write!(f, "{hyphen}{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// The text is not a code: it does not have eight letters and digits of the alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCode;

impl FromStr for LoginCode {
    type Err = BadCode;

    /// Parses a typed code. Case, spaces and hyphens are ignored; `O` is read as 0, `I` and `L` as 1.
    fn from_str(text: &str) -> Result<Self, BadCode> {
        let letters = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let read = letters.map(|byte| match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        });
        let code: Vec<u8> = read.take(LETTERS + 1).collect();
        let is_known = code.iter().all(|letter| ALPHABET.contains(letter));
        code.try_into().ok().filter(|_| is_known).map(Self).ok_or(BadCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_in_every_spelling() {
        let code = LoginCode(*b"01ABCDEZ");
        assert_eq!(code.to_string(), "01AB-CDEZ");
        for typed in ["01AB-CDEZ", "01abcdez", " oiab cdez ", "OLAB--CDEZ"] {
            assert!(typed.parse() == Ok(code), "{typed}");
        }
        for wrong in ["", "01ABCDE", "01ABCDEZZ", "01ABCDEU", "01ABCDÉ", "0123456\u{0}"] {
            assert!(wrong.parse::<LoginCode>() == Err(BadCode), "{wrong}");
        }
        let one = LoginCode::random();
        assert!(one.to_string().parse() == Ok(one) && one != LoginCode::random());
    }

    #[test]
    fn the_signature_depends_on_the_key() {
        let code = LoginCode::random();
        let key = Key::random();
        assert_eq!(code.signed(&key), code.signed(&key));
        assert_ne!(code.signed(&key), code.signed(&Key::random()));
    }
}
