//! Why a command changed nothing.

use crate::protocol::ids::CommandId;
use crate::protocol::messages::RejectCode;
use crate::protocol::wire::ServerMessage;

/// A command that was not accepted: nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// For programs.
    pub code: RejectCode,
    /// For people: what was wrong and what to do.
    pub message: &'static str,
    /// When to try again, in milliseconds.
    pub retry_ms: Option<u32>,
}

/// How long whoever is told to try again should wait, in milliseconds.
const RETRY_MS: u32 = 1_000;

impl Reject {
    /// There is more to do than can be done.
    pub const BUSY: Self = Self::later(RejectCode::Busy, "too much is happening at once; try again");
    /// The database does not answer.
    pub const UNAVAILABLE: Self = Self::later(RejectCode::Unavailable, "the database is out of reach; try again");
    /// To a program whose command may have been written.
    pub const UNKNOWN: Self =
        Self::later(RejectCode::Unavailable, "it is not known whether this was done; see what plays, then try again");

    const fn later(code: RejectCode, message: &'static str) -> Self {
        Self { code, message, retry_ms: Some(RETRY_MS) }
    }

    /// A refusal that trying again does not mend.
    #[must_use]
    pub const fn new(code: RejectCode, message: &'static str) -> Self {
        Self { code, message, retry_ms: None }
    }

    /// The answer to the command of this id.
    #[must_use]
    pub fn answer(&self, id: CommandId) -> ServerMessage {
        ServerMessage::Reject { id, code: self.code, message: self.message.to_owned(), retry_ms: self.retry_ms }
    }
}
