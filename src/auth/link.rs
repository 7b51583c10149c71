//! Signed links, for `<audio>`, which cannot send a token. A link is valid for one object, until its expiry or until the
//! login ends that asked for it.

use super::Key;
use crate::values::login::LoginId;
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
    /// Its login was revoked.
    Revoked,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "the link is not valid: request a new one",
            Self::Expired => "the link has expired: request a new one",
            Self::Revoked => "the login of this link has ended: log in and request a new one",
        })
    }
}

impl std::error::Error for LinkError {}

/// For whom a link was made, and until when it is valid at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkClaims {
    /// The login that asked for it.
    pub login: LoginId,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_s: u64,
}

impl Key {
    /// The signature of a link with these claims to the object `id` of this `kind`. It is base64url text, so it needs no
    /// escaping in a query.
    #[must_use]
    pub fn sign_link(&self, kind: &str, id: &str, claims: LinkClaims) -> String {
        URL_SAFE_NO_PAD.encode(self.sign("link", &message(kind, id, claims)))
    }

    /// Checks that [`Key::sign_link`] made this signature for this object and that it has not expired. Does not check
    /// whether its login was revoked; [`super::Auth::check_link`] does.
    ///
    /// # Errors
    /// Why the link is not valid.
    pub fn verify_link(
        &self,
        kind: &str,
        id: &str,
        claims: LinkClaims,
        signature: &str,
        now: Micros,
    ) -> Result<(), LinkError> {
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkError::Forged)?;
        if !self.is_signed("link", &message(kind, id, claims), &signature) {
            return Err(LinkError::Forged);
        }
        if claims.has_expired(now) { Err(LinkError::Expired) } else { Ok(()) }
    }
}

impl LinkClaims {
    /// Whether their time is over.
    #[must_use]
    pub fn has_expired(self, now: Micros) -> bool {
        u64::try_from(now.0.div_euclid(1_000_000)).unwrap_or(0) >= self.expires_s
    }
}

/// The signed message: kind and id with their lengths and the login in 16 digits, so that two different links never have
/// the same message.
fn message(kind: &str, id: &str, LinkClaims { login, expires_s }: LinkClaims) -> Vec<u8> {
    format!("{}:{kind}{}:{id}{login}{expires_s}", kind.len(), id.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_valid_for_one_object_until_its_expiry() {
        let key = Key::random();
        let claims = |login, expires_s| LinkClaims { login: LoginId(login), expires_s };
        let good = claims(1, 100);
        let signature = key.sign_link("track", "ab", good);
        let check = |kind: &str, id: &str, claims, now| key.verify_link(kind, id, claims, &signature, Micros(now));
        assert_eq!(check("track", "ab", good, 99_999_999), Ok(()));
        assert_eq!(check("track", "ab", good, 100_000_000), Err(LinkError::Expired));
        for (kind, id, claims) in [
            ("track", "ac", good),
            ("cover", "ab", good),
            ("tracka", "b", good),
            ("track", "ab", claims(1, 101)),
            ("track", "ab", claims(2, 100)),
            ("track", "ab", claims(0x11, 0)),
        ] {
            assert_eq!(check(kind, id, claims, 0), Err(LinkError::Forged), "{kind} {id} {claims:?}");
        }
        for signature in ["", "é", &signature[1..], &format!("{signature}A")] {
            assert_eq!(key.verify_link("track", "ab", good, signature, Micros(0)), Err(LinkError::Forged));
        }
    }

    #[test]
    fn a_link_signature_is_not_a_token_signature() {
        let key = Key::random();
        assert_ne!(key.sign("link", b"x"), key.sign("token", b"x"));
    }
}
