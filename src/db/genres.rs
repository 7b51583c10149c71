//! Genres, as lists show them.

use super::{
    DbConnection, DbError,
    schema::{genres, track_genres, tracks},
};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, Queryable, RunQueryDsl as _, dsl::count_star};

/// A genre.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Genre {
    /// The id.
    pub id: i64,
    /// The name, as most of the tracks spell it.
    pub name: String,
    /// Tracks of this genre.
    pub track_count: i64,
}

/// A page of the genres that have tracks, by name, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn page(connection: &mut DbConnection, limit: i64, offset: i64) -> Result<(Vec<Genre>, i64), DbError> {
    let there = || genres::table.filter(genres::track_count.gt(0));
    let columns = (genres::id, genres::name, genres::track_count);
    let page = there().select(columns).order((genres::sort_key, genres::id)).limit(limit).offset(offset);
    let found = page.load(connection)?;
    Ok((found, there().select(count_star()).get_result(connection)?))
}

/// A page of the ids of a genre's tracks, by title, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn tracks_of(connection: &mut DbConnection, id: i64, limit: i64, offset: i64) -> Result<(Vec<i64>, i64), DbError> {
    let of = || {
        track_genres::table
            .inner_join(tracks::table.on(tracks::id.eq(track_genres::track_id)))
            .filter(track_genres::genre_id.eq(id))
            .filter(tracks::missing.eq(false))
    };
    let page = of().select(tracks::id).order((tracks::sort_key, tracks::id));
    let ids = page.limit(limit).offset(offset).load(connection)?;
    Ok((ids, of().select(count_star()).get_result(connection)?))
}
