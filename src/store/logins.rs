//! The user of a token, for sockets that send `hello`.

use crate::auth::Auth;
use segue_actors::node::ports::Logins;
use segue_client::protocol::ids::UserId;
use std::sync::Arc;
use tokio::sync::watch;

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
    fn user_of(&self, token: &str) -> Option<UserId> {
        let granted = self.auth.check(token).ok()?;
        granted.is_for_devices().then_some(granted.claims.user)
    }

    fn ended(&self) -> watch::Receiver<()> {
        self.auth.revoked.grown()
    }
}
