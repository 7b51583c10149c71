//! Finds artists, genres and albums by name, and makes those that are new.

use super::{AlbumOf, FoundFile};
use crate::{
    db::{
        DbConnection, DbError, changes,
        connection::insert_all,
        schema::{album_artists, albums, artists, genres},
    },
    values::spelling::{identity, sort_key},
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::{BTreeMap, HashMap};

/// The name of the artist of compilations.
const VARIOUS_ARTISTS: &str = "Various Artists";

/// Ids by identity, for the names of one batch.
pub(super) struct NameIds {
    pub(super) artists: HashMap<String, i64>,
    pub(super) genres: HashMap<String, i64>,
    pub(super) albums: HashMap<String, i64>,
}

/// Finds the artists, genres and albums that `found` names, and makes those that are new.
pub(super) fn ids(
    connection: &mut DbConnection,
    found: &[FoundFile],
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<NameIds, DbError> {
    let contents = || found.iter().filter_map(|file| file.content.as_ref().ok());
    // Ordered maps: the first spelling in the batch is used, and every transaction locks rows in the same order.
    let mut artist_names = BTreeMap::new();
    let mut genre_names = BTreeMap::new();
    let mut album_names: BTreeMap<&str, &AlbumOf> = BTreeMap::new();
    for content in contents() {
        for name in content.artists.iter().chain(&content.album.artists) {
            artist_names.entry(identity(name)).or_insert_with(|| name.clone());
        }
        for name in &content.genres {
            genre_names.entry(identity(name)).or_insert_with(|| name.clone());
        }
        album_names.entry(&content.album.identity).or_insert(&content.album);
    }
    let artists = artist_ids(connection, &artist_names, now_us, new_id)?;
    let genres = genre_ids(connection, &genre_names, new_id)?;
    let albums = album_ids(connection, &album_names, &artists, now_us, new_id)?;
    Ok(NameIds { artists, genres, albums })
}

/// The id of the artist of compilations.
pub(super) fn various_artists(
    connection: &mut DbConnection,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<i64, DbError> {
    let name = BTreeMap::from([(identity(VARIOUS_ARTISTS), VARIOUS_ARTISTS.to_owned())]);
    let ids = artist_ids(connection, &name, now_us, new_id)?;
    Ok(ids.values().copied().next().unwrap_or_default())
}

fn artist_ids(
    connection: &mut DbConnection,
    names: &BTreeMap<String, String>,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<HashMap<String, i64>, DbError> {
    let known = artists::table.filter(artists::identity.eq_any(names.keys())).select((artists::identity, artists::id));
    let mut ids: HashMap<String, i64> = known.load(connection)?.into_iter().collect();
    let new: Vec<_> = names.iter().filter(|(identity, _)| !ids.contains_key(*identity)).collect();
    if new.is_empty() {
        return Ok(ids);
    }
    let change = changes::take(connection, new.len())?;
    let mut rows = Vec::with_capacity(new.len());
    for ((identity, name), change) in new.into_iter().zip(change..) {
        let id = new_id();
        ids.insert(identity.clone(), id);
        rows.push((
            artists::id.eq(id),
            artists::name.eq(name),
            artists::identity.eq(identity),
            artists::sort_key.eq(sort_key(name)),
            (artists::album_count.eq(0), artists::track_count.eq(0)),
            artists::added_us.eq(now_us),
            artists::change.eq(change),
            artists::stale.eq(true),
        ));
    }
    insert_all!(connection, artists::table, rows);
    Ok(ids)
}

fn genre_ids(
    connection: &mut DbConnection,
    names: &BTreeMap<String, String>,
    new_id: &mut impl FnMut() -> i64,
) -> Result<HashMap<String, i64>, DbError> {
    let known = genres::table.filter(genres::identity.eq_any(names.keys())).select((genres::identity, genres::id));
    let mut ids: HashMap<String, i64> = known.load(connection)?.into_iter().collect();
    let mut rows = Vec::new();
    for (identity, name) in names {
        if !ids.contains_key(identity) {
            let id = new_id();
            ids.insert(identity.clone(), id);
            rows.push((
                genres::id.eq(id),
                genres::name.eq(name),
                genres::identity.eq(identity),
                genres::sort_key.eq(sort_key(name)),
                genres::track_count.eq(0),
                genres::stale.eq(true),
            ));
        }
    }
    insert_all!(connection, genres::table, rows);
    Ok(ids)
}

fn album_ids(
    connection: &mut DbConnection,
    names: &BTreeMap<&str, &AlbumOf>,
    artists: &HashMap<String, i64>,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<HashMap<String, i64>, DbError> {
    let known = albums::table.filter(albums::identity.eq_any(names.keys())).select((albums::identity, albums::id));
    let mut ids: HashMap<String, i64> = known.load(connection)?.into_iter().collect();
    let new: Vec<_> = names.iter().filter(|(identity, _)| !ids.contains_key(**identity)).collect();
    if new.is_empty() {
        return Ok(ids);
    }
    let change = changes::take(connection, new.len())?;
    let (mut rows, mut by) = (Vec::new(), Vec::new());
    for ((identity, album), change) in new.into_iter().zip(change..) {
        let id = new_id();
        ids.insert((*identity).to_owned(), id);
        rows.push((
            albums::id.eq(id),
            albums::title.eq(&album.title),
            albums::identity.eq(*identity),
            albums::sort_key.eq(sort_key(&album.title)),
            (albums::tagged.eq(!album.artists.is_empty()), albums::compilation.eq(album.compilation)),
            (albums::disc_count.eq(0), albums::track_count.eq(0), albums::duration_ms.eq(0)),
            albums::added_us.eq(now_us),
            albums::change.eq(change),
            albums::stale.eq(true),
        ));
        let artist_ids = album.artists.iter().filter_map(|name| artists.get(&super::names::identity(name)));
        by.extend((0_i64..).zip(artist_ids).map(|(position, artist_id)| {
            (
                album_artists::album_id.eq(id),
                album_artists::position.eq(position),
                album_artists::artist_id.eq(*artist_id),
            )
        }));
    }
    insert_all!(connection, albums::table, rows);
    insert_all!(connection, album_artists::table, by);
    Ok(ids)
}
