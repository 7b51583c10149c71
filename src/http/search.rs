//! Search in tracks, albums, artists and playlists at once.

use super::{
    AuthUser, Page, Paging,
    objects::{AlbumObject, ArtistObject, Objects, TrackObject},
    playlist_object::PlaylistObject,
    reads,
};
use crate::{
    app::App,
    catalog::{
        follow::{self, NotSearched},
        search::{Listing, QUERY_CHARS_MAX, RESULTS_MAX},
    },
    db::{albums, artists, playlists, tracks},
    error::ApiError,
    values::document::ItemKind,
};
use actix_web::{HttpRequest, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/v1/search").route(reads().to(search)));
}

/// What is searched for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// What was typed so far, up to 250 characters. The last word may be unfinished; accents, case and small typos are ignored.
    /// Words alone: there are no filters such as `artist:`.
    q: String,
    /// What to list, separated by commas: `track`, `album`, `artist`, `playlist`. Without it all of them.
    r#type: Option<String>,
}

/// The results, by type; those that were not asked for are absent.
#[derive(Serialize, ToSchema)]
pub(super) struct SearchResults {
    #[serde(skip_serializing_if = "Option::is_none")]
    tracks: Option<Page<TrackObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artists: Option<Page<ArtistObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    albums: Option<Page<AlbumObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    playlists: Option<Page<PlaylistObject>>,
}

/// Finds tracks, albums, artists and playlists while somebody types, the best match first. `offset` plus `limit` is at most
/// 1,000.
#[utoipa::path(get, path = "/v1/search", tag = "catalogue", params(SearchQuery, Paging),
    responses((status = 200, body = SearchResults),
    (status = 503, description = "the index is not open yet, or all are searching")))]
pub(super) async fn search(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<SearchQuery>,
    paging: web::Query<Paging>,
) -> Result<web::Json<SearchResults>, ApiError> {
    let SearchQuery { q, r#type } = query.into_inner();
    if q.chars().count() > QUERY_CHARS_MAX {
        return Err(ApiError::invalid(format!("q has at most {QUERY_CHARS_MAX} characters")));
    }
    let kinds = r#type.map_or_else(|| Ok(ItemKind::ALL.to_vec()), |types| read_kinds(&types))?;
    let (limit, offset) = paging.checked()?;
    let page = within_results(asker, limit, offset)?;
    let mut found = app.search.find(q, kinds, page).await.map_err(|error| match error {
        NotSearched::NotOpen | NotSearched::Busy => ApiError::unavailable("search", error),
        NotSearched::Failed(_) | NotSearched::Panicked => ApiError::internal(error),
    })?;
    let mut of = |kind| found.remove(&kind);
    let (of_tracks, of_albums) = (of(ItemKind::Track), of(ItemKind::Album));
    let (of_artists, of_playlists) = (of(ItemKind::Artist), of(ItemKind::Playlist));
    let ids = [&of_tracks, &of_albums, &of_artists, &of_playlists].map(|listing| ids(listing.as_ref()));
    let asker_id = asker.user.to_sql();
    // The index may be behind the database: rows that are gone are left out.
    let rows = app.db.read(move |connection| {
        let [track_ids, album_ids, artist_ids, playlist_ids] = ids;
        Ok((
            tracks::load(connection, &track_ids)?,
            albums::load(connection, &album_ids)?,
            artists::load(connection, &artist_ids)?,
            playlists::load(connection, &playlist_ids, asker_id)?,
        ))
    });
    let (tracks, albums, artists, playlists) = rows.await?;
    let objects = Objects { request: &request, app: &app };
    let pages = PageRequest { request: &request, limit, offset };
    let tracks = tracks.iter().filter(|track| !track.row.missing).map(|track| objects.track(track));
    Ok(web::Json(SearchResults {
        tracks: pages.page(of_tracks, tracks),
        albums: pages.page(of_albums, albums.iter().map(|album| objects.album(album))),
        artists: pages.page(of_artists, artists.iter().map(|artist| objects.artist(artist))),
        playlists: pages.page(of_playlists, playlists.iter().map(|row| PlaylistObject::new(&request, &app, row))),
    }))
}

/// The types of the query, each once.
fn read_kinds(types: &str) -> Result<Vec<ItemKind>, ApiError> {
    let mut kinds = Vec::new();
    for text in types.split(',').map(str::trim) {
        if ["show", "episode", "audiobook"].contains(&text) {
            return Err(ApiError::without_notion(&format!("{text}s")));
        }
        let kind = text.parse().map_err(|_| {
            ApiError::invalid(format!("{text:?} is no type: give some of track, album, artist, playlist"))
        })?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn within_results(asker: AuthUser, limit: i64, offset: i64) -> Result<follow::SearchPage, ApiError> {
    match (usize::try_from(limit), usize::try_from(offset)) {
        (Ok(limit), Ok(offset)) if offset.saturating_add(limit) <= RESULTS_MAX => {
            Ok(follow::SearchPage { user: asker.user, limit, offset })
        }
        _ => Err(ApiError::invalid(format!("offset and limit together are at most {RESULTS_MAX}"))),
    }
}

fn ids(listing: Option<&Listing>) -> Vec<i64> {
    listing.into_iter().flat_map(|listing| &listing.ids).map(|id| id.cast_signed()).collect()
}

/// The limit and offset of the pages.
struct PageRequest<'a> {
    request: &'a HttpRequest,
    limit: i64,
    offset: i64,
}

impl PageRequest<'_> {
    /// The page of a type, `None` when the type was not asked for. There is no next page beyond 1,000 results.
    fn page<T>(&self, listing: Option<Listing>, items: impl Iterator<Item = T>) -> Option<Page<T>> {
        let total = i64::try_from(listing?.total).unwrap_or(i64::MAX);
        let mut page = Page::new(self.request, (self.limit, self.offset), items.collect(), total);
        let after = usize::try_from(self.offset.saturating_add(self.limit).saturating_add(self.limit));
        page.next = page.next.filter(|_| after.is_ok_and(|after| after <= RESULTS_MAX));
        Some(page)
    }
}
