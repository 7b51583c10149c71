//! Where commands write: results to standard output, failures to standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
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

/// Shows how far something is: one line that is written over and over on a terminal, and nothing elsewhere.
pub(super) fn progress(text: impl Display) {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        drop(write!(error, "\r{text}\x1b[K"));
    }
}

/// Leaves the line that [`progress`] wrote.
pub(super) fn end_progress() {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        drop(writeln!(error));
    }
}

/// Tells why the command failed. When standard error is closed nobody listens, and the exit code says it.
pub(super) fn failure(failure: impl Display) {
    drop(writeln!(io::stderr().lock(), "segue: {failure}"));
}
