//! Bringing the tables up to date at start, one process at a time.

use super::{
    DatabaseUrl, DbError,
    connection::{Access, DbConnection},
};
use diesel::{
    RunQueryDsl as _,
    connection::{AnsiTransactionManager, TransactionManager as _},
    migration::{Migration as _, MigrationSource},
    pg::Pg,
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Runs the migrations that are missing. Two processes at once wait for each other.
///
/// # Errors
/// `Connect`; `Newer` for tables of a later version; `Migrate` when a migration fails, which leaves the tables as they were
/// before it.
pub fn migrate(url: &DatabaseUrl) -> Result<(), DbError> {
    let _lock = lock_file(url).map_err(|error| DbError::Connect(error.into()))?;
    match DbConnection::open(url, Access::Write)? {
        DbConnection::Sqlite(mut sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(&mut sqlite, "BEGIN EXCLUSIVE")?;
            run::<Sqlite, _>(&mut sqlite, SQLITE)?;
            AnsiTransactionManager::commit_transaction(&mut sqlite)?;
        }
        DbConnection::Postgres(mut postgres) => {
            // The lock ends with the connection, whatever happens. The number is "segue" in ASCII.
            diesel::sql_query("SELECT pg_advisory_lock(495857006949)").execute(&mut postgres)?;
            run::<Pg, _>(&mut postgres, POSTGRES)?;
        }
    }
    Ok(())
}

/// For SQLite a lock on a file beside the database, held until it is dropped: turning to WAL happens outside of any
/// transaction, and of two processes that try it at once one fails (sqlite.org/wal.html), however long it would wait.
fn lock_file(url: &DatabaseUrl) -> io::Result<Option<File>> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(None) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.clone().into_os_string();
    name.push("-lock");
    let file = File::create(name)?;
    file.lock()?;
    Ok(Some(file))
}

fn run<B, C>(connection: &mut C, source: EmbeddedMigrations) -> Result<(), DbError>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
{
    let known = MigrationSource::<B>::migrations(&source).map_err(DbError::Migrate)?;
    let known: BTreeSet<_> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = connection.applied_migrations().map_err(DbError::Migrate)?;
    if let Some(newer) = applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        return Err(DbError::Newer(newer));
    }
    for version in connection.run_pending_migrations(source).map_err(DbError::Migrate)? {
        log::info!("database migrated to {version}");
    }
    Ok(())
}

/// Undoes the newest migrations until only these are left; within the caller's transaction.
///
/// # Errors
/// `Newer` when one of these is not known here; `Migrate` when they are not the first ones, or one cannot be undone.
pub(in crate::db) fn back_to(connection: &mut DbConnection, wanted: &[String]) -> Result<(), DbError> {
    match connection {
        DbConnection::Sqlite(sqlite) => undo::<Sqlite, _>(sqlite, || SQLITE, wanted),
        DbConnection::Postgres(postgres) => undo::<Pg, _>(postgres, || POSTGRES, wanted),
    }
}

/// Runs the migrations that are missing, within the caller's transaction.
///
/// # Errors
/// As [`migrate`].
pub(in crate::db) fn forward(connection: &mut DbConnection) -> Result<(), DbError> {
    match connection {
        DbConnection::Sqlite(sqlite) => run::<Sqlite, _>(sqlite, SQLITE),
        DbConnection::Postgres(postgres) => run::<Pg, _>(postgres, POSTGRES),
    }
}

fn undo<B, C>(connection: &mut C, source: impl Fn() -> EmbeddedMigrations, wanted: &[String]) -> Result<(), DbError>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
{
    loop {
        let mut applied: Vec<_> = connection.applied_migrations().map_err(DbError::Migrate)?;
        applied.sort();
        let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
        if applied == wanted {
            return Ok(());
        }
        if let Some(newer) = wanted.iter().find(|version| !applied.contains(version)) {
            return Err(DbError::Newer(newer.clone()));
        }
        if !applied.starts_with(wanted) {
            return Err(DbError::Migrate("the backup's migrations are not the first ones of this version".into()));
        }
        connection.revert_last_migration(source()).map_err(DbError::Migrate)?;
    }
}
