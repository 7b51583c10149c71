//! Albums, as lists and answers show them.

use super::{
    DbConnection, DbError,
    schema::{album_artists, albums, artists, tracks, unscaled_covers},
    unscaled::{CoverColumns, Unscaled},
};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, RunQueryDsl as _,
    dsl::count_star,
};
use std::collections::HashMap;

/// The name of something, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The id.
    pub id: i64,
    /// The name.
    pub name: String,
}

/// An album.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Album {
    /// The id.
    pub id: i64,
    /// The title.
    pub title: String,
    /// Its artists, in order.
    pub artists: Vec<Name>,
    /// The tags call it a compilation.
    pub compilation: bool,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date: Option<String>,
    /// When its recordings first came out, in the same form.
    pub original_date: Option<String>,
    /// The title by which it is sorted, where it differs.
    pub sort_name: Option<String>,
    /// Number of discs.
    pub disc_count: i64,
    /// Tracks that are there.
    pub track_count: i64,
    /// Their length together.
    pub duration_ms: i64,
    /// The cover.
    pub cover_id: Option<i64>,
    /// Present when the cover is not scaled.
    pub unscaled: Option<Unscaled>,
    /// Why its tracks are one album, for people; empty when it was made by an earlier version.
    pub why: String,
    /// When its first track was found, in microseconds since the Unix epoch.
    pub added_us: i64,
}

/// The albums with these ids, in the order of the ids; unknown ones are left out.
///
/// # Errors
/// Those of the database.
pub fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Album>, DbError> {
    type DatesAndSortName = (Option<String>, Option<String>, Option<String>);
    type AlbumRow = (i64, String, bool, DatesAndSortName, (i64, i64, i64), CoverColumns, (String, i64));
    let rows: Vec<AlbumRow> = albums::table
        .left_join(unscaled_covers::table.on(unscaled_covers::id.nullable().eq(albums::cover_id)))
        .filter(albums::id.eq_any(ids))
        .select((
            albums::id,
            albums::title,
            albums::compilation,
            (albums::date, albums::original_date, albums::sort_name),
            (albums::disc_count, albums::track_count, albums::duration_ms),
            (albums::cover_id, (unscaled_covers::id, (unscaled_covers::width, unscaled_covers::height)).nullable()),
            (albums::why, albums::added_us),
        ))
        .load(connection)?;
    let mut artists_of = artists_of(connection, ids)?;
    let album = |(id, title, compilation, names, counts, (cover_id, unscaled), (why, added_us)): AlbumRow| {
        let (date, original_date, sort_name) = names;
        let (disc_count, track_count, duration_ms) = counts;
        let artists = artists_of.remove(&id).unwrap_or_default();
        let unscaled = unscaled.map(|(_, unscaled)| unscaled);
        Album {
            id,
            title,
            artists,
            compilation,
            date,
            original_date,
            sort_name,
            disc_count,
            track_count,
            duration_ms,
            cover_id,
            unscaled,
            why,
            added_us,
        }
    };
    let mut found: HashMap<i64, Album> = rows.into_iter().map(album).map(|album| (album.id, album)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn artists_of(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, Vec<Name>>, DbError> {
    let rows: Vec<(i64, i64, String)> = album_artists::table
        .inner_join(artists::table.on(artists::id.eq(album_artists::artist_id)))
        .filter(album_artists::album_id.eq_any(ids))
        .order((album_artists::album_id, album_artists::position))
        .select((album_artists::album_id, artists::id, artists::name))
        .load(connection)?;
    Ok(grouped(rows))
}

/// Names by what they belong to, in order.
pub(super) fn grouped(rows: Vec<(i64, i64, String)>) -> HashMap<i64, Vec<Name>> {
    let mut names: HashMap<i64, Vec<Name>> = HashMap::new();
    for (of, id, name) in rows {
        names.entry(of).or_default().push(Name { id, name });
    }
    names
}

/// A page of the ids of an album's tracks, in the order in which they are played (those without a number at the end of
/// their disc, by their names), and how many there are.
///
/// # Errors
/// Those of the database.
pub fn tracks_of(connection: &mut DbConnection, id: i64, limit: i64, offset: i64) -> Result<(Vec<i64>, i64), DbError> {
    let of = || tracks::table.filter(tracks::album_id.eq(id)).filter(tracks::missing.eq(false));
    // SQLite and PostgreSQL put what has no number at different ends.
    let order = (tracks::disc, tracks::number.is_null(), tracks::number, tracks::sort_key, tracks::id);
    let page = of().select(tracks::id).order(order);
    let ids = page.limit(limit).offset(offset).load(connection)?;
    Ok((ids, of().select(count_star()).get_result(connection)?))
}
