//! The revoked logins whose tokens have not expired yet: a small set in memory, checked at each request.

use crate::values::login::{LoginId, Revocation};
use segue_client::protocol::ids::Micros;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};
use tokio::sync::watch;

/// The set of revoked logins; it holds at most those revoked within the lifetime of a token.
#[derive(Debug, Default)]
pub struct Revoked {
    inner: RwLock<Inner>,
    grown: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    expires: HashMap<LoginId, Micros>,
    newest: Option<Micros>,
}

impl Revoked {
    /// Whether the login was revoked.
    #[must_use]
    pub fn contains(&self, login: LoginId) -> bool {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).expires.contains_key(&login)
    }

    /// Adds revocations; those already in the set change nothing.
    pub fn add(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let has_grown = self.inner.write().unwrap_or_else(PoisonError::into_inner).add(revocations);
        if has_grown {
            self.grown.send_replace(());
        }
    }

    /// Replaces the set by these revocations.
    pub fn replace(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let mut fresh = Inner::default();
        fresh.add(revocations);
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        self.grown.send_replace(());
    }

    /// Marked as changed when a login was added to the set, or the set was replaced.
    #[must_use]
    pub fn grown(&self) -> watch::Receiver<()> {
        self.grown.subscribe()
    }

    /// The latest time of revocation in the set, also of those already removed as expired.
    #[must_use]
    pub fn newest(&self) -> Option<Micros> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).newest
    }

    /// Removes those whose tokens have expired.
    pub fn forget_expired(&self, now: Micros) {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).expires.retain(|_, expires| *expires > now);
    }
}

impl Inner {
    /// Adds revocations. Returns whether any of these logins was not in the set.
    fn add(&mut self, revocations: impl IntoIterator<Item = Revocation>) -> bool {
        let mut has_grown = false;
        for Revocation { login, revoked, expires } in revocations {
            has_grown |= self.expires.insert(login, expires).is_none();
            self.newest = self.newest.max(Some(revoked));
        }
        has_grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_of_what_is_new_and_of_nothing_else() {
        let revoked = Revoked::default();
        let one = Revocation { login: LoginId(1), revoked: Micros(5), expires: Micros(10) };
        let mut grown = revoked.grown();
        let mut is_told = || {
            let is_told = grown.has_changed().expect("it is there");
            grown.mark_unchanged();
            is_told
        };
        revoked.add([]);
        assert!(!is_told());
        revoked.add([one]);
        assert!(is_told());
        revoked.add([one]);
        assert!(!is_told(), "it was in the set");
        revoked.replace([]);
        assert!(is_told(), "another database has another key");
    }

    #[test]
    fn a_revocation_counts_until_its_token_expires() {
        let revoked = Revoked::default();
        let one = Revocation { login: LoginId(1), revoked: Micros(5), expires: Micros(10) };
        revoked.add([one, Revocation { login: LoginId(2), revoked: Micros(4), expires: Micros(20) }]);
        assert!(revoked.contains(LoginId(1)) && !revoked.contains(LoginId(3)));
        assert_eq!(revoked.newest(), Some(Micros(5)));
        revoked.forget_expired(Micros(10));
        assert!(!revoked.contains(LoginId(1)) && revoked.contains(LoginId(2)));
    }
}
