//! Writing a backup.

use super::{
    Problem,
    file::{Head, Tally},
    owner_file::OwnerFile,
};
use crate::db::backup::Table;
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use std::{
    fs::File,
    io::{BufWriter, Write as _},
};

/// Writes, counts and hashes the lines of a backup.
pub(super) struct BackupWriter<'a> {
    target: &'a OwnerFile,
    out: GzEncoder<BufWriter<&'a File>>,
    tally: Tally,
}

impl<'a> BackupWriter<'a> {
    pub(super) fn start(target: &'a OwnerFile, head: &Head) -> Result<Self, Problem> {
        let out = GzEncoder::new(BufWriter::new(target.file()), Compression::fast());
        let mut writer = Self { target, out, tally: Tally::default() };
        writer.json(head)?;
        Ok(writer)
    }

    /// Writes the head of a table; the rows that follow belong to it.
    pub(super) fn table(&mut self, table: &Table) -> Result<(), Problem> {
        self.json(table)
    }

    /// Writes a row, which must not contain a line break.
    pub(super) fn row(&mut self, row: &str) -> Result<(), Problem> {
        let written = self.out.write_all(row.as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| self.target.failed(error))?;
        self.tally.count(row);
        Ok(())
    }

    /// Writes the last line and flushes the file.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        let end = self.tally.end();
        self.json(&end)?;
        let flushed = self.out.finish().and_then(|mut buffer| buffer.flush());
        flushed.map_err(|error| self.target.failed(error))
    }

    fn json(&mut self, value: &impl Serialize) -> Result<(), Problem> {
        let line = serde_json::to_string(value).map_err(|error| self.target.failed(error.into()))?;
        self.row(&line)
    }
}
