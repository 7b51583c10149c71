//! The login of a socket: the token it came with, and whether that still counts.

use crate::node::ports::Logins;
use crate::protocol::ids::UserId;
use std::sync::Arc;
use tokio::sync::watch;

/// The token of a socket, if it has one.
pub(super) struct SocketLogin {
    logins: Arc<dyn Logins>,
    token: Option<String>,
    /// Marked as changed when logins have ended since [`Self::has_ended`] was last called.
    ended: watch::Receiver<()>,
}

impl SocketLogin {
    /// `token` is the request's where it had one.
    pub(super) fn new(logins: Arc<dyn Logins>, token: Option<String>) -> Self {
        let ended = logins.ended();
        Self { logins, token, ended }
    }

    /// Takes the token of a `hello`, unless the request had one.
    pub(super) fn greet(&mut self, token: Option<&str>) {
        self.token = self.token.take().or_else(|| token.map(str::to_owned));
    }

    /// The user of the token; `None`: there is no token, or it is not valid now.
    pub(super) fn user(&self) -> Option<UserId> {
        self.token.as_deref().and_then(|token| self.logins.user_of(token))
    }

    /// Whether the token is not valid now although it was. Checks it only if logins have ended since the last call.
    pub(super) fn has_ended(&mut self) -> bool {
        let is_news = self.ended.has_changed().unwrap_or(false);
        self.ended.mark_unchanged();
        is_news && self.user().is_none()
    }

    /// Is marked as changed when logins have ended, this one or others; [`Self::has_ended`] does not reset it.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.logins.ended()
    }
}
