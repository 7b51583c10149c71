//! Restores a database in one transaction: afterwards it has either all of the old or all of the new content.

use super::{Column, LEFT_OUT, TABLES, Table, read, tables};
use crate::{
    db::{DbConnection, DbError, migrate, secrets},
    time,
};
use diesel::{
    RunQueryDsl as _,
    connection::SimpleConnection as _,
    sql_query,
    sql_types::{BigInt, Text},
};

/// The columns of `api_keys`.
const KEY_COLUMNS: &str = "id, user_id, name, scope, hash, created_us, used_day";

/// What a restore did to the logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoredLogins {
    /// The backup is of this installation: its logins stay valid, revoked logins stay revoked.
    Same,
    /// The backup is of another installation, or from before the first start: tokens issued since are invalid.
    Other,
}

/// Inserts the rows of a backup.
pub struct Loader<'a> {
    connection: &'a mut DbConnection,
}

/// Replaces the content of all tables of a backup by the rows that `load` inserts. They were written by a database with
/// these `migrations`; later ones are run afterwards. The catalogue gets a new name, by which servers and search indices
/// notice the restore.
///
/// # Errors
/// Those of the database and of `load`; the caller must then roll the transaction back.
pub fn replace<E: From<DbError>>(
    connection: &mut DbConnection,
    migrations: &[String],
    load: impl FnOnce(&mut Loader<'_>) -> Result<(), E>,
) -> Result<RestoredLogins, E> {
    lock(connection)?;
    let key = secrets::get(connection, secrets::TOKEN_KEY)?;
    keep_logins(connection)?;
    for table in TABLES.iter().rev() {
        run(connection, &format!("DELETE FROM {table}"))?;
    }
    migrate::back_to(connection, migrations)?;
    load(&mut Loader { connection })?;
    migrate::forward(connection)?;
    let same = key.is_some() && key == secrets::get(connection, secrets::TOKEN_KEY)?;
    if same {
        merge_logins(connection)?;
    }
    run(connection, "DROP TABLE kept_logins")?;
    run(connection, "DROP TABLE kept_keys")?;
    run(connection, "DROP TABLE kept_revocations")?;
    secrets::set(connection, secrets::CATALOGUE, &secrets::fresh_catalogue())?;
    Ok(if same { RestoredLogins::Same } else { RestoredLogins::Other })
}

impl Loader<'_> {
    /// The tables to be filled.
    ///
    /// # Errors
    /// The database's.
    pub fn tables(&mut self) -> Result<Vec<Table>, DbError> {
        tables(self.connection)
    }

    /// Adds rows to a table: a JSON array of rows, each written by [`super::each_row`] with the columns of `table`.
    ///
    /// # Errors
    /// The database's, for values that do not fit.
    pub fn add(&mut self, table: &Table, rows: &str) -> Result<(), DbError> {
        let is_sqlite = matches!(self.connection, DbConnection::Sqlite(_));
        let names: Vec<_> = table.columns.iter().map(|Column(name, _)| name.as_str()).collect();
        let values = table.columns.iter().enumerate().map(|(place, Column(_, kind))| read(place, *kind, is_sqlite));
        let values: Vec<_> = values.collect();
        let from = if is_sqlite { "json_each($1)" } else { "json_array_elements($1::json) AS rows (value)" };
        let (name, names, values) = (&table.name, names.join(", "), values.join(", "));
        let statement = format!("INSERT INTO {name} ({names}) SELECT {values} FROM {from}");
        sql_query(statement).bind::<Text, _>(rows).execute(self.connection)?;
        Ok(())
    }
}

/// Locks all tables against writing until the transaction ends; the old content can be read meanwhile. On SQLite the
/// write transaction itself does this.
fn lock(connection: &mut DbConnection) -> Result<(), DbError> {
    if let DbConnection::Postgres(postgres) = connection {
        let all: Vec<_> = TABLES.iter().chain(LEFT_OUT).copied().collect();
        postgres.batch_execute(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", all.join(", ")))?;
    }
    Ok(())
}

fn keep_logins(connection: &mut DbConnection) -> Result<(), DbError> {
    run(
        connection,
        "CREATE TEMPORARY TABLE kept_logins AS SELECT id, user_id, agent, created_us, expires_us FROM logins",
    )?;
    let columns = KEY_COLUMNS;
    run(connection, &format!("CREATE TEMPORARY TABLE kept_keys AS SELECT {columns} FROM api_keys"))?;
    run(
        connection,
        "CREATE TEMPORARY TABLE kept_revocations AS SELECT login_id, revoked_us, expires_us FROM revocations",
    )
}

/// Tokens are checked without the database. One issued since the backup is still valid, so its login must be in the
/// table, where the user can see and revoke it; and a login revoked since the backup must stay revoked.
fn merge_logins(connection: &mut DbConnection) -> Result<(), DbError> {
    run(
        connection,
        "INSERT INTO revocations (login_id, revoked_us, expires_us)
         SELECT login_id, revoked_us, expires_us FROM kept_revocations
         WHERE login_id NOT IN (SELECT login_id FROM revocations)",
    )?;
    // Accounts made since the backup are gone with their logins.
    sql_query(
        "INSERT INTO revocations (login_id, revoked_us, expires_us)
         SELECT id, $1, expires_us FROM kept_logins WHERE user_id NOT IN (SELECT id FROM users)
         AND id NOT IN (SELECT login_id FROM revocations)",
    )
    .bind::<BigInt, _>(time::now().0)
    .execute(connection)?;
    // API keys are those of now: one removed since the backup stays removed.
    let columns = KEY_COLUMNS;
    run(connection, "DELETE FROM api_keys")?;
    run(
        connection,
        &format!(
            "INSERT INTO api_keys ({columns}) SELECT {columns} FROM kept_keys WHERE user_id IN (SELECT id FROM users)"
        ),
    )?;
    run(
        connection,
        "INSERT INTO logins (id, user_id, agent, created_us, expires_us)
         SELECT id, user_id, agent, created_us, expires_us FROM kept_logins
         WHERE user_id IN (SELECT id FROM users) AND id NOT IN (SELECT id FROM logins)",
    )?;
    run(connection, "DELETE FROM logins WHERE id IN (SELECT login_id FROM revocations)")
}

fn run(connection: &mut DbConnection, statement: &str) -> Result<(), DbError> {
    sql_query(statement).execute(connection)?;
    Ok(())
}
