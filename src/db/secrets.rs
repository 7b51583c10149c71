//! Secrets that all nodes share.

use super::{DbConnection, DbError, schema::secrets};
use diesel::{QueryDsl as _, RunQueryDsl as _, sql_query, sql_types::Text};

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
