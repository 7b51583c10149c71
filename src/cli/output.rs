//! Where commands write: results to standard output, failures to standard error.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

/// Writes one line and sends it off.
///
/// # Errors
/// When standard output is closed.
pub(super) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Tells why the command failed. When standard error is closed nobody listens, and the exit code says it.
pub(super) fn failure(failure: impl Display) {
    drop(writeln!(io::stderr().lock(), "segue: {failure}"));
}
