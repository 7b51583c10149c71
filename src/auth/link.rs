//! Signed links, for `<audio>` and `<img>`, which cannot send a token. A link is valid for one object until its expiry.

use super::Key;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_client::protocol::ids::Micros;
use std::fmt;

/// Why a link is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// The signature was not made with our key for this object and expiry.
    Forged,
    /// Its expiry has passed.
    Expired,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "the link is not valid: request a new one",
            Self::Expired => "the link has expired: request a new one",
        })
    }
}

impl std::error::Error for LinkError {}

impl Key {
    /// The signature of a link to the object `id` of this `kind`, valid until `expires_s` (seconds since the Unix
    /// epoch). It is base64url text, so it needs no escaping in a query.
    #[must_use]
    pub fn sign_link(&self, kind: &str, id: &str, expires_s: u64) -> String {
        URL_SAFE_NO_PAD.encode(self.sign("link", &message(kind, id, expires_s)))
    }

    /// Checks that [`Key::sign_link`] made this signature for this object and that it has not expired.
    ///
    /// # Errors
    /// Why the link is not valid.
    pub fn verify_link(
        &self,
        kind: &str,
        id: &str,
        expires_s: u64,
        signature: &str,
        now: Micros,
    ) -> Result<(), LinkError> {
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkError::Forged)?;
        if !self.is_signed("link", &message(kind, id, expires_s), &signature) {
            return Err(LinkError::Forged);
        }
        let now_s = u64::try_from(now.0.div_euclid(1_000_000)).unwrap_or(0);
        if now_s >= expires_s { Err(LinkError::Expired) } else { Ok(()) }
    }
}

/// The signed message: kind and id with their lengths, so that two different links never have the same message.
fn message(kind: &str, id: &str, expires_s: u64) -> Vec<u8> {
    format!("{}:{kind}{}:{id}{expires_s}", kind.len(), id.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_valid_for_one_object_until_its_expiry() {
        let key = Key::random();
        let signature = key.sign_link("track", "ab", 100);
        let check =
            |kind: &str, id: &str, expires_s, now| key.verify_link(kind, id, expires_s, &signature, Micros(now));
        assert_eq!(check("track", "ab", 100, 99_999_999), Ok(()));
        assert_eq!(check("track", "ab", 100, 100_000_000), Err(LinkError::Expired));
        for (kind, id, expires_s) in
            [("track", "ac", 100), ("cover", "ab", 100), ("tracka", "b", 100), ("track", "ab", 101)]
        {
            assert_eq!(check(kind, id, expires_s, 0), Err(LinkError::Forged), "{kind} {id} {expires_s}");
        }
        for signature in ["", "é", &signature[1..], &format!("{signature}A")] {
            assert_eq!(key.verify_link("track", "ab", 100, signature, Micros(0)), Err(LinkError::Forged));
        }
    }

    #[test]
    fn a_link_signature_is_not_a_token_signature() {
        let key = Key::random();
        assert_ne!(key.sign("link", b"x"), key.sign("token", b"x"));
    }
}
