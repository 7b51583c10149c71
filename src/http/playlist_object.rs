//! Playlists and their entries as answers show them.

use super::{
    Page, address,
    objects::{ExternalUrls, Followers, Image, Objects, TrackObject},
    uris::Noun,
};
use crate::{
    app::App,
    db::{
        DbConnection, DbError,
        playlists::{self, Playlist, PlaylistItem},
        tracks::{self, Track},
    },
    time,
    values::catalogue_id::CatalogueId,
};
use actix_web::HttpRequest;
use segue_client::protocol::ids::{Micros, UserId};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// The owner of a playlist.
#[derive(Serialize, ToSchema)]
pub(super) struct Owner {
    #[serde(flatten)]
    user: UserRef,
    display_name: String,
}

/// A user whose name is not looked up.
#[derive(Serialize, ToSchema)]
pub(super) struct UserRef {
    id: String,
    href: String,
    uri: String,
    r#type: &'static str,
    external_urls: ExternalUrls,
}

impl UserRef {
    fn new(request: &HttpRequest, id: UserId) -> Self {
        Self {
            id: id.to_string(),
            href: address(request, &format!("/v1/users/{id}")),
            uri: Noun::User.uri(&id.to_string()),
            r#type: "user",
            external_urls: ExternalUrls::none(),
        }
    }
}

/// Where a playlist's tracks are, and how many.
#[derive(Serialize, ToSchema)]
pub(super) struct TracksOf {
    href: String,
    total: i64,
}

/// All of a playlist but its tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct PlaylistHead {
    id: String,
    name: String,
    description: String,
    owner: Owner,
    public: bool,
    /// Always `false`: only its owner changes a playlist.
    collaborative: bool,
    /// Always empty: playlists have no pictures.
    images: Vec<Image>,
    /// Always 0: playlists are not followed.
    followers: Followers,
    /// The state of the tracks: it changes with each change of them.
    snapshot_id: String,
    created_at: String,
    updated_at: String,
    href: String,
    uri: String,
    r#type: &'static str,
    external_urls: ExternalUrls,
}

/// A playlist in a list.
#[derive(Serialize, ToSchema)]
pub(super) struct PlaylistObject {
    #[serde(flatten)]
    head: PlaylistHead,
    tracks: TracksOf,
}

/// A playlist with its first tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct FullPlaylist {
    #[serde(flatten)]
    head: PlaylistHead,
    /// The first 100 tracks.
    tracks: Page<PlaylistTrack>,
}

/// A track in a playlist.
#[derive(Serialize, ToSchema)]
pub(super) struct PlaylistTrack {
    added_at: String,
    /// Who added it.
    added_by: UserRef,
    /// Always `false`: every track is on the server.
    is_local: bool,
    pub(super) track: TrackObject,
}

/// Entries of a playlist, and their tracks.
pub(super) struct Entries {
    items: Vec<PlaylistItem>,
    tracks: Vec<Track>,
}

impl Entries {
    /// None.
    pub(super) const fn none() -> Self {
        Self { items: Vec::new(), tracks: Vec::new() }
    }

    /// A part of a playlist.
    pub(super) fn load(connection: &mut DbConnection, id: i64, limit: i64, offset: i64) -> Result<Self, DbError> {
        let items = playlists::items(connection, id, limit, offset)?;
        let ids: Vec<i64> = items.iter().map(|item| item.track_id).collect();
        Ok(Self { tracks: tracks::load(connection, &ids)?, items })
    }

    /// The objects, in order.
    pub(super) fn show(&self, objects: Objects<'_>) -> Vec<PlaylistTrack> {
        let tracks: HashMap<i64, _> = self.tracks.iter().map(|track| (track.row.id, track)).collect();
        let entry = |item: &PlaylistItem| {
            Some(PlaylistTrack {
                added_at: time::rfc3339(Micros(item.added_us)),
                added_by: UserRef::new(objects.request, UserId::from_sql(item.added_by)),
                is_local: false,
                track: objects.track(tracks.get(&item.track_id)?),
            })
        };
        self.items.iter().filter_map(entry).collect()
    }
}

impl PlaylistHead {
    fn new(objects: Objects<'_>, (playlist, owner): &(Playlist, String)) -> Self {
        let id = CatalogueId(playlist.id).to_string();
        let user = UserRef::new(objects.request, UserId::from_sql(playlist.owner_id));
        Self {
            name: playlist.name.clone(),
            description: playlist.description.clone(),
            owner: Owner { user, display_name: owner.clone() },
            public: playlist.public,
            collaborative: false,
            images: Vec::new(),
            followers: Followers::new(0),
            snapshot_id: CatalogueId(playlist.snapshot).to_string(),
            created_at: time::rfc3339(Micros(playlist.created_us)),
            updated_at: time::rfc3339(Micros(playlist.updated_us)),
            href: objects.href("playlists", &id),
            uri: Noun::Playlist.uri(&id),
            r#type: "playlist",
            external_urls: objects.external("playlist", &id),
            id,
        }
    }

    /// The path of its tracks.
    fn tracks(&self) -> String {
        format!("/v1/playlists/{}/tracks", self.id)
    }
}

impl PlaylistObject {
    pub(super) fn new(request: &HttpRequest, app: &App, found: &(Playlist, String)) -> Self {
        let head = PlaylistHead::new(Objects { request, app }, found);
        let tracks = TracksOf { href: address(request, &head.tracks()), total: found.0.track_count };
        Self { head, tracks }
    }
}

impl FullPlaylist {
    /// How many tracks come with a playlist.
    pub(super) const FIRST_TRACKS: i64 = 100;

    pub(super) fn new(objects: Objects<'_>, found: &(Playlist, String), first: &Entries) -> Self {
        let head = PlaylistHead::new(objects, found);
        let (page, total) = ((Self::FIRST_TRACKS, 0), found.0.track_count);
        let tracks = Page::at(objects.request, &head.tracks(), page, first.show(objects), total);
        Self { head, tracks }
    }
}
