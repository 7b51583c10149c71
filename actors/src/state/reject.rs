//! Why a command was not accepted.

use crate::protocol::ids::CommandId;
use crate::protocol::messages::RejectCode;
use crate::protocol::wire::ServerMessage;

/// A command that was not accepted: nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The stable code, for programs.
    pub code: RejectCode,
    /// The text for people: what was wrong and what to do.
    pub message: &'static str,
    /// When to try again, in milliseconds.
    pub retry_ms: Option<u32>,
}

/// What comes of a command whose effects are kept elsewhere.
pub(super) type CommandResult = Result<(), Reject>;

/// The `retry_ms` of rejects after which the same command may succeed.
const RETRY_MS: u32 = 1_000;

impl Reject {
    /// More events wait than a session keeps, or too many commits in a row conflicted.
    pub const BUSY: Self = Self::later(RejectCode::Busy, "too many changes of this session at once; try again");
    /// The database does not answer, or the change was surely not written.
    pub const UNAVAILABLE: Self = Self::later(RejectCode::Unavailable, "the database is out of reach; try again");
    /// The outcome of the commit is unknown: to a program, whose command cannot be recognised in the record.
    pub const UNKNOWN: Self =
        Self::later(RejectCode::Unavailable, "it is not known whether this was done; see what plays, then try again");

    const fn later(code: RejectCode, message: &'static str) -> Self {
        Self { code, message, retry_ms: Some(RETRY_MS) }
    }

    /// A reject without `retry_ms`: the same command would be rejected again.
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
