//! The log of a server, in a file.

use super::{TestDatabase, until};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::Command,
};

/// Where a server's standard error goes.
pub(crate) struct Log(pub(crate) PathBuf);

impl Log {
    /// Has a command write its standard error to a file.
    pub(crate) fn of(command: &mut Command, database: &TestDatabase) -> Self {
        let path = database.folder.path().join("log");
        command.stderr(File::create(&path).expect("created"));
        Self(path)
    }

    /// Everything written so far.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.0).expect("UTF-8")
    }

    /// Waits for a whole line for which `holds`.
    pub(crate) async fn line(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let mut found = None;
        until(what, async || {
            let text = self.text();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            found = whole.lines().find(|line| holds(line)).map(str::to_owned);
            found.is_some()
        })
        .await;
        found.expect("it was waited for")
    }
}
