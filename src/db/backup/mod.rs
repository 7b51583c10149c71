//! All tables as text in a form that both databases write and read: one JSON array for each row.
//!
//! The database itself formats and parses the text, so that a new column needs no change here, and a new table only its
//! entry in [`TABLES`].

mod restore;

pub use restore::{Loader, RestoredLogins, replace};

use super::{DbConnection, DbError, connection::RowCount};
use diesel::{
    QueryableByName, RunQueryDsl as _, connection::DefaultLoadingMode, pg::PgRowByRowLoadingMode, sql_query,
    sql_types::Text,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Every table of a backup; tables that others refer to come first.
pub const TABLES: &[&str] = &[
    "users",
    "logins",
    "login_networks",
    "api_keys",
    "revocations",
    "secrets",
    "changes",
    "folders",
    "unscaled_covers",
    "files",
    "departed_files",
    "artists",
    "albums",
    "album_artists",
    "tracks",
    "merged_tracks",
    "track_albums",
    "stale_titles",
    "former_albums",
    "former_artists",
    "track_artists",
    "sort_names",
    "genres",
    "track_genres",
    "playlists",
    "playlist_items",
    "saved_tracks",
    "saved_albums",
    "followed_artists",
    "sessions",
    "session_queues",
    "plays",
    "play_counts",
    "gone_playlists",
];

/// Tables that are not part of a backup: heartbeats describe the servers that run now; login codes expire within minutes,
/// and are deleted with the users that a restore replaces.
pub const LEFT_OUT: &[&str] = &["nodes", "login_codes"];

/// How a column's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// A JSON number, 64 bits.
    Integer,
    /// A JSON number, double precision.
    Real,
    /// A JSON string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A JSON string of hexadecimal digits.
    Bytes,
}

/// A column: its name and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column(pub String, pub ColumnKind);

/// A table of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    #[serde(rename = "table")]
    pub name: String,
    /// Its columns in the order of a row's values.
    pub columns: Vec<Column>,
    /// Its number of rows.
    pub rows: u64,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self.columns.iter().map(|Column(name, kind)| format!("{name} {kind:?}")).collect();
        write!(f, "{} ({})", self.name, columns.join(", "))
    }
}

#[derive(QueryableByName)]
struct Described {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct JsonRow {
    #[diesel(sql_type = Text)]
    row: String,
}

#[derive(QueryableByName)]
struct MigrationRow {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The migrations that were run on this database, the oldest first.
///
/// # Errors
/// The database's.
pub fn migrations(connection: &mut DbConnection) -> Result<Vec<String>, DbError> {
    let rows: Vec<MigrationRow> =
        sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version").load(connection)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// The tables of a backup that this database has, with their columns and numbers of rows.
///
/// # Errors
/// The database's; `Corrupt` for a column whose type the two databases do not share.
pub fn tables(connection: &mut DbConnection) -> Result<Vec<Table>, DbError> {
    let described = match connection {
        DbConnection::Sqlite(_) => "SELECT name, lower(type) AS kind FROM pragma_table_info($1) ORDER BY cid",
        DbConnection::Postgres(_) => {
            "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS kind FROM pg_attribute \
             WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        }
    };
    let mut tables = Vec::with_capacity(TABLES.len());
    for name in TABLES {
        let columns: Vec<Described> = sql_query(described).bind::<Text, _>(name).load(connection)?;
        if columns.is_empty() {
            continue;
        }
        let columns = columns.into_iter().map(column).collect::<Result<_, _>>()?;
        let RowCount { count } = sql_query(format!("SELECT count(*) AS count FROM {name}")).get_result(connection)?;
        tables.push(Table { name: (*name).to_owned(), columns, rows: u64::try_from(count).unwrap_or(0) });
    }
    Ok(tables)
}

fn column(Described { name, kind }: Described) -> Result<Column, DbError> {
    let kind = match kind.as_str() {
        "bigint" => ColumnKind::Integer,
        "double precision" => ColumnKind::Real,
        "text" => ColumnKind::Text,
        "boolean" => ColumnKind::Boolean,
        "blob" | "bytea" => ColumnKind::Bytes,
        other => return Err(DbError::Corrupt(format!("column {name} has type {other}"))),
    };
    Ok(Column(name, kind))
}

/// Calls `take` with every row of a table as a JSON array without line breaks.
///
/// # Errors
/// Those of the database, and the first of `take`, which ends the reading.
pub fn each_row<E: From<DbError>>(
    connection: &mut DbConnection,
    table: &Table,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let written = |column| written(column, matches!(connection, DbConnection::Sqlite(_)));
    let values: Vec<_> = table.columns.iter().map(written).collect();
    let (values, name) = (values.join(", "), &table.name);
    let failed = |error: diesel::result::Error| E::from(error.into());
    // One row at a time: a table may be larger than memory.
    match connection {
        DbConnection::Sqlite(sqlite) => {
            let all = sql_query(format!("SELECT json_array({values}) AS row FROM {name}"));
            for row in all.load_iter::<JsonRow, DefaultLoadingMode>(sqlite).map_err(failed)? {
                take(&row.map_err(failed)?.row)?;
            }
        }
        DbConnection::Postgres(postgres) => {
            let all = sql_query(format!("SELECT json_build_array({values})::text AS row FROM {name}"));
            for row in all.load_iter::<JsonRow, PgRowByRowLoadingMode>(postgres).map_err(failed)? {
                take(&row.map_err(failed)?.row)?;
            }
        }
    }
    Ok(())
}

/// The SQL of a value to be written.
fn written(Column(name, kind): &Column, is_sqlite: bool) -> String {
    match (kind, is_sqlite) {
        (ColumnKind::Boolean, true) => format!("json(CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END)"),
        // hex() of NULL would be the empty text.
        (ColumnKind::Bytes, true) => format!("CASE WHEN {name} IS NOT NULL THEN lower(hex({name})) END"),
        (ColumnKind::Bytes, false) => format!("encode({name}, 'hex')"),
        _ => name.clone(),
    }
}

/// The SQL of value number `place` of the JSON array `value`.
fn read(place: usize, kind: ColumnKind, is_sqlite: bool) -> String {
    match (kind, is_sqlite) {
        (ColumnKind::Bytes, true) => format!("unhex(value->>{place})"),
        (_, true) | (ColumnKind::Text, false) => format!("value->>{place}"),
        (ColumnKind::Integer, false) => format!("(value->>{place})::bigint"),
        (ColumnKind::Real, false) => format!("(value->>{place})::double precision"),
        (ColumnKind::Boolean, false) => format!("(value->>{place})::boolean"),
        (ColumnKind::Bytes, false) => format!("decode(value->>{place}, 'hex')"),
    }
}
