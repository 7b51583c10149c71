//! Backups: one file of everything that cannot be made anew, and a database put back from it.

mod file;
mod reader;
mod target;
mod writer;

pub use file::{Head, Problem};
pub use reader::Summary;

use crate::{
    db::{
        Db, DbConnection, DbError,
        backup::{self, Outcome, each_row, migrations},
    },
    time,
};
use reader::Reader;
use std::path::Path;
use target::Target;
use writer::Writer;

/// Bytes of rows that go into one statement; one row may go over it.
const BATCH_BYTES: usize = 1 << 20;
/// Rows of one statement.
const BATCH_ROWS: usize = 2_000;
/// How often a database that is being written to is asked for its lock.
const TRIES: u32 = 5;

/// How far a backup or a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows so far.
    pub rows: u64,
    /// All rows.
    pub of: u64,
}

/// Writes a backup of the database as it is at this moment to `path`; it appears there when it is whole. Others may read
/// and write the database meanwhile.
///
/// # Errors
/// When `path` is taken and `force` is not said, when it cannot be written, and the database's.
pub fn write(db: &Db, path: &Path, force: bool, progress: &mut dyn FnMut(Progress)) -> Result<Summary, Problem> {
    let target = Target::open(path, force)?;
    let mut why = None;
    let summary =
        db.read_blocking(|connection| dump(connection, &target, progress).map_err(|error| keep(error, &mut why)));
    let summary = summary.map_err(|error| why.unwrap_or(Problem::Db(error)))?;
    target.finish(force)?;
    Ok(summary)
}

fn dump(
    connection: &mut DbConnection,
    target: &Target,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, Problem> {
    let head = Head::new(time::now(), migrations(connection)?);
    let tables = backup::tables(connection)?;
    let mut shown = Progress { rows: 0, of: tables.iter().map(|table| table.rows).sum() };
    let mut writer = Writer::start(target, &head)?;
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

/// Reads a whole backup and says what is in it.
///
/// # Errors
/// When it is none, is of a newer version, or is damaged in any place.
pub fn check(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Summary, Problem> {
    Reader::open(path)?.read_all(progress, |_, _| Ok(()))
}

/// Puts the database back as the backup has it, which [`check`] has found whole. All of it is one transaction. Servers
/// that run on this database notice by themselves and start their sessions anew.
///
/// # Errors
/// As [`check`], and the database's; nothing has changed then.
pub fn restore(
    db: &Db,
    path: &Path,
    checked: &Summary,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut why = None;
        let outcome = db.write_blocking(|connection| {
            load(connection, path, checked, progress).map_err(|error| keep(error, &mut why))
        });
        match outcome {
            Ok(outcome) => return Ok(outcome),
            // Two who wait for each other's locks are told so, one of them.
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
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, Problem> {
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
        let mut batch = Batch::default();
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

/// Rows that wait to be sent, as one JSON array.
#[derive(Default)]
struct Batch {
    text: String,
    rows: usize,
}

impl Batch {
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

/// Keeps what is no error of the database while its transaction is rolled back.
fn keep(problem: Problem, why: &mut Option<Problem>) -> DbError {
    match problem {
        Problem::Db(error) => error,
        other => {
            *why = Some(other);
            DbError::Abandoned
        }
    }
}
