//! Artists, as lists and answers show them.

use super::{
    DbConnection, DbError,
    connection::RowCount,
    schema::{artists, followed_artists, track_artists, tracks, unscaled_covers},
    unscaled::{CoverColumns, Unscaled},
};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, QueryableByName,
    RunQueryDsl as _, dsl::count_star, sql_query, sql_types::BigInt,
};
use std::collections::HashMap;

/// An artist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artist {
    /// The id.
    pub id: i64,
    /// The name, as most of the tracks spell it.
    pub name: String,
    /// The name by which the artist is sorted, where it differs.
    pub sort_name: Option<String>,
    /// Albums of this artist, compilations aside.
    pub album_count: i64,
    /// Tracks that name this artist.
    pub track_count: i64,
    /// A cover of one of the albums.
    pub cover_id: Option<i64>,
    /// Present when the cover is not scaled.
    pub unscaled: Option<Unscaled>,
    /// How many users follow this artist.
    pub follower_count: i64,
}

/// The artists with these ids, in the order of the ids; unknown ones are left out.
///
/// # Errors
/// Those of the database.
pub fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Artist>, DbError> {
    type ArtistRow = (i64, (String, Option<String>), i64, i64, CoverColumns);
    let rows: Vec<ArtistRow> = artists::table
        .left_join(unscaled_covers::table.on(unscaled_covers::id.nullable().eq(artists::cover_id)))
        .filter(artists::id.eq_any(ids))
        .select((
            artists::id,
            (artists::name, artists::sort_name),
            artists::album_count,
            artists::track_count,
            (artists::cover_id, (unscaled_covers::id, (unscaled_covers::width, unscaled_covers::height)).nullable()),
        ))
        .load(connection)?;
    let followed = followed_artists::table.filter(followed_artists::artist_id.eq_any(ids));
    let counted = followed.group_by(followed_artists::artist_id).select((followed_artists::artist_id, count_star()));
    let followers: HashMap<i64, i64> = counted.load(connection)?.into_iter().collect();
    let artist = |(id, (name, sort_name), album_count, track_count, (cover_id, unscaled)): ArtistRow| {
        let unscaled = unscaled.map(|(_, unscaled)| unscaled);
        let follower_count = followers.get(&id).copied().unwrap_or(0);
        (id, Artist { id, name, sort_name, album_count, track_count, cover_id, unscaled, follower_count })
    };
    let mut found: HashMap<i64, Artist> = rows.into_iter().map(artist).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// A group of the albums of an artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Albums of two tracks and more.
    Albums,
    /// Albums of one track.
    Singles,
    /// Compilations by the artist.
    Compilations,
    /// Albums of others with tracks of the artist.
    AppearsOn,
}

/// A page of the ids of an artist's albums of these groups, the latest release first, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn albums_of(
    connection: &mut DbConnection,
    id: i64,
    groups: &[Group],
    limit: i64,
    offset: i64,
) -> Result<(Vec<i64>, i64), DbError> {
    let own = "id IN (SELECT album_id FROM album_artists WHERE artist_id = $1)";
    let with = "id IN (SELECT album_id FROM tracks JOIN track_artists ON track_artists.track_id = tracks.id \
                WHERE artist_id = $1 AND NOT missing)";
    let condition = |group: &Group| match group {
        Group::Albums => format!("{own} AND NOT compilation AND track_count > 1"),
        Group::Singles => format!("{own} AND NOT compilation AND track_count = 1"),
        Group::Compilations => format!("{own} AND compilation"),
        Group::AppearsOn => format!("NOT {own} AND {with}"),
    };
    let wanted: Vec<String> = groups.iter().map(condition).collect();
    if wanted.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let from = format!("FROM albums WHERE track_count > 0 AND (({}))", wanted.join(") OR ("));
    let page = sql_query(format!("SELECT id {from} ORDER BY date DESC, sort_key, id LIMIT $2 OFFSET $3"));
    let page = page.bind::<BigInt, _>(id).bind::<BigInt, _>(limit).bind::<BigInt, _>(offset);
    let ids = page.load::<AlbumId>(connection)?.into_iter().map(|row| row.id).collect();
    let all = sql_query(format!("SELECT count(*) AS count {from}"));
    let RowCount { count } = all.bind::<BigInt, _>(id).get_result(connection)?;
    Ok((ids, count))
}

#[derive(QueryableByName)]
struct AlbumId {
    #[diesel(sql_type = BigInt)]
    id: i64,
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
    Ok((ids, by().select(count_star()).get_result(connection)?))
}
