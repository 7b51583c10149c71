//! Artists, as lists and answers show them.

use super::{
    DbConnection, DbError,
    schema::{album_artists, albums, artists, track_artists, tracks, unscaled_covers},
    unscaled::{CoverColumns, Unscaled},
};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, RunQueryDsl as _,
    dsl::count_star,
};
use std::collections::HashMap;

/// An artist.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Present when the cover is not scaled.
    pub unscaled: Option<Unscaled>,
}

/// The artists with these ids, in the order of the ids; unknown ones are left out.
///
/// # Errors
/// Those of the database.
pub fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Artist>, DbError> {
    type ArtistRow = (i64, String, i64, i64, CoverColumns);
    let rows: Vec<ArtistRow> = artists::table
        .left_join(unscaled_covers::table.on(unscaled_covers::id.nullable().eq(artists::cover_id)))
        .filter(artists::id.eq_any(ids))
        .select((
            artists::id,
            artists::name,
            artists::album_count,
            artists::track_count,
            (artists::cover_id, (unscaled_covers::id, (unscaled_covers::width, unscaled_covers::height)).nullable()),
        ))
        .load(connection)?;
    let artist = |(id, name, album_count, track_count, (cover_id, unscaled)): ArtistRow| {
        let unscaled = unscaled.map(|(_, unscaled)| unscaled);
        (id, Artist { id, name, album_count, track_count, cover_id, unscaled })
    };
    let mut found: HashMap<i64, Artist> = rows.into_iter().map(artist).collect();
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
