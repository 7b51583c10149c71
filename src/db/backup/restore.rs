//! Putting a database back: everything in one transaction, so that it is the old one or the new one and never between.

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

/// What became of the logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The backup is of this very installation: who was logged in still is, what was revoked stays revoked.
    Same,
    /// The backup is of another installation, or of before the first start: tokens given since are void.
    Other,
}

/// Takes the rows of a backup.
pub struct Loader<'a> {
    connection: &'a mut DbConnection,
}

/// Replaces all that a backup holds by what `load` gives, which was written by a database of these `migrations`; the rest
/// of ours are run afterwards. The catalogue's name changes, by which servers and search indices see what happened.
///
/// # Errors
/// The database's and those of `load`; nothing has changed then, if the transaction is rolled back.
pub fn replace<E: From<DbError>>(
    connection: &mut DbConnection,
    migrations: &[String],
    load: impl FnOnce(&mut Loader<'_>) -> Result<(), E>,
) -> Result<Outcome, E> {
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
    run(connection, "DROP TABLE kept_revocations")?;
    secrets::set(connection, secrets::CATALOGUE, &secrets::fresh_catalogue())?;
    Ok(if same { Outcome::Same } else { Outcome::Other })
}

impl Loader<'_> {
    /// The tables as they are to be filled.
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

/// Keeps others from writing until the end; they may read what was. On SQLite the transaction alone does.
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
    run(
        connection,
        "CREATE TEMPORARY TABLE kept_revocations AS SELECT login_id, revoked_us, expires_us FROM revocations",
    )
}

/// A token says by itself whose it is: one given since the backup still counts, so its login must be there to be seen and
/// ended; and one that was ended since must not come back to life.
fn merge_logins(connection: &mut DbConnection) -> Result<(), DbError> {
    run(
        connection,
        "INSERT INTO revocations (login_id, revoked_us, expires_us)
         SELECT login_id, revoked_us, expires_us FROM kept_revocations
         WHERE login_id NOT IN (SELECT login_id FROM revocations)",
    )?;
    // Accounts made since the backup are gone, and so are their logins.
    sql_query(
        "INSERT INTO revocations (login_id, revoked_us, expires_us)
         SELECT id, $1, expires_us FROM kept_logins WHERE user_id NOT IN (SELECT id FROM users)
         AND id NOT IN (SELECT login_id FROM revocations)",
    )
    .bind::<BigInt, _>(time::now().0)
    .execute(connection)?;
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
