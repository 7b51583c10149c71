//! Why a device does not run.

use std::{error::Error, fmt};

/// Why a device cannot run or had to end; the text is shown to the person.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Trouble {}
