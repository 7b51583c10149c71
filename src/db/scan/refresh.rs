//! Sums over tracks in the rows of albums, artists and genres. Rows whose tracks changed are marked stale; here they are
//! computed again, some at a time, so that a large scan does not do it for each file.

use super::{
    names::{mark_artists, various_artists},
    regroup::regroup,
    sorting,
};
use crate::{
    db::{
        DbConnection, DbError, changes,
        schema::{album_artists, albums, artists, files, folders, genres, track_artists, track_genres, tracks},
        unscaled,
    },
    values::{disc, grouping::most_common, path, spelling::sort_key},
};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _,
    RunQueryDsl as _,
    dsl::{count_star, max, min},
};
use std::{collections::HashMap, path::Path};

/// The most albums that are computed in one transaction.
const ALBUMS: i64 = 500;
/// The most artists or genres that are computed in one transaction.
const NAMES: i64 = 500;

/// Computes some stale rows again; returns whether there may be more.
///
/// # Errors
/// Those of the database.
pub fn refresh(connection: &mut DbConnection, now_us: i64, new_id: &mut impl FnMut() -> i64) -> Result<bool, DbError> {
    connection.prefer_indices()?;
    // The sums of an album need its tracks, and artists have the number of their albums: hence this order.
    Ok(regroup(connection, now_us, new_id)?
        || refresh_albums(connection, now_us, new_id)?
        || refresh_artists(connection)?
        || refresh_genres(connection)?)
}

struct AlbumTrack {
    disc: i64,
    duration_ms: i64,
    date: Option<String>,
    cover_id: Option<i64>,
    added_us: i64,
    folder_id: i64,
    artist_id: Option<i64>,
}

fn refresh_albums(
    connection: &mut DbConnection,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<bool, DbError> {
    let stale: Vec<(i64, bool, bool, i64)> = albums::table
        .filter(albums::stale)
        .order(albums::id)
        .limit(ALBUMS)
        .select((albums::id, albums::tagged, albums::compilation, albums::added_us))
        .load(connection)?;
    if stale.is_empty() {
        return Ok(false);
    }
    let album_ids: Vec<i64> = stale.iter().map(|(id, ..)| *id).collect();
    let mut tracks_of = tracks_of(connection, &album_ids)?;
    let in_folders = folder_covers(connection, tracks_of.values().flatten().map(|track| track.folder_id))?;
    let in_files = tracks_of.values().flatten().filter_map(|track| track.cover_id);
    let unscaled = unscaled::among(connection, in_folders.values().copied().chain(in_files))?;
    let change = changes::take(connection, stale.len())?;
    for ((id, tagged, compilation, added_us), change) in stale.into_iter().zip(change..) {
        let all = tracks_of.remove(&id).unwrap_or_default();
        if !tagged && !all.is_empty() {
            let artist_id = match (compilation, common_artist(&all)) {
                (false, Some(artist_id)) => artist_id,
                _ => various_artists(connection, now_us, new_id)?,
            };
            set_artist(connection, id, artist_id)?;
        }
        let pictures = || {
            let of_folders = all.iter().filter_map(|track| in_folders.get(&track.folder_id).copied());
            of_folders.chain(all.iter().filter_map(|track| track.cover_id))
        };
        // A picture of which there are all sizes is preferred.
        let cover_id = pictures().find(|id| !unscaled.contains(id)).or_else(|| pictures().next());
        let sums = (
            albums::disc_count.eq(all.iter().map(|track| track.disc).max().unwrap_or(0)),
            albums::track_count.eq(i64::try_from(all.len()).unwrap_or(i64::MAX)),
            albums::duration_ms.eq(all.iter().map(|track| track.duration_ms).sum::<i64>()),
            albums::date.eq(most_common(all.iter().filter_map(|track| track.date.as_deref()))),
            albums::cover_id.eq(cover_id),
            albums::added_us.eq(all.iter().map(|track| track.added_us).min().unwrap_or(added_us)),
            albums::change.eq(change),
            albums::stale.eq(false),
        );
        diesel::update(albums::table.filter(albums::id.eq(id))).set(sums).execute(connection)?;
    }
    let by = album_artists::table.filter(album_artists::album_id.eq_any(&album_ids));
    let artist_ids: Vec<i64> = by.select(album_artists::artist_id).distinct().load(connection)?;
    mark_artists(connection, &artist_ids)?;
    sorting::albums(connection, &album_ids)?;
    Ok(true)
}

/// The tracks that are not missing, by album, in playing order.
fn tracks_of(connection: &mut DbConnection, album_ids: &[i64]) -> Result<HashMap<i64, Vec<AlbumTrack>>, DbError> {
    type AlbumTrackRow = (i64, i64, i64, Option<String>, Option<i64>, i64, i64, Option<i64>);
    let first_artist =
        track_artists::table.on(track_artists::track_id.eq(tracks::id).and(track_artists::position.eq(0)));
    let rows: Vec<AlbumTrackRow> = tracks::table
        .inner_join(files::table.on(files::id.eq(tracks::id)))
        .left_join(first_artist)
        .filter(tracks::album_id.eq_any(album_ids))
        .filter(tracks::missing.eq(false))
        .order((tracks::album_id, tracks::disc, tracks::number, tracks::id))
        .select((
            tracks::album_id,
            tracks::disc,
            tracks::duration_ms,
            tracks::date,
            tracks::cover_id,
            tracks::added_us,
            files::folder_id,
            track_artists::artist_id.nullable(),
        ))
        .load(connection)?;
    let mut by_album: HashMap<i64, Vec<AlbumTrack>> = HashMap::new();
    for (album_id, disc, duration_ms, date, cover_id, added_us, folder_id, artist_id) in rows {
        let track = AlbumTrack { disc, duration_ms, date, cover_id, added_us, folder_id, artist_id };
        by_album.entry(album_id).or_default().push(track);
    }
    Ok(by_album)
}

/// The covers of these folders; for folders of single discs also those of the folder above.
fn folder_covers(
    connection: &mut DbConnection,
    folder_ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, i64>, DbError> {
    let mut ids: Vec<i64> = folder_ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let here = folders::table.filter(folders::id.eq_any(&ids));
    let rows: Vec<(i64, Vec<u8>, Option<i64>)> =
        here.select((folders::id, folders::path, folders::cover_id)).load(connection)?;
    let mut covers = HashMap::new();
    let mut parents = HashMap::new();
    for (id, path, cover_id) in rows {
        if let Some(cover_id) = cover_id {
            covers.insert(id, cover_id);
        } else if let Some(parent) = parent_of_disc(&path) {
            parents.insert(id, parent);
        }
    }
    let above = folders::table.filter(folders::id.eq_any(parents.values())).filter(folders::cover_id.is_not_null());
    let above: Vec<(i64, Option<i64>)> = above.select((folders::id, folders::cover_id)).load(connection)?;
    let above: HashMap<i64, i64> = above.into_iter().filter_map(|(id, cover_id)| Some((id, cover_id?))).collect();
    covers.extend(parents.into_iter().filter_map(|(id, parent)| Some((id, *above.get(&parent)?))));
    Ok(covers)
}

/// The id of the folder of the album, when this folder has the name of one of its discs.
fn parent_of_disc(path: &[u8]) -> Option<i64> {
    let path = path::from_bytes(path);
    let name = path.file_name()?.to_string_lossy().into_owned();
    let title = disc::of_folder(&name)?.title;
    path.parent().map(|parent: &Path| path::folder_id(&title.map_or(parent.to_owned(), |title| parent.join(title))))
}

/// The artist who comes first on at least three quarters of the tracks.
fn common_artist(tracks: &[AlbumTrack]) -> Option<i64> {
    let artist_id = most_common(tracks.iter().filter_map(|track| track.artist_id))?;
    let count = tracks.iter().filter(|track| track.artist_id == Some(artist_id)).count();
    (count.saturating_mul(4) >= tracks.len().saturating_mul(3)).then_some(artist_id)
}

/// Makes an artist the album's only one; the previous one is marked stale.
fn set_artist(connection: &mut DbConnection, album_id: i64, artist_id: i64) -> Result<(), DbError> {
    let here = album_artists::table.filter(album_artists::album_id.eq(album_id));
    let before: Vec<i64> = here.select(album_artists::artist_id).load(connection)?;
    if before == [artist_id] {
        return Ok(());
    }
    diesel::delete(here).execute(connection)?;
    let row = (
        album_artists::album_id.eq(album_id),
        album_artists::position.eq(0),
        album_artists::artist_id.eq(artist_id),
        album_artists::name.eq(""),
    );
    diesel::insert_into(album_artists::table).values(row).execute(connection)?;
    mark_artists(connection, &before)
}

fn refresh_artists(connection: &mut DbConnection) -> Result<bool, DbError> {
    let stale = artists::table.filter(artists::stale).order(artists::id).limit(NAMES);
    let stale: Vec<(i64, i64)> = stale.select((artists::id, artists::added_us)).load(connection)?;
    if stale.is_empty() {
        return Ok(false);
    }
    let ids: Vec<i64> = stale.iter().map(|(id, _)| *id).collect();
    let tracks: Vec<(i64, i64, Option<i64>)> = track_artists::table
        .inner_join(tracks::table.on(tracks::id.eq(track_artists::track_id)))
        .filter(track_artists::artist_id.eq_any(&ids))
        .filter(tracks::missing.eq(false))
        .group_by(track_artists::artist_id)
        .select((track_artists::artist_id, count_star(), min(tracks::added_us)))
        .load(connection)?;
    let tracks: HashMap<i64, (i64, Option<i64>)> =
        tracks.into_iter().map(|(id, count, added_us)| (id, (count, added_us))).collect();
    let albums: Vec<(i64, i64, Option<i64>)> = album_artists::table
        .inner_join(albums::table.on(albums::id.eq(album_artists::album_id)))
        .filter(album_artists::artist_id.eq_any(&ids))
        .filter(albums::track_count.gt(0))
        .group_by(album_artists::artist_id)
        .select((album_artists::artist_id, count_star(), max(albums::cover_id)))
        .load(connection)?;
    let albums: HashMap<i64, (i64, Option<i64>)> =
        albums.into_iter().map(|(id, count, cover_id)| (id, (count, cover_id))).collect();
    let spelled = artist_spellings(connection, &ids)?;
    let change = changes::take(connection, stale.len())?;
    for ((id, added_us), change) in stale.into_iter().zip(change..) {
        if let Some(name) = spelled.get(&id) {
            diesel::update(artists::table.filter(artists::id.eq(id)).filter(artists::name.ne(name)))
                .set((artists::name.eq(name), artists::sort_key.eq(sort_key(name))))
                .execute(connection)?;
        }
        let (track_count, first_us) = tracks.get(&id).copied().unwrap_or_default();
        let (album_count, cover_id) = albums.get(&id).copied().unwrap_or_default();
        let sums = (
            artists::track_count.eq(track_count),
            artists::album_count.eq(album_count),
            artists::cover_id.eq(cover_id),
            artists::added_us.eq(first_us.unwrap_or(added_us)),
            artists::change.eq(change),
            artists::stale.eq(false),
        );
        diesel::update(artists::table.filter(artists::id.eq(id))).set(sums).execute(connection)?;
    }
    sorting::artists(connection, &ids)?;
    Ok(true)
}

/// How these artists are spelled: as on most of their tracks; without tracks as on most of their albums.
fn artist_spellings(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, String>, DbError> {
    let on_tracks: Vec<(i64, String, i64)> = track_artists::table
        .inner_join(tracks::table.on(tracks::id.eq(track_artists::track_id)))
        .filter(track_artists::artist_id.eq_any(ids))
        .filter(tracks::missing.eq(false))
        .group_by((track_artists::artist_id, track_artists::name))
        .select((track_artists::artist_id, track_artists::name, count_star()))
        .load(connection)?;
    let on_albums: Vec<(i64, String, i64)> = album_artists::table
        .inner_join(albums::table.on(albums::id.eq(album_artists::album_id)))
        .filter(album_artists::artist_id.eq_any(ids))
        .filter(albums::track_count.gt(0))
        .group_by((album_artists::artist_id, album_artists::name))
        .select((album_artists::artist_id, album_artists::name, count_star()))
        .load(connection)?;
    let mut spelled = most_frequent(on_albums);
    spelled.extend(most_frequent(on_tracks));
    Ok(spelled)
}

/// The most frequent name of each id; of several the smallest, in which capital letters come first. Empty names are those of
/// files that an earlier version read.
fn most_frequent(counted: Vec<(i64, String, i64)>) -> HashMap<i64, String> {
    let mut best: HashMap<i64, (std::cmp::Reverse<i64>, String)> = HashMap::new();
    for (id, name, count) in counted.into_iter().filter(|(_, name, _)| !name.is_empty()) {
        let this = (std::cmp::Reverse(count), name);
        match best.get_mut(&id) {
            Some(found) if *found <= this => {}
            Some(found) => *found = this,
            None => drop(best.insert(id, this)),
        }
    }
    best.into_iter().map(|(id, (_, name))| (id, name)).collect()
}

fn refresh_genres(connection: &mut DbConnection) -> Result<bool, DbError> {
    let stale: Vec<i64> =
        genres::table.filter(genres::stale).order(genres::id).limit(NAMES).select(genres::id).load(connection)?;
    let counts: Vec<(i64, i64)> = track_genres::table
        .inner_join(tracks::table.on(tracks::id.eq(track_genres::track_id)))
        .filter(track_genres::genre_id.eq_any(&stale))
        .filter(tracks::missing.eq(false))
        .group_by(track_genres::genre_id)
        .select((track_genres::genre_id, count_star()))
        .load(connection)?;
    let counts: HashMap<i64, i64> = counts.into_iter().collect();
    let spelled: Vec<(i64, String, i64)> = track_genres::table
        .inner_join(tracks::table.on(tracks::id.eq(track_genres::track_id)))
        .filter(track_genres::genre_id.eq_any(&stale))
        .filter(tracks::missing.eq(false))
        .group_by((track_genres::genre_id, track_genres::name))
        .select((track_genres::genre_id, track_genres::name, count_star()))
        .load(connection)?;
    let spelled = most_frequent(spelled);
    for id in &stale {
        if let Some(name) = spelled.get(id) {
            diesel::update(genres::table.filter(genres::id.eq(*id)).filter(genres::name.ne(name)))
                .set((genres::name.eq(name), genres::sort_key.eq(sort_key(name))))
                .execute(connection)?;
        }
        let sums = (genres::track_count.eq(counts.get(id).copied().unwrap_or(0)), genres::stale.eq(false));
        diesel::update(genres::table.filter(genres::id.eq(*id))).set(sums).execute(connection)?;
    }
    Ok(!stale.is_empty())
}
