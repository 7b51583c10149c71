//! Artists, as lists and answers show them.

use super::{
    DbConnection, DbError,
    schema::{album_artists, albums, artists, track_artists, tracks},
};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, Queryable, RunQueryDsl as _, dsl::count_star};
use std::collections::HashMap;

/// An artist.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Artist {
    /// The id.
    pub id: i64,
    /// The name, as first seen.
    pub name: String,
    /// Albums of this artist, compilations aside.
    pub album_count: i64,
    /// Tracks that name this artist.
    pub track_count: i64,
    /// A cover of one of the albums.
    pub cover_id: Option<i64>,
}

/// The artists with these ids, in the order of the ids; unknown ones are left out.
///
/// # Errors
/// Those of the database.
pub fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Artist>, DbError> {
    let columns = (artists::id, artists::name, artists::album_count, artists::track_count, artists::cover_id);
    let found: Vec<Artist> = artists::table.filter(artists::id.eq_any(ids)).select(columns).load(connection)?;
    let mut found: HashMap<i64, Artist> = found.into_iter().map(|artist| (artist.id, artist)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// A page of the ids of an artist's albums, the latest release first, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn albums_of(connection: &mut DbConnection, id: i64, limit: i64, offset: i64) -> Result<(Vec<i64>, i64), DbError> {
    let by = || {
        album_artists::table
            .inner_join(albums::table.on(albums::id.eq(album_artists::album_id)))
            .filter(album_artists::artist_id.eq(id))
            .filter(albums::track_count.gt(0))
    };
    let page = by().select(albums::id).order((albums::date.desc(), albums::sort_key, albums::id));
    let ids = page.limit(limit).offset(offset).load(connection)?;
    Ok((ids, by().select(count_star()).first(connection)?))
}

/// A page of the ids of an artist's tracks, by title, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn tracks_of(connection: &mut DbConnection, id: i64, limit: i64, offset: i64) -> Result<(Vec<i64>, i64), DbError> {
    let by = || {
        track_artists::table
            .inner_join(tracks::table.on(tracks::id.eq(track_artists::track_id)))
            .filter(track_artists::artist_id.eq(id))
            .filter(tracks::missing.eq(false))
    };
    let page = by().select(tracks::id).order((tracks::sort_key, tracks::id));
    let ids = page.limit(limit).offset(offset).load(connection)?;
    Ok((ids, by().select(count_star()).first(connection)?))
}
