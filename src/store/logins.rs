//! Whose a token is, for sockets that say `hello`.

use crate::auth::Auth;
use segue_actors::{node::ports::Logins};
use segue_client::{protocol::ids::UserId};
use std::sync::Arc;

/// The logins whose tokens count now.
pub struct TokenLogins {
    auth: Arc<Auth>,
}

impl TokenLogins {
    /// The logins that `auth` knows.
    #[must_use]
    pub fn new(auth: Arc<Auth>) -> Self {
        Self { auth }
    }
}

impl Logins for TokenLogins {
    fn user_of(&self, token: &str) -> Option<UserId> {
        self.auth.check(token).ok().map(|claims| claims.user)
    }
}
