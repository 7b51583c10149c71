//! Backups: writes all data that cannot be made again to one file, and restores a database from it.

mod file;
mod owner_file;
mod progress;
mod reader;
mod writer;

pub use file::{Head, Problem};
pub use owner_file::OwnerFile;
pub use progress::BackupProgress;
pub use reader::Summary;

use crate::{
    db::{
        Db, DbConnection, DbError,
        backup::{self, RestoredLogins, each_row, migrations},
    },
    time,
};
use reader::Reader;
use std::path::Path;
use writer::BackupWriter;

/// A statement inserts rows until they have this many bytes; its last row may exceed it.
const BATCH_BYTES: usize = 1 << 20;
/// The most rows of one statement.
const BATCH_ROWS: usize = 2_000;
/// The most attempts of a restore that fails with a transient error of the database.
const TRIES: u32 = 5;

/// Writes a backup of the database, as one snapshot, to `path`; the file appears there when it is complete. Servers may
/// read and write the database meanwhile.
///
/// # Errors
/// When `path` exists and `force` is false, when the file cannot be written, and those of the database.
pub fn write(db: &Db, path: &Path, force: bool, progress: &mut dyn FnMut(BackupProgress)) -> Result<Summary, Problem> {
    let target = OwnerFile::open(path, force)?;
    let mut why = None;
    let summary =
        db.read_blocking(|connection| dump(connection, &target, progress).map_err(|error| keep(error, &mut why)));
    let summary = summary.map_err(|error| why.unwrap_or(Problem::Db(error)))?;
    target.finish(force)?;
    Ok(summary)
}

fn dump(
    connection: &mut DbConnection,
    target: &OwnerFile,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Summary, Problem> {
    let head = Head::new(time::now(), migrations(connection)?);
    let tables = backup::tables(connection)?;
    let mut shown = BackupProgress { rows: 0, of: tables.iter().map(|table| table.rows).sum() };
    let mut writer = BackupWriter::start(target, &head)?;
    for table in &tables {
        writer.table(table)?;
        each_row(connection, table, |row| {
            shown.rows = shown.rows.saturating_add(1);
            progress(shown);
            writer.row(row)
        })?;
    }
    writer.finish()?;
    Ok(Summary { head, tables })
}

/// Reads and checks a whole backup; returns a summary of its content. Changes nothing.
///
/// # Errors
/// When the file is not a backup, was written by a newer version, or is damaged.
pub fn check(path: &Path, progress: &mut dyn FnMut(BackupProgress)) -> Result<Summary, Problem> {
    Reader::open(path)?.read_all(progress, |_, _| Ok(()))
}

/// Replaces the content of the database by that of the backup, in one transaction. `checked` is the result of
/// [`check`]. Servers that run on this database notice the restore and load their sessions again.
///
/// # Errors
/// Those of [`check`] and those of the database; the database is unchanged then.
pub fn restore(
    db: &Db,
    path: &Path,
    checked: &Summary,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<RestoredLogins, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut why = None;
        let outcome = db.write_blocking(|connection| {
            load(connection, path, checked, progress).map_err(|error| keep(error, &mut why))
        });
        match outcome {
            Ok(outcome) => return Ok(outcome),
            // Rolled back by a deadlock, a lock that did not become free in time, or a lost connection.
            Err(error) if why.is_none() && error.is_transient() && tries < TRIES => {
                log::info!("the database is busy; trying again: {error}");
            }
            Err(error) => return Err(why.unwrap_or(Problem::Db(error))),
        }
    }
}

fn load(
    connection: &mut DbConnection,
    path: &Path,
    checked: &Summary,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<RestoredLogins, Problem> {
    backup::replace(connection, &checked.head.migrations, |loader| {
        let mut expected = loader.tables()?.into_iter();
        for table in &checked.tables {
            let found = expected.next();
            if found.as_ref().map(|found| (&found.name, &found.columns)) != Some((&table.name, &table.columns)) {
                return Err(Problem::Foreign(format!("it has the table {table}")));
            }
        }
        if let Some(missing) = expected.next() {
            return Err(Problem::Foreign(format!("it lacks the table {missing}")));
        }
        let mut batch = RowBatch::default();
        let mut current = None;
        let again = Reader::open(path)?.read_all(progress, |table, row| {
            if let Some(before) = current.take_if(|before: &mut backup::Table| before.name != table.name) {
                batch.send(|rows| loader.add(&before, rows))?;
            }
            current.get_or_insert_with(|| table.clone());
            batch.push(row);
            if batch.is_full() { batch.send(|rows| loader.add(table, rows)) } else { Ok(()) }
        })?;
        if let Some(last) = current {
            batch.send(|rows| loader.add(&last, rows))?;
        }
        if again == *checked { Ok(()) } else { Err(Problem::Damaged("it changed while it was read".to_owned())) }
    })
}

/// Rows to be inserted by the next statement, as one JSON array.
#[derive(Default)]
struct RowBatch {
    text: String,
    rows: usize,
}

impl RowBatch {
    fn push(&mut self, row: &str) {
        self.text.push(if self.rows == 0 { '[' } else { ',' });
        self.text.push_str(row);
        self.rows += 1;
    }

    fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.text.len() >= BATCH_BYTES
    }

    fn send(&mut self, send: impl FnOnce(&str) -> Result<(), DbError>) -> Result<(), Problem> {
        if self.rows == 0 {
            return Ok(());
        }
        self.text.push(']');
        let outcome = send(&self.text);
        self.text.clear();
        self.rows = 0;
        Ok(outcome?)
    }
}

/// Stores a problem that is no database error in `why`, and returns the error that rolls the transaction back.
fn keep(problem: Problem, why: &mut Option<Problem>) -> DbError {
    match problem {
        Problem::Db(error) => error,
        other => {
            *why = Some(other);
            DbError::Abandoned
        }
    }
}
