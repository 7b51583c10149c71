//! What an API key allows.

use std::{fmt, str::FromStr};

/// What an API key allows; each scope holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyScope {
    /// To read what its user may read, music too.
    Read,
    /// To command playback, and to change the user's playlists and saved tracks.
    Control,
    /// What administrators alone may do, as long as its user is one.
    Admin,
}

impl KeyScope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Control, Self::Admin];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| format!("a scope is read, control or admin, not {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_those_before_it_and_is_read_as_it_is_written() {
        assert!(KeyScope::Read < KeyScope::Control && KeyScope::Control < KeyScope::Admin);
        for scope in KeyScope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for bad in ["", "Read", "write", "read control"] {
            assert!(bad.parse::<KeyScope>().is_err(), "{bad}");
        }
    }
}
