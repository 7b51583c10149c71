//! Secrets that all nodes share.

use super::{DbConnection, DbError, schema::secrets};
use diesel::{OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, sql_query, sql_types::Text};

/// Signs tokens and links.
pub const TOKEN_KEY: &str = "token_key";
/// The catalogue's name, under which its changes are numbered: another one when the database was put back, so that whoever
/// remembers something of it (the search index, a running server) sees that it is worth nothing now.
pub const CATALOGUE: &str = "catalogue";

/// The secret of this name; the first to ask puts `fresh` there.
///
/// # Errors
/// The database's.
pub fn get_or_insert(connection: &mut DbConnection, name: &str, fresh: &str) -> Result<String, DbError> {
    sql_query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind::<Text, _>(name)
        .bind::<Text, _>(fresh)
        .execute(connection)?;
    Ok(secrets::table.find(name).select(secrets::value).first(connection)?)
}

/// The catalogue's name, given by the first to ask.
///
/// # Errors
/// The database's.
pub fn catalogue(connection: &mut DbConnection) -> Result<String, DbError> {
    get_or_insert(connection, CATALOGUE, &fresh_catalogue())
}

/// A name that no catalogue had.
pub(in crate::db) fn fresh_catalogue() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The secret of this name, if there is one.
///
/// # Errors
/// The database's.
pub fn get(connection: &mut DbConnection, name: &str) -> Result<Option<String>, DbError> {
    Ok(secrets::table.find(name).select(secrets::value).first(connection).optional()?)
}

/// Sets the secret of this name, whether there is one or not.
///
/// # Errors
/// The database's.
pub fn set(connection: &mut DbConnection, name: &str, value: &str) -> Result<(), DbError> {
    sql_query(
        "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind::<Text, _>(name)
    .bind::<Text, _>(value)
    .execute(connection)?;
    Ok(())
}
