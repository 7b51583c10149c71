//! Bearer tokens: `segue1.` and, in base64url, user, login, expiry (8 bytes each, big-endian, seconds) and signature.

use super::key::{Key, MAC_BYTES};
use crate::values::login::LoginId;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_client::protocol::ids::{Micros, UserId};
use std::fmt;

const PREFIX: &str = "segue1.";
const PURPOSE: &str = "token";
const CLAIM_BYTES: usize = 24;

/// The content of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// The user.
    pub user: UserId,
    /// The log-in for which it was made.
    pub login: LoginId,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_s: u64,
}

/// Why a token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// It is no token, or was not signed with our key.
    Forged,
    /// Its expiry has passed.
    Expired,
    /// Its login was revoked.
    Revoked,
    /// It is an API key that is not known, or no longer.
    NoKey,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "the token is not valid: log in again",
            Self::Expired => "the login has expired: log in again",
            Self::Revoked => "this login was revoked: log in again",
            Self::NoKey => "the API key is not valid: it may have been removed; make another one",
        })
    }
}

impl std::error::Error for TokenError {}

impl Claims {
    /// An expiry that is never reached: the end of the year 9999.
    pub const NEVER_S: u64 = 253_402_300_799;

    /// The signed token with these claims.
    #[must_use]
    pub fn sign(&self, key: &Key) -> String {
        let claims = self.to_bytes();
        let bytes = [&claims[..], &key.sign(PURPOSE, &claims)[..]].concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The claims of a token with a valid signature that has not expired at `now`. Does not check whether its login was
    /// revoked; [`super::Auth::check`] does.
    ///
    /// # Errors
    /// `Forged` or `Expired`.
    pub fn read(key: &Key, token: &str, now: Micros) -> Result<Self, TokenError> {
        let text = token.strip_prefix(PREFIX).ok_or(TokenError::Forged)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Forged)?;
        let (claims, signature) = bytes.split_first_chunk::<CLAIM_BYTES>().ok_or(TokenError::Forged)?;
        if signature.len() != MAC_BYTES || !key.is_signed(PURPOSE, claims, signature) {
            return Err(TokenError::Forged);
        }
        let claims = Self::from_bytes(*claims);
        if claims.expires().0 <= now.0 { Err(TokenError::Expired) } else { Ok(claims) }
    }

    /// When it expires.
    #[must_use]
    pub fn expires(&self) -> Micros {
        Micros(i64::try_from(self.expires_s).unwrap_or(i64::MAX).saturating_mul(1_000_000))
    }

    fn to_bytes(self) -> [u8; CLAIM_BYTES] {
        let mut bytes = [0; CLAIM_BYTES];
        for (place, number) in bytes.chunks_exact_mut(8).zip([self.user.0, self.login.0, self.expires_s]) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: [u8; CLAIM_BYTES]) -> Self {
        let mut numbers = [0; 3];
        for (number, place) in numbers.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *number = u64::from_be_bytes(*place);
        }
        let [user, login, expires_s] = numbers;
        Self { user: UserId(user), login: LoginId(login), expires_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLAIMS: Claims = Claims { user: UserId(1), login: LoginId(u64::MAX), expires_s: 100 };

    #[test]
    fn a_token_is_valid_with_its_key_until_it_expires() {
        let key = Key::random();
        let token = CLAIMS.sign(&key);
        assert_eq!(Claims::read(&key, &token, Micros(99_999_999)), Ok(CLAIMS));
        assert_eq!(Claims::read(&key, &token, Micros(100_000_000)), Err(TokenError::Expired));
        assert_eq!(Claims::read(&Key::random(), &token, Micros(0)), Err(TokenError::Forged));
    }

    proptest! {
        #[test]
        fn a_changed_token_is_not_valid(at in 0_usize..82, with in "[ -~]") {
            let key = Key::random();
            let mut token = CLAIMS.sign(&key);
            prop_assume!(at < token.len() && token[at..=at] != with);
            token.replace_range(at..=at, &with);
            prop_assert_eq!(Claims::read(&key, &token, Micros(0)), Err(TokenError::Forged));
        }

        #[test]
        fn any_other_text_is_not_valid(token in "\\PC*") {
            prop_assert_eq!(Claims::read(&Key::random(), &token, Micros(0)), Err(TokenError::Forged));
        }
    }
}
