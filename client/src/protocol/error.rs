//! What is wrong with a frame that cannot be read.

use std::fmt;

/// Longest text of a `WireError` that comes from the JSON parser, in characters.
const REASON_CHARS: usize = 400;

/// A frame that is not a message: what was wrong, for the author of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError(pub String);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WireError {}

/// Cut to a limited length and on one line, because it may contain text of a peer, is logged and is sent as an answer.
impl From<serde_json::Error> for WireError {
    fn from(error: serde_json::Error) -> Self {
        let plain = |char: char| if char.is_control() { ' ' } else { char };
        Self(error.to_string().chars().take(REASON_CHARS).map(plain).collect())
    }
}
