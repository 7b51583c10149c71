//! Values shared by all nodes: the signing key, the name of the catalogue, the secret in the ids of covers.

use super::{DbConnection, DbError, schema::secrets};
use diesel::{OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, sql_query, sql_types::Text};

/// The key that signs tokens and links.
pub const TOKEN_KEY: &str = "token_key";
/// The random name of the catalogue. A restore of the database gives it another one, so that the search index and running
/// servers see that what they hold of it is invalid, its change numbers above all.
pub const CATALOGUE: &str = "catalogue";

/// The value of this name. The first call stores `fresh`; later calls return what is stored.
///
/// # Errors
/// The database's.
pub fn get_or_insert(connection: &mut DbConnection, name: &str, fresh: &str) -> Result<String, DbError> {
    sql_query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind::<Text, _>(name)
        .bind::<Text, _>(fresh)
        .execute(connection)?;
    Ok(secrets::table.find(name).select(secrets::value).get_result(connection)?)
}

/// The catalogue's name; the first call makes one.
///
/// # Errors
/// The database's.
pub fn catalogue(connection: &mut DbConnection) -> Result<String, DbError> {
    get_or_insert(connection, CATALOGUE, &fresh_catalogue())
}

/// A new random name.
pub(in crate::db) fn fresh_catalogue() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The value of this name, if there is one.
///
/// # Errors
/// The database's.
pub fn get(connection: &mut DbConnection, name: &str) -> Result<Option<String>, DbError> {
    Ok(secrets::table.find(name).select(secrets::value).get_result(connection).optional()?)
}

/// Stores the value of this name, in place of an older one.
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
