//! A database of its own for each test.

use super::postgres;
use segue::db::{DatabaseUrl, Db};
use tempfile::TempDir;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// An empty data folder and a fresh database, gone with the test.
pub(crate) struct TestDatabase {
    pub(crate) dialect: Dialect,
    /// What `--database-url` takes.
    pub(crate) url: String,
    /// The data folder; the SQLite file lies in it.
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

    /// A handle as the server has it.
    pub(crate) fn open(&self) -> Db {
        Db::open(&self.parsed(), 4).expect("the database opens")
    }
}
