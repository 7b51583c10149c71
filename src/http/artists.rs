//! Artists, their albums and their tracks.

use super::{
    AuthUser, Page, Paging,
    ids::{IdsQuery, PathId},
    lists::{self, SortQuery},
    objects::{AlbumObject, ArtistObject, Objects, TrackObject},
    reads,
};
use crate::{
    app::App,
    db::{
        albums::Album,
        artists::{self, Group},
        popularity,
        tracks::{self, Track},
    },
    error::ApiError,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// As many as in the Spotify Web API.
const TOP_TRACKS: i64 = 10;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/artists").route(reads().to(list)))
        .service(web::resource("/v1/artists/{id}").route(reads().to(get)))
        .service(web::resource("/v1/artists/{id}/albums").route(reads().to(albums_of)))
        .service(web::resource("/v1/artists/{id}/top-tracks").route(reads().to(top_tracks_of)))
        .service(web::resource("/v1/artists/{id}/tracks").route(reads().to(tracks_of)));
}

/// All artists in pages, or with `ids` those alone.
#[utoipa::path(get, path = "/v1/artists", tag = "catalogue", params(IdsQuery, SortQuery, Paging),
    responses((status = 200, body = Page<ArtistObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    ids: web::Query<IdsQuery>,
    sort: web::Query<SortQuery>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, ApiError> {
    lists::all::<artists::Artist>(&request, &app, &ids, *sort, *paging).await
}

/// One artist.
#[utoipa::path(get, path = "/v1/artists/{id}", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 200, body = ArtistObject), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
) -> Result<web::Json<ArtistObject>, ApiError> {
    let artist = existing(&app, id.into_inner()).await?;
    Ok(web::Json(Objects { request: &request, app: &app }.artist(&artist)))
}

/// Which albums of an artist are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GroupsQuery {
    /// Some of `album`, `single`, `compilation` and `appears_on` (albums of others with tracks of the artist), with commas
    /// between them. Without it the first three.
    include_groups: Option<String>,
}

impl GroupsQuery {
    fn read(&self) -> Result<Vec<Group>, ApiError> {
        let Some(text) = &self.include_groups else {
            return Ok(vec![Group::Albums, Group::Singles, Group::Compilations]);
        };
        let mut groups = Vec::new();
        for word in text.split(',').map(str::trim) {
            let group = match word {
                "album" => Group::Albums,
                "single" => Group::Singles,
                "compilation" => Group::Compilations,
                "appears_on" => Group::AppearsOn,
                other => {
                    let known = "album, single, compilation, appears_on";
                    return Err(ApiError::invalid(format!("{other:?} is no group of albums: give some of {known}")));
                }
            };
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        Ok(groups)
    }
}

/// The albums of an artist, the latest first.
#[utoipa::path(get, path = "/v1/artists/{id}/albums", tag = "catalogue",
    params(("id" = String, Path), GroupsQuery, Paging),
    responses((status = 200, body = Page<AlbumObject>), (status = 404)))]
pub(super) async fn albums_of(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
    groups: web::Query<GroupsQuery>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<AlbumObject>>, ApiError> {
    let groups = groups.read()?;
    let id = existing(&app, id.into_inner()).await?.id;
    let of = move |connection: &mut _, id, limit, offset| artists::albums_of(connection, id, &groups, limit, offset);
    lists::of::<Album>(&request, &app, *paging, id, of).await
}

/// The tracks that name an artist, by title.
#[utoipa::path(get, path = "/v1/artists/{id}/tracks", tag = "catalogue", params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<TrackObject>), (status = 404)))]
pub(super) async fn tracks_of(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<TrackObject>>, ApiError> {
    let id = existing(&app, id.into_inner()).await?.id;
    lists::of::<Track>(&request, &app, *paging, id, artists::tracks_of).await
}

/// Tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct TopTracks {
    tracks: Vec<TrackObject>,
}

/// The ten tracks of an artist that everybody on this server played most.
#[utoipa::path(get, path = "/v1/artists/{id}/top-tracks", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 200, body = TopTracks), (status = 404)))]
pub(super) async fn top_tracks_of(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
) -> Result<web::Json<TopTracks>, ApiError> {
    let id = existing(&app, id.into_inner()).await?.id;
    let found = app.db.read(move |connection| {
        let ids = popularity::top_tracks_of(connection, id, TOP_TRACKS)?;
        tracks::load(connection, &ids)
    });
    let objects = Objects { request: &request, app: &app };
    Ok(web::Json(TopTracks { tracks: found.await?.iter().map(|track| objects.track(track)).collect() }))
}

async fn existing(app: &App, PathId(id): PathId) -> Result<artists::Artist, ApiError> {
    let found = app.db.read(move |connection| artists::load(connection, &[id])).await?;
    found.into_iter().next().ok_or_else(|| ApiError::not_found("artist"))
}
