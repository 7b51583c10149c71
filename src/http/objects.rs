//! The JSON objects of tracks, albums and artists: those of the Spotify Web API as far as they fit, with more fields.

use super::{AuthUser, link::media_link, page::address, uris::Noun};
use crate::{
    app::App,
    db::{
        albums::{Album, Name},
        artists::Artist,
        tracks::Track,
        unscaled::Unscaled,
    },
    error::ApiError,
    time,
    values::catalogue_id::CatalogueId,
};
use actix_web::{HttpMessage as _, HttpRequest};
use segue_client::protocol::ids::Micros;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The sizes of covers in `images`, in pixels; the largest first, as in the Spotify Web API.
const COVER_SIZES: [u32; 3] = [640, 300, 64];

/// The release date of an album whose tags have none.
const UNKNOWN_YEAR: &str = "0000";

/// Addresses for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ExternalUrls {
    /// The page of the player that shows it; an address to share. Absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    segue: Option<String>,
}

impl ExternalUrls {
    pub(super) const fn none() -> Self {
        Self { segue: None }
    }
}

/// How many users follow it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Followers {
    /// Always `null`, as in the Spotify Web API.
    href: Option<String>,
    total: i64,
}

impl Followers {
    pub(super) const fn new(total: i64) -> Self {
        Self { href: None, total }
    }
}

/// A picture.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Image {
    /// Its address; it needs no token.
    url: String,
    /// Largest width in pixels; `null` when unknown, which happens only to a picture that is sent as it is in its file.
    width: Option<i64>,
    /// Largest height in pixels; `null` when unknown.
    height: Option<i64>,
}

/// An artist with no more than the name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SimpleArtist {
    id: String,
    name: String,
    href: String,
    uri: String,
    r#type: &'static str,
    external_urls: ExternalUrls,
}

/// An artist.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ArtistObject {
    #[serde(flatten)]
    name: SimpleArtist,
    images: Vec<Image>,
    /// The name by which the artist is sorted, such as `Bowie, David`; `null` when it is `name`.
    sort_name: Option<String>,
    /// Always empty: the tracks have genres.
    genres: Vec<String>,
    followers: Followers,
    /// Albums of this artist, compilations aside.
    album_count: i64,
    /// Tracks that name this artist.
    track_count: i64,
}

/// An album.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AlbumObject {
    id: String,
    name: String,
    /// The title by which the album is sorted; `null` when it is `name`.
    sort_name: Option<String>,
    /// `album`, `single` or `compilation`.
    album_type: &'static str,
    artists: Vec<SimpleArtist>,
    /// The cover in sizes that fit a page; one that cannot be scaled is there in its own size alone.
    images: Vec<Image>,
    /// The cover in its own size and format; `null` without one. It needs no token.
    cover_url: Option<String>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; `0000` when unknown, as in the Spotify Web API.
    release_date: String,
    /// `year`, `month` or `day`.
    release_date_precision: &'static str,
    /// When the recordings first came out, in the same form; `null` when the tags do not say.
    original_release_date: Option<String>,
    total_tracks: i64,
    total_discs: i64,
    duration_ms: i64,
    /// Why its tracks are one album, for people. Only in the answers of `/v1/albums`, and only for admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    added_at: String,
    href: String,
    uri: String,
    r#type: &'static str,
    external_urls: ExternalUrls,
}

/// The format of the audio of a track.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AudioObject {
    container: String,
    codec: String,
    sample_rate_hz: Option<i64>,
    channels: Option<i64>,
    bit_depth: Option<i64>,
    bit_rate_kbps: Option<i64>,
}

/// ReplayGain: how much louder to play a track, alone or within its album.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct GainObject {
    track_gain_db: Option<f64>,
    /// 1.0 is full scale.
    track_peak: Option<f64>,
    album_gain_db: Option<f64>,
    /// 1.0 is full scale.
    album_peak: Option<f64>,
}

/// A track.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TrackObject {
    id: String,
    name: String,
    album: AlbumObject,
    artists: Vec<SimpleArtist>,
    /// Genres, by name.
    genres: Vec<String>,
    disc_number: i64,
    /// From 1; 0 when unknown.
    track_number: i64,
    duration_ms: i64,
    release_date: Option<String>,
    /// When the recording first came out; `null` when the tags do not say.
    original_release_date: Option<String>,
    /// Composers, by name.
    composers: Vec<String>,
    /// Whether the tags mark the words as explicit.
    explicit: bool,
    is_local: bool,
    /// Always empty: codes of other catalogues are not read from the tags.
    external_ids: BTreeMap<String, String>,
    /// Always `null`: `audio_url` has the whole track.
    preview_url: Option<String>,
    /// Whether the file is there.
    is_playable: bool,
    /// The address of the bytes. It needs no token and works for at least a day; `null` when not playable.
    audio_url: Option<String>,
    /// The album's cover, or the picture in the file; `null` without one. It needs no token.
    cover_url: Option<String>,
    audio: AudioObject,
    replay_gain: GainObject,
    added_at: String,
    href: String,
    uri: String,
    r#type: &'static str,
    /// The address to share.
    external_urls: ExternalUrls,
}

/// Makes objects. Their addresses begin as the one by which this request reached the server.
#[derive(Clone, Copy)]
pub(crate) struct Objects<'a> {
    pub(crate) request: &'a HttpRequest,
    pub(crate) app: &'a App,
}

/// An extension of a request whose answer says why albums are one.
#[derive(Debug, Clone, Copy)]
struct TellsWhy;

impl Objects<'_> {
    /// Lets the albums of this answer say why they are one, when the user is an admin.
    pub(crate) async fn tell_why(self, user: AuthUser) -> Result<(), ApiError> {
        if user.is_admin(self.app).await? {
            self.request.extensions_mut().insert(TellsWhy);
        }
        Ok(())
    }

    fn tells_why(self) -> bool {
        self.request.extensions().get::<TellsWhy>().is_some()
    }

    pub(crate) fn track(self, track: &Track) -> TrackObject {
        let (row, version) = (&track.row, &track.version);
        let id = CatalogueId(row.id).to_string();
        let playable = !row.missing && !version.is_empty();
        let asker = AuthUser::known(self.request).filter(|_| playable);
        TrackObject {
            name: row.title.clone(),
            album: self.album(&track.album),
            artists: self.names(&track.artists),
            genres: track.genres.iter().map(|genre| genre.name.clone()).collect(),
            disc_number: row.disc,
            track_number: row.number.unwrap_or(0),
            duration_ms: row.duration_ms,
            release_date: row.date.clone(),
            original_release_date: row.original_date.clone(),
            composers: row.composers.lines().map(str::to_owned).collect(),
            explicit: row.explicit,
            is_local: false,
            external_ids: BTreeMap::new(),
            preview_url: None,
            is_playable: playable,
            audio_url: asker.map(|asker| media_link(self.request, self.app, asker, version, &row.container).0),
            cover_url: track.album.cover_id.or(row.cover_id).map(|cover_id| self.cover(cover_id, None)),
            audio: AudioObject {
                container: row.container.clone(),
                codec: row.codec.clone(),
                sample_rate_hz: row.sample_rate_hz,
                channels: row.channels,
                bit_depth: row.bit_depth,
                bit_rate_kbps: row.bit_rate_kbps,
            },
            replay_gain: GainObject {
                track_gain_db: row.track_gain_db,
                track_peak: row.track_peak,
                album_gain_db: row.album_gain_db,
                album_peak: row.album_peak,
            },
            added_at: time::rfc3339(Micros(row.added_us)),
            href: self.href("tracks", &id),
            uri: Noun::Track.uri(&id),
            r#type: "track",
            external_urls: self.external("track", &id),
            id,
        }
    }

    pub(crate) fn album(self, album: &Album) -> AlbumObject {
        let id = CatalogueId(album.id).to_string();
        AlbumObject {
            name: album.title.clone(),
            sort_name: album.sort_name.clone(),
            album_type: match (album.compilation, album.track_count) {
                (true, _) => "compilation",
                (false, ..=1) => "single",
                _ => "album",
            },
            artists: self.names(&album.artists),
            images: self.images(album.cover_id, album.unscaled),
            cover_url: album.cover_id.map(|cover_id| self.cover(cover_id, None)),
            release_date: album.date.clone().unwrap_or_else(|| UNKNOWN_YEAR.to_owned()),
            release_date_precision: match album.date.as_deref().unwrap_or(UNKNOWN_YEAR).len() {
                ..=4 => "year",
                5..=7 => "month",
                _ => "day",
            },
            original_release_date: album.original_date.clone(),
            total_tracks: album.track_count,
            total_discs: album.disc_count,
            duration_ms: album.duration_ms,
            why: self.tells_why().then(|| album.why.clone()).filter(|why| !why.is_empty()),
            added_at: time::rfc3339(Micros(album.added_us)),
            href: self.href("albums", &id),
            uri: Noun::Album.uri(&id),
            r#type: "album",
            external_urls: self.external("album", &id),
            id,
        }
    }

    pub(crate) fn artist(self, artist: &Artist) -> ArtistObject {
        ArtistObject {
            name: self.name(&Name { id: artist.id, name: artist.name.clone() }),
            images: self.images(artist.cover_id, artist.unscaled),
            sort_name: artist.sort_name.clone(),
            genres: Vec::new(),
            followers: Followers::new(artist.follower_count),
            album_count: artist.album_count,
            track_count: artist.track_count,
        }
    }

    fn names(self, artists: &[Name]) -> Vec<SimpleArtist> {
        artists.iter().map(|artist| self.name(artist)).collect()
    }

    fn name(self, artist: &Name) -> SimpleArtist {
        let id = CatalogueId(artist.id).to_string();
        SimpleArtist {
            name: artist.name.clone(),
            href: self.href("artists", &id),
            uri: Noun::Artist.uri(&id),
            r#type: "artist",
            external_urls: self.external("artist", &id),
            id,
        }
    }

    fn images(self, cover_id: Option<i64>, unscaled: Option<Unscaled>) -> Vec<Image> {
        let Some(cover_id) = cover_id else { return Vec::new() };
        if let Some(Unscaled { width, height }) = unscaled {
            return vec![Image { url: self.cover(cover_id, None), width, height }];
        }
        let image = |size: u32| {
            let side = Some(size.into());
            Image { url: self.cover(cover_id, Some(size)), width: side, height: side }
        };
        COVER_SIZES.into_iter().map(image).collect()
    }

    fn cover(self, cover_id: i64, size: Option<u32>) -> String {
        let query = size.map_or_else(String::new, |size| format!("?size={size}"));
        address(self.request, &format!("/v1/covers/{}{query}", CatalogueId(cover_id)))
    }

    pub(crate) fn href(self, nouns: &str, id: &str) -> String {
        address(self.request, &format!("/v1/{nouns}/{id}"))
    }

    pub(crate) fn external(self, noun: &str, id: &str) -> ExternalUrls {
        ExternalUrls { segue: Some(address(self.request, &format!("/{noun}/{id}"))) }
    }
}
