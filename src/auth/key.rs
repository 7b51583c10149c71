//! The secret that signs tokens and links: HMAC-SHA256 (RFC 2104).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// Bytes of a signature.
pub(super) const MAC_BYTES: usize = 32;

/// A secret of 64 random bytes, the block size of SHA-256. Its `Debug` output does not contain the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 64]);

impl Key {
    /// A new secret from the system's random generator.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The secret that [`Key::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The secret as text, to be stored in the database and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Signs a message. `purpose` is part of what is signed, so that a signature for one purpose is invalid for
    /// another.
    pub(super) fn sign(&self, purpose: &str, message: &[u8]) -> [u8; MAC_BYTES] {
        self.hmac(purpose, message).finalize().into_bytes().into()
    }

    /// Whether the signature is valid. The comparison takes constant time.
    pub(super) fn is_signed(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        self.hmac(purpose, message).verify_slice(signature).is_ok()
    }

    fn hmac(&self, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
        let mut hmac = Hmac::<Sha256>::new(&self.0.into());
        hmac.update(purpose.as_bytes());
        hmac.update(&[0]);
        hmac.update(message);
        hmac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
