//! Finds artists, genres and albums by name, and makes those that are new.

use super::FoundFile;
use crate::{
    db::{
        DbConnection, DbError, changes,
        connection::insert_all,
        schema::{albums, artists, genres},
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
    /// One album of each title: tracks are on it until the albums of the title are made (`regroup.rs`).
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
    let mut album_names = BTreeMap::new();
    for content in contents() {
        for name in content.artists.iter().chain(&content.album.artists) {
            artist_names.entry(identity(name)).or_insert_with(|| name.clone());
        }
        for name in &content.genres {
            genre_names.entry(identity(name)).or_insert_with(|| name.clone());
        }
        album_names.entry(identity(&content.album.title)).or_insert_with(|| content.album.title.clone());
    }
    let artists = artist_ids(connection, &artist_names, now_us, new_id)?;
    let genres = genre_ids(connection, &genre_names, new_id)?;
    let albums = album_ids(connection, &album_names, now_us, new_id)?;
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

/// Marks artists as stale.
pub(super) fn mark_artists(connection: &mut DbConnection, artist_ids: &[i64]) -> Result<(), DbError> {
    let fresh = artists::table.filter(artists::id.eq_any(artist_ids)).filter(artists::stale.eq(false));
    diesel::update(fresh).set(artists::stale.eq(true)).execute(connection)?;
    Ok(())
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
    titles: &BTreeMap<String, String>,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<HashMap<String, i64>, DbError> {
    let known = albums::table.filter(albums::identity.eq_any(titles.keys())).order(albums::id.desc());
    let known: Vec<(String, i64)> = known.select((albums::identity, albums::id)).load(connection)?;
    let mut ids: HashMap<String, i64> = known.into_iter().collect();
    for (identity, title) in titles {
        if !ids.contains_key(identity) {
            ids.insert(identity.clone(), new_album(connection, identity, title, now_us, new_id)?);
        }
    }
    Ok(ids)
}

/// Makes an album without tracks and artists.
pub(super) fn new_album(
    connection: &mut DbConnection,
    identity: &str,
    title: &str,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<i64, DbError> {
    let (id, change) = (new_id(), changes::take(connection, 1)?);
    let row = (
        albums::id.eq(id),
        albums::title.eq(title),
        albums::identity.eq(identity),
        albums::sort_key.eq(sort_key(title)),
        (albums::tagged.eq(false), albums::compilation.eq(false)),
        (albums::disc_count.eq(0), albums::track_count.eq(0), albums::duration_ms.eq(0)),
        albums::added_us.eq(now_us),
        albums::change.eq(change),
        albums::stale.eq(true),
        albums::why.eq(""),
    );
    diesel::insert_into(albums::table).values(row).execute(connection)?;
    Ok(id)
}
