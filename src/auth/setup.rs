//! The one-time right to make the first account: a secret shown on the console, good until used or until the next start.

use super::key::Key;
use std::sync::{Mutex, PoisonError};

/// The secret, if one was shown and not used.
#[derive(Debug, Default)]
pub struct Setup {
    secret: Mutex<Option<String>>,
}

impl Setup {
    /// Makes a new secret, in place of an older one.
    pub fn open(&self) -> String {
        let secret = format!("{:032x}", rand::random::<u128>());
        *self.secret.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret.clone());
        secret
    }

    /// Whether this is the secret.
    #[must_use]
    pub fn is_open_to(&self, secret: &str) -> bool {
        let right = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        // Both are signed with a random key first, so that the time of comparing says nothing.
        let key = Key::random();
        right
            .as_ref()
            .is_some_and(|right| key.is_signed("setup", secret.as_bytes(), &key.sign("setup", right.as_bytes())))
    }

    /// Ends the right.
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
