//! Runs the missing migrations at start, in one process at a time.

use super::{
    DatabaseUrl, DbError,
    connection::{Access, DbConnection, RowCount},
    obstacle, private,
};
use diesel::{
    RunQueryDsl as _,
    connection::{AnsiTransactionManager, TransactionManager as _},
    migration::{Migration as _, MigrationSource},
    pg::Pg,
    result::Error as DieselError,
    sqlite::Sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{collections::BTreeSet, fs::File, path::Path};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Whether there are tables of segue: 0 or 1.
const SQLITE_TABLES: &str = "SELECT count(*) AS count FROM sqlite_schema WHERE name = '__diesel_schema_migrations'";
const POSTGRES_TABLES: &str =
    "SELECT count(*) AS count FROM pg_class WHERE oid = to_regclass('__diesel_schema_migrations')";

/// Runs the migrations that are missing. Two processes at once wait for each other.
///
/// # Errors
/// `Connect` or `Unusable`; `Newer` for tables of a later version; `Migrate` when a migration fails, which leaves the tables
/// as they were before it.
pub fn migrate(url: &DatabaseUrl) -> Result<(), DbError> {
    let _lock = lock_file(url)?;
    match DbConnection::open(url, Access::Write)? {
        DbConnection::Sqlite(mut sqlite) => {
            let named = |error: DieselError| match url {
                DatabaseUrl::Sqlite(path) => obstacle::of_db(path, error.into()),
                DatabaseUrl::Postgres(_) => error.into(),
            };
            // The write lock is only waited for when there is something to write: a backup beside a server that writes
            // all the time must not fail.
            let is_new =
                diesel::sql_query(SQLITE_TABLES).get_result::<RowCount>(&mut sqlite).map_err(named)?.count == 0;
            if is_new || is_any_missing::<Sqlite, _>(&mut sqlite, &SQLITE)? {
                AnsiTransactionManager::begin_transaction_sql(&mut sqlite, "BEGIN EXCLUSIVE").map_err(named)?;
                run::<Sqlite, _>(&mut sqlite, SQLITE)?;
                AnsiTransactionManager::commit_transaction(&mut sqlite)?;
            }
            if let DatabaseUrl::Sqlite(path) = url {
                private::close_database(path);
            }
        }
        DbConnection::Postgres(mut postgres) => {
            // The lock is released with the connection in any case. The number is "segue" in ASCII.
            diesel::sql_query("SELECT pg_advisory_lock(495857006949)").execute(&mut postgres)?;
            run::<Pg, _>(&mut postgres, POSTGRES)?;
        }
    }
    Ok(())
}

/// For SQLite a lock on a file beside the database, held until it is dropped. Switching to WAL is not part of a
/// transaction: when two processes do it at once one fails at once, even with a busy timeout (sqlite.org/wal.html).
fn lock_file(url: &DatabaseUrl) -> Result<Option<File>, DbError> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(None) };
    if let Some(folder) = path.parent() {
        private::make_folder(folder).map_err(|error| obstacle::of_io(path, folder, &error))?;
    }
    let mut name = path.clone().into_os_string();
    name.push("-lock");
    let locked = private::lock_file(Path::new(&name)).and_then(|file| file.lock().map(|()| file));
    let locked = locked.map_err(|error| obstacle::of_io(path, Path::new(&name), &error))?;
    private::make_database(path).map_err(|error| obstacle::of_io(path, path, &error))?;
    Ok(Some(locked))
}

/// Checks that there is a database with tables of segue, and makes nothing.
///
/// # Errors
/// `Absent` when there is none; `Connect` or `Unusable` when that cannot be seen.
pub(super) fn require(url: &DatabaseUrl) -> Result<(), DbError> {
    let absent = || DbError::Absent(url.to_string());
    if let DatabaseUrl::Sqlite(path) = url {
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(absent()),
            Err(error) => return Err(obstacle::of_io(path, path, &error)),
        }
    }
    let mut connection = DbConnection::open(url, Access::Read)?;
    let found = match &mut connection {
        DbConnection::Sqlite(sqlite) => diesel::sql_query(SQLITE_TABLES).get_result::<RowCount>(sqlite),
        DbConnection::Postgres(postgres) => diesel::sql_query(POSTGRES_TABLES).get_result::<RowCount>(postgres),
    };
    match (found, url) {
        (Ok(RowCount { count: 0 }), _) => Err(absent()),
        (Ok(_), _) => Ok(()),
        (Err(error), DatabaseUrl::Sqlite(path)) => Err(obstacle::of_sqlite(path, &error)),
        (Err(error), DatabaseUrl::Postgres(_)) => Err(error.into()),
    }
}

/// Whether migrations of this version have not been run. Makes the table of migrations where there is none.
///
/// # Errors
/// `Newer` when one has been run that this version does not know.
fn is_any_missing<B, C>(connection: &mut C, source: &EmbeddedMigrations) -> Result<bool, DbError>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
{
    let known = MigrationSource::<B>::migrations(source).map_err(DbError::Migrate)?;
    let known: BTreeSet<_> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = connection.applied_migrations().map_err(DbError::Migrate)?;
    match applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        Some(newer) => Err(DbError::Newer(newer)),
        None => Ok(applied.len() < known.len()),
    }
}

fn run<B, C>(connection: &mut C, source: EmbeddedMigrations) -> Result<(), DbError>
where
    B: diesel::backend::Backend,
    C: MigrationHarness<B>,
{
    is_any_missing::<B, C>(connection, &source)?;
    let run = connection.run_pending_migrations(source).map_err(DbError::Migrate)?;
    if let Some(newest) = run.last() {
        log::info!("database: the tables are those of {newest} now (migrations run: {})", run.len());
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
