//! What a user saved: tracks, albums, and artists that the user follows.

use super::{DbConnection, DbError, connection::RowCount, merged};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};

/// A kind of thing that users save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Tracks, those whose files are missing too.
    Tracks,
    /// Albums.
    Albums,
    /// Artists that a user follows.
    Artists,
}

/// A saved thing, and when it was saved, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct SavedRow {
    /// The id.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// When it was saved.
    #[diesel(sql_type = BigInt)]
    pub added_us: i64,
}

impl Saved {
    /// The table, its column with the id, the table of the things, and which of those are there.
    const fn parts(self) -> [&'static str; 4] {
        match self {
            Self::Tracks => ["saved_tracks", "track_id", "tracks", "TRUE"],
            Self::Albums => ["saved_albums", "album_id", "albums", "track_count > 0"],
            Self::Artists => ["followed_artists", "artist_id", "artists", "track_count + album_count > 0"],
        }
    }

    /// Those that this user saved and that are there, as `FROM` and `WHERE` with one bind.
    fn from(self) -> String {
        let [table, column, things, there] = self.parts();
        format!("FROM {table} JOIN {things} ON {things}.id = {table}.{column} WHERE user_id = $1 AND {there}")
    }
}

/// A page of what a user saved, the newest first, and how much there is.
///
/// # Errors
/// Those of the database.
pub fn page(
    connection: &mut DbConnection,
    saved: Saved,
    user_id: i64,
    limit: i64,
    offset: i64,
) -> Result<(Vec<SavedRow>, i64), DbError> {
    let ([table, column, ..], from) = (saved.parts(), saved.from());
    let rows = sql_query(format!(
        "SELECT {table}.{column} AS id, {table}.added_us AS added_us {from} \
         ORDER BY {table}.added_us DESC, {table}.{column} DESC LIMIT $2 OFFSET $3"
    ));
    let rows = rows.bind::<BigInt, _>(user_id).bind::<BigInt, _>(limit).bind::<BigInt, _>(offset).load(connection)?;
    Ok((rows, count(connection, saved, user_id)?))
}

/// Up to `limit` saved things with ids above `after`, in the order of their ids.
///
/// # Errors
/// Those of the database.
pub fn after(
    connection: &mut DbConnection,
    saved: Saved,
    user_id: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<SavedRow>, DbError> {
    let ([table, column, ..], from) = (saved.parts(), saved.from());
    let rows = sql_query(format!(
        "SELECT {table}.{column} AS id, {table}.added_us AS added_us {from} AND {table}.{column} > $2 \
         ORDER BY {table}.{column} LIMIT $3"
    ));
    Ok(rows.bind::<BigInt, _>(user_id).bind::<BigInt, _>(after).bind::<BigInt, _>(limit).load(connection)?)
}

/// How much a user saved.
///
/// # Errors
/// Those of the database.
pub fn count(connection: &mut DbConnection, saved: Saved, user_id: i64) -> Result<i64, DbError> {
    let all = sql_query(format!("SELECT count(*) AS count {}", saved.from()));
    let RowCount { count } = all.bind::<BigInt, _>(user_id).get_result(connection)?;
    Ok(count)
}

/// Whether all of these are in the catalogue, missing ones too.
///
/// # Errors
/// Those of the database.
pub fn are_known(connection: &mut DbConnection, saved: Saved, ids: &[i64]) -> Result<bool, DbError> {
    let [_, _, things, _] = saved.parts();
    for id in ids {
        let known = sql_query(format!("SELECT count(*) AS count FROM {things} WHERE id = $1"));
        let RowCount { count } = known.bind::<BigInt, _>(*id).get_result(connection)?;
        if count == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Saves things; those that are saved keep their time.
///
/// # Errors
/// Those of the database.
pub fn add(connection: &mut DbConnection, saved: Saved, user_id: i64, ids: &[i64], now_us: i64) -> Result<(), DbError> {
    let [table, column, ..] = saved.parts();
    // The last one asked for is the newest, as if they had been saved one by one.
    for (id, at) in by_target(connection, saved, ids)?.into_iter().zip(now_us..) {
        sql_query(format!(
            "INSERT INTO {table} (user_id, {column}, added_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        ))
        .bind::<BigInt, _>(user_id)
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(at)
        .execute(connection)?;
    }
    Ok(())
}

/// Forgets things that were saved.
///
/// # Errors
/// Those of the database.
pub fn remove(connection: &mut DbConnection, saved: Saved, user_id: i64, ids: &[i64]) -> Result<(), DbError> {
    let [table, column, ..] = saved.parts();
    for id in by_target(connection, saved, ids)? {
        sql_query(format!("DELETE FROM {table} WHERE user_id = $1 AND {column} = $2"))
            .bind::<BigInt, _>(user_id)
            .bind::<BigInt, _>(id)
            .execute(connection)?;
    }
    Ok(())
}

/// For each of these ids whether the user saved it.
///
/// # Errors
/// Those of the database.
pub fn contains(connection: &mut DbConnection, saved: Saved, user_id: i64, ids: &[i64]) -> Result<Vec<bool>, DbError> {
    let [table, column, ..] = saved.parts();
    let mut found = Vec::with_capacity(ids.len());
    for id in by_target(connection, saved, ids)? {
        let rows = sql_query(format!("SELECT count(*) AS count FROM {table} WHERE user_id = $1 AND {column} = $2"));
        let RowCount { count } = rows.bind::<BigInt, _>(user_id).bind::<BigInt, _>(id).get_result(connection)?;
        found.push(count > 0);
    }
    Ok(found)
}

/// These ids; in place of tracks that became part of another one that one's.
fn by_target(connection: &mut DbConnection, saved: Saved, ids: &[i64]) -> Result<Vec<i64>, DbError> {
    if saved != Saved::Tracks {
        return Ok(ids.to_vec());
    }
    let targets = merged::targets(connection, ids.iter().copied())?;
    Ok(ids.iter().map(|id| targets.get(id).copied().unwrap_or(*id)).collect())
}
