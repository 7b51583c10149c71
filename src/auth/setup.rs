//! The one-time secret for making the first account: printed on the console, valid until used or until the next start.

use super::key::Key;
use std::sync::{Mutex, PoisonError};

/// The secret, if one was printed and not used.
#[derive(Debug, Default)]
pub struct Setup {
    secret: Mutex<Option<String>>,
}

impl Setup {
    /// Makes a new secret, which replaces an older one.
    pub fn open(&self) -> String {
        let secret = format!("{:032x}", rand::random::<u128>());
        *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret.clone());
        secret
    }

    /// Whether this is the secret.
    #[must_use]
    pub fn is_open_to(&self, secret: &str) -> bool {
        let right = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        // Signatures of both with a random key are compared, so that the time does not depend on the secret.
        let key = Key::random();
        right
            .as_ref()
            .is_some_and(|right| key.is_signed("setup", secret.as_bytes(), &key.sign("setup", right.as_bytes())))
    }

    /// Makes the secret invalid.
    pub fn close(&self) {
        *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_secret_opens_and_only_until_closed() {
        let setup = Setup::default();
        assert!(!setup.is_open_to(""));
        let (old, new) = (setup.open(), setup.open());
        assert!(setup.is_open_to(&new) && !setup.is_open_to(&old) && !setup.is_open_to(""));
        setup.close();
        assert!(!setup.is_open_to(&new));
    }
}
