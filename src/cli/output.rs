//! Where commands write: results to standard output, failures to standard error.

use std::{
    error::Error,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// Why a command ended without success; its text is shown to the person.
pub(super) type Failure = Box<dyn Error>;

/// Writes one line and flushes it.
///
/// # Errors
/// When standard output is closed.
pub(super) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Shows progress: on a terminal, one line that each call overwrites; elsewhere, nothing.
pub(super) fn progress(text: impl Display) {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        drop(write!(error, "\r{text}\x1b[K"));
    }
}

/// Ends the line that [`progress`] wrote.
pub(super) fn end_progress() {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        drop(writeln!(error));
    }
}

/// Prints why the command failed. An error of writing is ignored: the exit code also says that it failed.
pub(super) fn failure(failure: impl Display) {
    drop(writeln!(io::stderr().lock(), "segue: {failure}"));
}
