//! Reading a backup. Every line is checked before it is used.

use super::{
    BackupProgress, Problem,
    file::{End, FORMAT, Head, LINE_BYTES, Tally, VERSION},
};
use crate::db::backup::{Column, ColumnKind, Table};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

/// A summary of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The first line: the version that wrote it, and when.
    pub head: Head,
    /// The tables with their numbers of rows.
    pub tables: Vec<Table>,
}

impl Summary {
    /// The number of rows of a table; 0 for a table that is not in the backup.
    #[must_use]
    pub fn rows(&self, name: &str) -> u64 {
        self.tables.iter().find(|table| table.name == name).map_or(0, |table| table.rows)
    }
}

/// Reads, counts and hashes the lines of a backup.
pub(super) struct Reader {
    path: PathBuf,
    lines: BufReader<GzDecoder<BufReader<File>>>,
    line: String,
    tally: Tally,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let file = File::open(path).map_err(|error| Problem::File(path.to_owned(), error))?;
        let lines = BufReader::new(GzDecoder::new(BufReader::new(file)));
        Ok(Self { path: path.to_owned(), lines, line: String::new(), tally: Tally::default() })
    }

    /// Reads to the end and calls `take` with each row and its table.
    pub(super) fn read_all(
        mut self,
        progress: &mut dyn FnMut(BackupProgress),
        mut take: impl FnMut(&Table, &str) -> Result<(), Problem>,
    ) -> Result<Summary, Problem> {
        let head = self.head()?;
        let mut tables: Vec<Table> = Vec::new();
        let mut shown = BackupProgress { rows: 0, of: 0 };
        loop {
            let end = self.tally.end();
            self.next()?;
            if let Ok(written) = serde_json::from_str::<End>(&self.line) {
                return if written != end {
                    Err(damaged("its checksum is wrong"))
                } else if self.lines.fill_buf().map_or(true, |rest| !rest.is_empty()) {
                    Err(damaged("data follows its last line"))
                } else {
                    Ok(Summary { head, tables })
                };
            }
            let table: Table = serde_json::from_str(&self.line)
                .map_err(|error| self.wrong(&format!("is not the head of a table ({error})")))?;
            shown.of = shown.of.saturating_add(table.rows);
            for _ in 0..table.rows {
                self.next()?;
                self.check(&table)?;
                take(&table, &self.line)?;
                shown.rows = shown.rows.saturating_add(1);
                progress(shown);
            }
            tables.push(table);
        }
    }

    fn head(&mut self) -> Result<Head, Problem> {
        let not = |why: &str| Problem::NotABackup(why.to_owned());
        let read = self.next();
        match read {
            Err(Problem::Damaged(_)) if self.tally.lines() == 0 => {
                return Err(not("its first line is not that of one"));
            }
            other => other?,
        }
        let head: Value = serde_json::from_str(&self.line).map_err(|_| not("its first line is not that of one"))?;
        if head.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(not("its first line is not that of one"));
        }
        if head.get("version").and_then(Value::as_u64).is_none_or(|version| version > u64::from(VERSION)) {
            let by = head.get("segue").and_then(Value::as_str).unwrap_or("unknown");
            return Err(Problem::Newer(by.chars().take(40).collect()));
        }
        serde_json::from_value(head).map_err(|error| damaged(&format!("its first line cannot be read ({error})")))
    }

    /// Reads the next line into `self.line`; the end of the file is an error.
    fn next(&mut self) -> Result<(), Problem> {
        self.line.clear();
        let limit = u64::try_from(LINE_BYTES).unwrap_or(u64::MAX);
        let read = (&mut self.lines).take(limit).read_line(&mut self.line);
        let bytes = read.map_err(|error| match error.raw_os_error() {
            Some(_) => Problem::File(self.path.clone(), error),
            None => damaged(&format!("after line {}: {error}", self.tally.lines())),
        })?;
        if bytes == 0 {
            return Err(damaged(&format!("it ends after line {}", self.tally.lines())));
        }
        if !self.line.ends_with('\n') {
            return Err(self.wrong("is cut off or too long"));
        }
        self.line.truncate(self.line.len().saturating_sub(1));
        self.tally.count(&self.line);
        Ok(())
    }

    /// Checks that the line is a row of this table.
    fn check(&self, table: &Table) -> Result<(), Problem> {
        let values: Vec<Value> =
            serde_json::from_str(&self.line).map_err(|error| self.wrong(&format!("is not a row ({error})")))?;
        let fits = |(value, Column(_, kind)): (&Value, &Column)| match (value, kind) {
            (Value::Null, _)
            | (Value::String(_), ColumnKind::Text)
            | (Value::Bool(_), ColumnKind::Boolean)
            | (Value::Number(_), ColumnKind::Real) => true,
            (Value::Number(number), ColumnKind::Integer) => number.is_i64(),
            (Value::String(text), ColumnKind::Bytes) => {
                text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            _ => false,
        };
        if values.len() == table.columns.len() && values.iter().zip(&table.columns).all(fits) {
            Ok(())
        } else {
            Err(self.wrong(&format!("is not a row of {table}")))
        }
    }

    fn wrong(&self, what: &str) -> Problem {
        damaged(&format!("line {} {what}", self.tally.lines()))
    }
}

fn damaged(what: &str) -> Problem {
    Problem::Damaged(what.to_owned())
}
