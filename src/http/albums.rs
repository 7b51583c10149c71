//! Albums and their tracks.

use super::{
    AuthUser, Page, Paging,
    ids::{IdsQuery, PathId},
    objects::{AlbumObject, Objects, TrackObject},
    tracks::{self, SortQuery},
};
use crate::{
    app::App,
    db::{DbConnection, DbError, albums, lists::List},
    error::ApiError,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

/// How many tracks come with an album.
const FIRST_TRACKS: i64 = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/albums").route(web::get().to(list)))
        .service(web::resource("/v1/albums/{id}").route(web::get().to(get)))
        .service(web::resource("/v1/albums/{id}/tracks").route(web::get().to(tracks_of)));
}

/// Several albums.
#[derive(Serialize, ToSchema)]
pub(super) struct Albums {
    /// In the order of the ids; `null` for an id that names none.
    albums: Vec<Option<AlbumObject>>,
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
    let objects = Objects { request: &request, app: &app };
    if let Some(ids) = ids.given()? {
        let asked = ids.clone();
        let found = app.db.read(move |connection| albums::load(connection, &asked)).await?;
        let find = |id: &i64| found.iter().find(|album| album.id == *id);
        let albums = ids.iter().map(|id| find(id).map(|album| objects.album(album))).collect();
        return Ok(HttpResponse::Ok().json(Albums { albums }));
    }
    let list = sort.choose(List::AlbumsByName, List::NewestAlbums);
    let lists = app.lists.clone();
    let page = page(&request, &app, paging.into_inner(), move |connection, limit, offset| {
        lists.page(connection, list, limit, offset)
    });
    Ok(HttpResponse::Ok().json(page.await?))
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
        Ok((albums::load(connection, &[id])?, crate::db::tracks::load(connection, &ids)?, total))
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
    let page = tracks::page(&request, &app, paging.into_inner(), move |connection, limit, offset| {
        albums::tracks_of(connection, id, limit, offset)
    });
    Ok(web::Json(page.await?))
}

/// A page of albums whose ids `ids` finds.
pub(super) async fn page(
    request: &HttpRequest,
    app: &App,
    paging: Paging,
    ids: impl FnOnce(&mut DbConnection, i64, i64) -> Result<(Vec<i64>, i64), DbError> + Send + 'static,
) -> Result<Page<AlbumObject>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let found = app.db.read(move |connection| {
        let (ids, total) = ids(connection, limit, offset)?;
        Ok((albums::load(connection, &ids)?, total))
    });
    let (found, total) = found.await?;
    let objects = Objects { request, app };
    let items = found.iter().map(|album| objects.album(album)).collect();
    Ok(Page::new(request, (limit, offset), items, total))
}
