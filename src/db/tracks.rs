//! Tracks, as lists and answers show them.

use super::{
    DbConnection, DbError,
    albums::{self, Album, Name, grouped},
    merged,
    schema::{artists, files, genres, track_artists, track_genres, tracks},
};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, Queryable, RunQueryDsl as _, Selectable,
    SelectableHelper as _,
};
use std::{collections::HashMap, sync::Arc};

/// What a track's own row says.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = tracks)]
pub struct TrackRow {
    /// The id.
    pub id: i64,
    /// The album it is on.
    pub album_id: i64,
    /// The title.
    pub title: String,
    /// Disc number, from 1.
    pub disc: i64,
    /// Track number on the disc, from 1.
    pub number: Option<i64>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Length in milliseconds; 0 when unknown.
    pub duration_ms: i64,
    /// File format.
    pub container: String,
    /// Coding of the samples.
    pub codec: String,
    /// Samples per second.
    pub sample_rate_hz: Option<i64>,
    /// Number of channels.
    pub channels: Option<i64>,
    /// Bits per sample.
    pub bit_depth: Option<i64>,
    /// Average bit rate in kbit/s.
    pub bit_rate_kbps: Option<i64>,
    /// `ReplayGain` of the track in dB.
    pub track_gain_db: Option<f64>,
    /// Peak of the track; 1.0 is full scale.
    pub track_peak: Option<f64>,
    /// `ReplayGain` of the album in dB.
    pub album_gain_db: Option<f64>,
    /// Peak of the album; 1.0 is full scale.
    pub album_peak: Option<f64>,
    /// The picture in the file.
    pub cover_id: Option<i64>,
    /// The file is not there, or cannot be read.
    pub missing: bool,
    /// When it was found, in microseconds since the Unix epoch.
    pub added_us: i64,
    /// The words are explicit.
    pub explicit: bool,
    /// Composers, a line each.
    pub composers: String,
    /// When the recording first came out, in the form of `date`.
    pub original_date: Option<String>,
}

/// A track with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its own row.
    pub row: TrackRow,
    /// The version of its bytes.
    pub version: String,
    /// Its album.
    pub album: Arc<Album>,
    /// Its artists, in order.
    pub artists: Vec<Name>,
    /// Its genres, in order.
    pub genres: Vec<Name>,
}

/// The tracks with these ids, in the order of the ids, missing ones too; unknown ones are left out. One that became part of
/// another one is that, under the id that was asked for.
///
/// # Errors
/// Those of the database.
pub fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Track>, DbError> {
    let mut found = load_rows(connection, ids)?;
    let missing: Vec<i64> = found.values().filter(|track| track.row.missing).map(|track| track.row.id).collect();
    let targets = merged::targets(connection, missing)?;
    if !targets.is_empty() {
        let others = load_rows(connection, &targets.values().copied().collect::<Vec<_>>())?;
        for (id, target) in targets {
            if let Some(other) = others.get(&target) {
                found.insert(id, Track { row: TrackRow { id, ..other.row.clone() }, ..other.clone() });
            }
        }
    }
    // A playlist may name a track twice.
    Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
}

fn load_rows(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, Track>, DbError> {
    let rows: Vec<(TrackRow, String)> = tracks::table
        .inner_join(files::table.on(files::id.eq(tracks::id)))
        .filter(tracks::id.eq_any(ids))
        .select((TrackRow::as_select(), files::version))
        .load(connection)?;
    let mut album_ids: Vec<i64> = rows.iter().map(|(row, _)| row.album_id).collect();
    album_ids.sort_unstable();
    album_ids.dedup();
    let albums: HashMap<i64, Arc<Album>> =
        albums::load(connection, &album_ids)?.into_iter().map(|album| (album.id, Arc::new(album))).collect();
    let artists: Vec<(i64, i64, String)> = track_artists::table
        .inner_join(artists::table.on(artists::id.eq(track_artists::artist_id)))
        .filter(track_artists::track_id.eq_any(ids))
        .order((track_artists::track_id, track_artists::position))
        .select((track_artists::track_id, artists::id, artists::name))
        .load(connection)?;
    let artists = grouped(artists);
    let genres: Vec<(i64, i64, String)> = track_genres::table
        .inner_join(genres::table.on(genres::id.eq(track_genres::genre_id)))
        .filter(track_genres::track_id.eq_any(ids))
        .order((track_genres::track_id, track_genres::position))
        .select((track_genres::track_id, genres::id, genres::name))
        .load(connection)?;
    let genres = grouped(genres);
    let track = |(row, version): (TrackRow, String)| {
        let album = Arc::clone(albums.get(&row.album_id)?);
        let artists = artists.get(&row.id).cloned().unwrap_or_default();
        let genres = genres.get(&row.id).cloned().unwrap_or_default();
        Some((row.id, Track { row, version, album, artists, genres }))
    };
    Ok(rows.into_iter().filter_map(track).collect())
}

/// Those of `ids` that are tracks at all, missing ones too.
///
/// # Errors
/// Those of the database.
pub fn known(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<i64>, DbError> {
    Ok(tracks::table.filter(tracks::id.eq_any(ids)).select(tracks::id).load(connection)?)
}
