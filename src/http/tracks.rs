//! Tracks.

use super::{
    AuthUser, Page, Paging,
    ids::{IdsQuery, PathId},
    lists::{self, SortQuery},
    objects::{Objects, TrackObject},
    reads,
};
use crate::{app::App, db::tracks, error::ApiError};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/tracks").route(reads().to(list)))
        .service(web::resource("/v1/tracks/{id}").route(reads().to(get)));
}

/// All tracks in pages, or with `ids` those alone.
#[utoipa::path(get, path = "/v1/tracks", tag = "catalogue", params(IdsQuery, SortQuery, Paging),
    responses((status = 200, body = Page<TrackObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    ids: web::Query<IdsQuery>,
    sort: web::Query<SortQuery>,
    paging: web::Query<Paging>,
) -> Result<HttpResponse, ApiError> {
    lists::all::<tracks::Track>(&request, &app, &ids, *sort, *paging).await
}

/// One track; also one whose file is missing, as long as playlists may name it.
#[utoipa::path(get, path = "/v1/tracks/{id}", tag = "catalogue", params(("id" = String, Path)),
    responses((status = 200, body = TrackObject), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
) -> Result<web::Json<TrackObject>, ApiError> {
    let PathId(id) = id.into_inner();
    let found = app.db.read(move |connection| tracks::load(connection, &[id])).await?;
    let track = found.first().ok_or_else(|| ApiError::not_found("track"))?;
    Ok(web::Json(Objects { request: &request, app: &app }.track(track)))
}
