//! The login of a token, for sockets that send `hello`.

use crate::{
    auth::{Auth, Claims, TokenAccess},
    time,
    values::login::LoginId,
};
use segue_actors::node::ports::{Logins, TokenLogin};
use segue_client::protocol::ids::Micros;
use std::sync::Arc;
use tokio::sync::watch;

/// How long an API key is not looked up again, in microseconds: its last use is known by the day.
const RENEWED_US: i64 = 3_600_000_000;

/// The logins whose tokens are valid now.
pub struct TokenLogins {
    auth: Arc<Auth>,
}

impl TokenLogins {
    /// Checks tokens with `auth`.
    #[must_use]
    pub fn new(auth: Arc<Auth>) -> Self {
        Self { auth }
    }
}

impl Logins for TokenLogins {
    fn check(&self, token: &str) -> Option<TokenLogin> {
        // Read before the token is checked: if the key changes meanwhile the login counts as ended.
        let secret = self.auth.earlier_keys();
        let granted = self.auth.check(token).ok().filter(TokenAccess::is_for_devices)?;
        let Claims { user, login, expires_s } = granted.claims;
        let is_key = granted.key.is_some();
        let expires = Micros(i64::try_from(expires_s).unwrap_or(i64::MAX).saturating_mul(1_000_000));
        let until = if is_key { renewed_at(time::now()) } else { expires };
        Some(TokenLogin { user, id: login.0, is_key, secret, until })
    }

    fn look_up(&self, login: TokenLogin) -> Option<TokenLogin> {
        let (id, now) = (LoginId(login.id), time::now());
        if self.auth.revoked.contains(id) {
            return None;
        }
        if login.is_key {
            let is_known = self.auth.keys.is_used_on(id, now);
            return is_known.then(|| TokenLogin { until: renewed_at(now), ..login });
        }
        let is_valid = login.secret == self.auth.earlier_keys() && now < login.until;
        is_valid.then_some(login)
    }

    fn ended(&self) -> watch::Receiver<()> {
        self.auth.revoked.grown()
    }
}

fn renewed_at(now: Micros) -> Micros {
    Micros(now.0.saturating_add(RENEWED_US))
}
