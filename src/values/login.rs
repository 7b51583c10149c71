//! Log-ins: their ids, and which of them were revoked.

use segue_actors::id64;
use segue_client::protocol::ids::Micros;

id64! {
    /// One log-in of a user. Every token names its login; revoking the login makes the token invalid.
    LoginId;
}

/// One revoked login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The login.
    pub login: LoginId,
    /// When it was revoked, by the clock of the node that revoked it.
    pub revoked: Micros,
    /// When its token expires; the revocation is not needed after that.
    pub expires: Micros,
}
