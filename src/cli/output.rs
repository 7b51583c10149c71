//! Where commands write: results to standard output, progress to standard error.

use crate::values::printed;
use std::{
    error::Error,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// Why a command ended without success; its text is shown to the person.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// Writes one line, or several with line breaks between, and flushes them. Other control characters are escaped: names
/// from files and from the network may hold them.
///
/// # Errors
/// When standard output is closed.
pub(super) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", printed::escaped_lines(text))?;
    out.flush()
}

/// Writes one line to standard error: the result of a command whose standard output holds data.
///
/// # Errors
/// When standard error is closed.
pub(super) fn note(text: impl Display) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{}", printed::escaped(text))
}

/// Shows progress: on a terminal, one line that each call overwrites; elsewhere, nothing.
pub(super) fn progress(text: impl Display) {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        drop(write!(error, "\r{}\x1b[K", printed::escaped(text)));
    }
}

/// Ends the line that [`progress`] wrote.
pub(super) fn end_progress() {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        drop(writeln!(error));
    }
}
