//! `segue backup` and `segue restore`, whether the server runs or not.

use super::{Failure, database::OpenDatabase, output, path};
use crate::{
    backup::{self, BackupProgress, Summary},
    config::{DatabaseFlags, load},
    db::{DatabaseUrl, backup::RestoredLogins},
    telemetry,
    values::printed::counted,
};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Time between two updates of the progress line.
const REDRAW: Duration = Duration::from_millis(200);
/// The tables whose numbers of rows are printed, each with the word for one of its rows.
const TOLD: &[(&str, &str)] = &[("users", "user"), ("tracks", "track"), ("playlists", "playlist"), ("plays", "play")];

/// Write accounts, library, playlists, history and what plays to one file
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; it holds secrets, so that only its owner may read it
    #[arg(value_parser = path::parser())]
    file: PathBuf,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    settings: DatabaseFlags,
}

/// Replace the content of the database by that of a backup; a running server may go on running
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup, from either kind of database
    #[arg(value_parser = path::parser())]
    file: PathBuf,
    /// Replace the accounts and the library that the database holds
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    settings: DatabaseFlags,
}

impl Backup {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let db = OpenDatabase::existing(&settings)?;
        if is_of_database(&self.file, &settings.database_url) {
            return Err(format!(
                "{} is a file of the database itself: name another file for the backup",
                self.file.display()
            )
            .into());
        }
        let written = shown("written", |progress| backup::write(&db, &self.file, self.force, progress))?;
        Ok(output::line(format_args!("{} written: {}", self.file.display(), told(|table| written.rows(table))))?)
    }
}

/// Whether a backup at this place would replace the database's file or one of those that SQLite keeps beside it
/// (`-wal`, `-shm` and others, which begin with the name of the database), whether by its path or by its target.
pub(super) fn is_of_database(file: &Path, database: &DatabaseUrl) -> bool {
    let DatabaseUrl::Sqlite(database) = database else { return false };
    let within_its_folder = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some((folder.canonicalize().ok()?, path.file_name()?.to_string_lossy().into_owned()))
    };
    let Some((folder, name)) = within_its_folder(file) else { return false };
    let places = [within_its_folder(database), database.canonicalize().ok().as_deref().and_then(within_its_folder)];
    places.into_iter().flatten().any(|(database_folder, database_name)| {
        let beside = name.strip_prefix(&database_name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        folder == database_folder && beside
    })
}

impl Restore {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let checked = shown("checked", |progress| backup::check(&self.file, progress))?;
        let db = OpenDatabase::open(&settings, 1)?;
        let there = db.read_blocking(crate::db::backup::tables)?;
        let there = Summary { head: checked.head.clone(), tables: there };
        let is_empty = TOLD.iter().all(|(table, _)| there.rows(table) == 0);
        if !is_empty && !self.yes {
            return Err(format!(
                "{} holds {}; all of it would be replaced by the backup of {}: {}. Pass --yes to do so",
                settings.database_url,
                told(|table| there.rows(table)),
                checked.head.created,
                told(|table| checked.rows(table))
            )
            .into());
        }
        let outcome = shown("restored", |progress| backup::restore(&db, &self.file, &checked, progress))?;
        output::line(format_args!(
            "restored the state of {}: {}",
            checked.head.created,
            told(|table| checked.rows(table))
        ))?;
        output::line(match outcome {
            RestoredLogins::Same => "logins stay valid; a running server goes on with the restored state",
            RestoredLogins::Other => {
                "the backup is of another installation: its logins are valid again, and those made since are not; \
                 `segue user passwd` ends them"
            }
        })?;
        Ok(())
    }
}

/// Runs `work` and shows its progress in a line on the terminal.
fn shown<T, E>(what: &str, work: impl FnOnce(&mut dyn FnMut(BackupProgress)) -> Result<T, E>) -> Result<T, E> {
    let mut drawn: Option<Instant> = None;
    let done = work(&mut |BackupProgress { rows, of }| {
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

fn told(rows: impl Fn(&str) -> u64) -> String {
    let parts: Vec<_> = TOLD.iter().map(|(table, one)| counted(rows(table), one)).collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_has_its_noun() {
        let rows = |table: &str| match table {
            "users" | "plays" => 1,
            "playlists" => 2,
            _ => 0,
        };
        assert_eq!(told(rows), "1 user, 0 tracks, 2 playlists, 1 play");
    }
}
