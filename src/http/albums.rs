//! Albums and their tracks.

use super::{
    AuthUser, Page, Paging,
    full_albums::{self, FullAlbum},
    ids::{IdsQuery, PathId},
    lists::{self, SortQuery},
    objects::{AlbumObject, Objects, TrackObject},
    reads,
    uris::Noun,
};
use crate::{
    app::App,
    db::{albums, tracks::Track},
    error::ApiError,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/albums").route(reads().to(list)))
        .service(web::resource("/v1/albums/{id}").route(reads().to(get)))
        .service(web::resource("/v1/albums/{id}/tracks").route(reads().to(tracks_of)));
}

/// Albums with their first tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct FullAlbums {
    /// `null` for an unknown id.
    albums: Vec<Option<FullAlbum>>,
}

/// All albums in pages, or with `ids` those alone, with their first tracks.
#[utoipa::path(get, path = "/v1/albums", tag = "catalogue", params(IdsQuery, SortQuery, Paging),
    responses((status = 200, body = Page<AlbumObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    user: AuthUser,
    ids: web::Query<IdsQuery>,
    sort: web::Query<SortQuery>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, ApiError> {
    let objects = Objects { request: &request, app: &app };
    objects.tell_why(user).await?;
    if let Some(ids) = ids.given(Noun::Album)? {
        let asked = ids.clone();
        let found = app.db.read(move |connection| full_albums::load(connection, &asked)).await?;
        let find = |id: &i64| found.iter().find(|found| found.album.id == *id);
        let albums = ids.iter().map(|id| find(id).map(|found| FullAlbum::new(objects, found))).collect();
        return Ok(HttpResponse::Ok().json(FullAlbums { albums }));
    }
    lists::all::<albums::Album>(&request, &app, &ids, *sort, *paging).await
}

/// One album with its first tracks.
#[utoipa::path(get, path = "/v1/albums/{id}", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 200, body = FullAlbum), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    user: AuthUser,
    id: web::Path<PathId>,
) -> Result<web::Json<FullAlbum>, ApiError> {
    let PathId(id) = id.into_inner();
    let found = app.db.read(move |connection| full_albums::load(connection, &[id])).await?;
    let album = found.first().ok_or_else(|| ApiError::not_found("album"))?;
    let objects = Objects { request: &request, app: &app };
    objects.tell_why(user).await?;
    Ok(web::Json(FullAlbum::new(objects, album)))
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
