//! Albums with their first tracks.

use super::{
    Page,
    objects::{AlbumObject, Objects, TrackObject},
};
use crate::{
    db::{
        DbConnection, DbError,
        albums::{self, Album},
        tracks::{self, Track},
    },
    values::catalogue_id::CatalogueId,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// How many tracks come with an album.
pub(super) const FIRST_TRACKS: i64 = 50;

/// An album with its first tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct FullAlbum {
    #[serde(flatten)]
    album: AlbumObject,
    /// The first 50 tracks.
    tracks: Page<TrackObject>,
    /// Always empty: they are not read from the tags.
    copyrights: Vec<String>,
    /// Always empty: codes of other catalogues are not read from the tags.
    external_ids: BTreeMap<String, String>,
    /// Always empty: the tracks have genres.
    genres: Vec<String>,
    /// Always `null`: it is not read from the tags.
    label: Option<String>,
}

/// What the database has of an album with its first tracks.
pub(super) struct AlbumAndTracks {
    pub(super) album: Album,
    tracks: Vec<Track>,
    total: i64,
}

/// The albums with these ids, in the order of the ids; unknown ones are left out.
pub(super) fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<AlbumAndTracks>, DbError> {
    let albums = albums::load(connection, ids)?;
    let mut parts = Vec::with_capacity(albums.len());
    for album in albums {
        let (track_ids, total) = albums::tracks_of(connection, album.id, FIRST_TRACKS, 0)?;
        parts.push((album, track_ids, total));
    }
    let all: Vec<i64> = parts.iter().flat_map(|(_, track_ids, _)| track_ids).copied().collect();
    let mut tracks: HashMap<i64, Track> =
        tracks::load(connection, &all)?.into_iter().map(|track| (track.row.id, track)).collect();
    let with_tracks = |(album, track_ids, total): (Album, Vec<i64>, i64)| AlbumAndTracks {
        tracks: track_ids.iter().filter_map(|id| tracks.remove(id)).collect(),
        album,
        total,
    };
    Ok(parts.into_iter().map(with_tracks).collect())
}

impl FullAlbum {
    pub(super) fn new(objects: Objects<'_>, found: &AlbumAndTracks) -> Self {
        let album = objects.album(&found.album);
        let items = found.tracks.iter().map(|track| objects.track(track)).collect();
        let path = format!("/v1/albums/{}/tracks", CatalogueId(found.album.id));
        let tracks = Page::at(objects.request, &path, (FIRST_TRACKS, 0), items, found.total);
        Self { album, tracks, copyrights: Vec::new(), external_ids: BTreeMap::new(), genres: Vec::new(), label: None }
    }
}
