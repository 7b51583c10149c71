//! Which texts are allowed as user names and as passwords.

use crate::values::user_name::USER_NAME_CHARS;
use std::ops::RangeInclusive;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The allowed length of a password in characters; the minimum is that of NIST SP 800-63B.
pub const PASSWORD_CHARS: RangeInclusive<usize> = 8..=256;

/// The name as it is stored: NFKC, without leading and trailing blanks.
///
/// # Errors
/// Why the name is not allowed.
pub fn checked_name(name: &str) -> Result<String, String> {
    let name: String = name.trim().nfkc().take(USER_NAME_CHARS + 1).collect();
    let allowed = |c: char| c.is_alphanumeric() || is_combining_mark(c) || ".-_@+'".contains(c);
    if name.is_empty() || name.chars().count() > USER_NAME_CHARS {
        return Err(format!("a user name has 1 to {USER_NAME_CHARS} characters"));
    }
    match name.chars().find(|&c| !allowed(c)) {
        Some(bad) => Err(format!("a user name has letters, digits and . - _ @ + ' but not {bad:?}")),
        None => Ok(name),
    }
}

/// The password as it is hashed: NFC, so that composed and decomposed characters give the same hash.
///
/// # Errors
/// Why the password is not allowed.
pub fn checked_password(password: &str) -> Result<String, String> {
    let password: String = password.nfc().take(PASSWORD_CHARS.end() + 1).collect();
    if !PASSWORD_CHARS.contains(&password.chars().count()) {
        return Err(format!("a password has {} to {} characters", PASSWORD_CHARS.start(), PASSWORD_CHARS.end()));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        assert_eq!(checked_name(" Jo\u{308}rg "), Ok("Jörg".to_owned()));
        for good in ["Ольга", "हिन्दी", "a@b.org", "o'neil", "李"] {
            assert!(checked_name(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a b", "a/b", "a\u{0}", "a\u{202e}b", &"x".repeat(65)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_have_a_length_and_are_normalised() {
        assert!(checked_password("1234567").is_err() && checked_password(&"x".repeat(257)).is_err());
        assert_eq!(checked_password("pa\u{0308}ssword"), checked_password("pässword"));
    }
}
