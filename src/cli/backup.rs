//! `segue backup` and `segue restore`, whether the server runs or not.

use super::{Failure, output};
use crate::{
    backup::{self, Progress, Summary},
    config::{SettingFlags, load},
    db::{Db, backup::Outcome},
    telemetry,
};
use clap::Args;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How often the progress line is written anew on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// What people know of, by table, when they are told what a database or backup holds.
const TOLD: &[(&str, &str)] =
    &[("users", "users"), ("tracks", "tracks"), ("playlists", "playlists"), ("plays", "plays")];

/// Write everything that cannot be made anew (accounts, library, playlists, history, what plays) to one file
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; only its owner can read it, for secrets are inside
    file: PathBuf,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Put the database back to the state of a backup; a running server may go on running
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup, from either kind of database
    file: PathBuf,
    /// Replace what is there
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Backup {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let db = Db::open(&settings.database_url, 1)?;
        let written = shown("written", |progress| backup::write(&db, &self.file, self.force, progress))?;
        Ok(output::line(format_args!("{} written: {}", self.file.display(), told(&written)))?)
    }
}

impl Restore {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let checked = shown("checked", |progress| backup::check(&self.file, progress))?;
        let db = Db::open(&settings.database_url, 1)?;
        let there = db.read_blocking(crate::db::backup::tables)?;
        let there = Summary { head: checked.head.clone(), tables: there };
        let is_empty = TOLD.iter().all(|(table, _)| there.rows(table) == 0);
        if !is_empty && !self.yes {
            return Err(format!(
                "{} holds {}; all of it would be replaced by the backup of {}: {}. Pass --yes to do so",
                settings.database_url,
                told(&there),
                checked.head.created,
                told(&checked)
            )
            .into());
        }
        let outcome = shown("restored", |progress| backup::restore(&db, &self.file, &checked, progress))?;
        output::line(format_args!("put back as of {}: {}", checked.head.created, told(&checked)))?;
        output::line(match outcome {
            Outcome::Same => "who was logged in still is; servers on this database go on with what is there now",
            Outcome::Other => "logins of the backup count again; those given since do not",
        })?;
        Ok(())
    }
}

/// Runs `work` with a line on a terminal that says how far it is.
fn shown<T, E>(what: &str, work: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<T, E>) -> Result<T, E> {
    let mut drawn: Option<Instant> = None;
    let done = work(&mut |Progress { rows, of }| {
        if drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW) {
            drawn = Some(Instant::now());
            output::progress(format_args!("{rows} of {of} rows {what}"));
        }
    });
    if drawn.is_some() {
        output::end_progress();
    }
    done
}

fn told(summary: &Summary) -> String {
    let parts: Vec<_> = TOLD.iter().map(|(table, name)| format!("{} {name}", summary.rows(table))).collect();
    parts.join(", ")
}
