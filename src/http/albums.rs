//! Albums and their tracks.

use super::{
    AuthUser, Page, Paging,
    ids::{IdsQuery, PathId},
    lists::{self, SortQuery},
    objects::{AlbumObject, Objects, TrackObject},
    reads,
};
use crate::{
    app::App,
    db::{
        albums,
        tracks::{self, Track},
    },
    error::ApiError,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// How many tracks come with an album.
const FIRST_TRACKS: i64 = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/albums").route(reads().to(list)))
        .service(web::resource("/v1/albums/{id}").route(reads().to(get)))
        .service(web::resource("/v1/albums/{id}/tracks").route(reads().to(tracks_of)));
}

/// An album with its first tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct FullAlbum {
    #[serde(flatten)]
    album: AlbumObject,
    /// The first 50 tracks.
    tracks: Page<TrackObject>,
}

/// All albums in pages, or with `ids` those alone.
#[utoipa::path(get, path = "/v1/albums", tag = "catalogue", params(IdsQuery, SortQuery, Paging),
    responses((status = 200, body = Page<AlbumObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    ids: web::Query<IdsQuery>,
    sort: web::Query<SortQuery>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, ApiError> {
    lists::all::<albums::Album>(&request, &app, &ids, *sort, *paging).await
}

/// One album with its first tracks.
#[utoipa::path(get, path = "/v1/albums/{id}", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 200, body = FullAlbum), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
) -> Result<web::Json<FullAlbum>, ApiError> {
    let PathId(id) = id.into_inner();
    let found = app.db.read(move |connection| {
        let (ids, total) = albums::tracks_of(connection, id, FIRST_TRACKS, 0)?;
        Ok((albums::load(connection, &[id])?, tracks::load(connection, &ids)?, total))
    });
    let (album, found, total) = found.await?;
    let album = album.first().ok_or_else(|| ApiError::not_found("album"))?;
    let objects = Objects { request: &request, app: &app };
    let items = found.iter().map(|track| objects.track(track)).collect();
    let tracks = Page::at(&request, &format!("{}/tracks", request.path()), (FIRST_TRACKS, 0), items, total);
    Ok(web::Json(FullAlbum { album: objects.album(album), tracks }))
}

/// The tracks of an album, in the order in which they are played.
#[utoipa::path(get, path = "/v1/albums/{id}/tracks", tag = "catalogue", params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<TrackObject>), (status = 404)))]
pub(super) async fn tracks_of(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<TrackObject>>, ApiError> {
    let PathId(id) = id.into_inner();
    if app.db.read(move |connection| albums::load(connection, &[id])).await?.is_empty() {
        return Err(ApiError::not_found("album"));
    }
    lists::of::<Track>(&request, &app, *paging, id, albums::tracks_of).await
}
