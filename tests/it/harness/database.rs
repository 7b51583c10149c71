//! A separate database for each test.

use super::postgres;
use segue::db::{DatabaseUrl, Db};
use tempfile::TempDir;

/// The kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// An empty data folder and a new database; both are removed when this is dropped.
pub(crate) struct TestDatabase {
    pub(crate) dialect: Dialect,
    /// What `--database-url` takes.
    pub(crate) url: String,
    /// The data folder; it contains the SQLite file.
    pub(crate) folder: TempDir,
}

impl TestDatabase {
    /// A database whose tables are up to date.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let database = Self::empty_but_for(dialect, true);
        if dialect == Dialect::Sqlite {
            segue::db::migrate(&database.parsed()).expect("the tables are made");
        }
        database
    }

    /// A database without tables.
    pub(crate) fn empty(dialect: Dialect) -> Self {
        Self::empty_but_for(dialect, false)
    }

    fn empty_but_for(dialect: Dialect, migrated: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        let url = match dialect {
            Dialect::Sqlite => format!("sqlite:{}", folder.path().join("segue.db").display()),
            Dialect::Postgres => postgres::create(migrated),
        };
        Self { dialect, url, folder }
    }

    pub(crate) fn parsed(&self) -> DatabaseUrl {
        self.url.parse().expect("a good URL")
    }

    /// Opens the database as the server does.
    pub(crate) fn open(&self) -> Db {
        Db::open(&self.parsed(), 4).expect("the database opens")
    }
}
