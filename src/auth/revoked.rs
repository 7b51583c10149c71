//! The revoked logins whose tokens have not expired yet: a small set in memory, checked at each request.

use crate::values::login::{LoginId, Revocation};
use segue_client::protocol::ids::Micros;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// The set of revoked logins; it holds at most those revoked within the lifetime of a token.
#[derive(Debug, Default)]
pub struct Revoked {
    inner: RwLock<Inner>,
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
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for Revocation { login, revoked, expires } in revocations {
            inner.expires.insert(login, expires);
            inner.newest = inner.newest.max(Some(revoked));
        }
    }

    /// Replaces the set by these revocations.
    pub fn replace(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let fresh = Self::default();
        fresh.add(revocations);
        let fresh = fresh.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = fresh;
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

#[cfg(test)]
mod tests {
    use super::*;

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
