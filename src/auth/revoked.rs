//! The logins whose tokens no longer count, though they have not expired: small, in memory, checked at each request.

use super::LoginId;
use segue_actors::ids::Micros;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// One revoked login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The login.
    pub login: LoginId,
    /// When it was revoked, by the clock of the node that did it.
    pub revoked: Micros,
    /// When its token ends anyway, and this may be forgotten.
    pub expires: Micros,
}

/// The set; it holds no more than the logins revoked within one token's life.
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

    /// Learns of revocations; those already known change nothing.
    pub fn add(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for Revocation { login, revoked, expires } in revocations {
            inner.expires.insert(login, expires);
            inner.newest = inner.newest.max(Some(revoked));
        }
    }

    /// Knows these and no others from now on.
    pub fn replace(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let fresh = Self::default();
        fresh.add(revocations);
        let fresh = fresh.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// When the newest that is known was revoked.
    #[must_use]
    pub fn newest(&self) -> Option<Micros> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).newest
    }

    /// Forgets those whose tokens have expired.
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
