//! The login of a socket: whose token it came with, and whether that is still valid.

use crate::node::ports::{Logins, TokenLogin};
use crate::protocol::ids::{Micros, UserId};
use tokio::sync::watch;

/// The login of a socket, if it has shown one. The token is not kept.
pub(super) struct SocketLogin {
    login: Option<TokenLogin>,
    /// Marked as changed when logins have ended since the login was last checked, this one or others.
    ended: watch::Receiver<()>,
}

impl SocketLogin {
    /// `token` is the request's where it had one.
    pub(super) fn new(logins: &dyn Logins, token: Option<&str>) -> Self {
        // Before the check: what ends meanwhile is noticed.
        let ended = logins.ended();
        Self { login: token.and_then(|token| logins.check(token)), ended }
    }

    /// Takes the token of a `hello`, unless the request had one. Returns the user; `None`: there is no valid token.
    pub(super) fn greet(&mut self, logins: &dyn Logins, token: Option<&str>) -> Option<UserId> {
        if self.login.is_none() {
            self.ended.mark_unchanged();
            self.login = token.and_then(|token| logins.check(token));
        } else {
            self.is_valid(logins);
        }
        self.user()
    }

    /// The user of the login when it was last checked.
    pub(super) fn user(&self) -> Option<UserId> {
        self.login.map(|login| login.user)
    }

    /// Whether the login is valid now.
    pub(super) fn is_valid(&mut self, logins: &dyn Logins) -> bool {
        self.ended.mark_unchanged();
        self.login = self.login.and_then(|login| logins.look_up(login));
        self.login.is_some()
    }

    /// Whether logins have ended since this one was last checked.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.ended.has_changed().unwrap_or(true)
    }

    /// When the login is to be looked up.
    pub(super) fn until(&self) -> Option<Micros> {
        self.login.map(|login| login.until)
    }
}
