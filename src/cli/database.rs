//! The database of a command: opened as the settings say, and closed before the process ends.

use super::Failure;
use crate::{
    config::Settings,
    db::{Db, DbError},
};
use std::ops::Deref;

/// An open database that is closed when this is dropped, so that no write-ahead log stays beside a SQLite file.
pub(super) struct OpenDatabase(Db);

impl OpenDatabase {
    /// Opens the database, or makes it.
    pub(super) fn open(settings: &Settings, connections: u32) -> Result<Self, Failure> {
        Ok(Self(Db::open(&settings.database_url, connections)?))
    }

    /// Opens the database for a command that makes none.
    ///
    /// # Errors
    /// [`DbError::Absent`] when there is none.
    pub(super) fn existing(settings: &Settings) -> Result<Self, DbError> {
        Db::open_existing(&settings.database_url, 1).map(Self)
    }
}

impl Deref for OpenDatabase {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.0
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        self.0.close();
    }
}
