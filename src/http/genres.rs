//! Genres and their tracks.

use super::{AuthUser, Page, Paging, ids::PathId, lists, objects::TrackObject, reads};
use crate::{
    app::App,
    db::{genres, tracks::Track},
    error::ApiError,
    values::catalogue_id::CatalogueId,
};
use actix_web::{HttpRequest, web};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/genres").route(reads().to(list)))
        .service(web::resource("/v1/genres/{id}/tracks").route(reads().to(tracks_of)));
}

/// A genre.
#[derive(Serialize, ToSchema)]
pub(super) struct GenreObject {
    id: String,
    name: String,
    track_count: i64,
}

/// All genres, by name.
#[utoipa::path(get, path = "/v1/genres", tag = "catalogue", params(Paging),
    responses((status = 200, body = Page<GenreObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<GenreObject>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let (found, total) = app.db.read(move |connection| genres::page(connection, limit, offset)).await?;
    let object = |genre: genres::Genre| GenreObject {
        id: CatalogueId(genre.id).to_string(),
        name: genre.name,
        track_count: genre.track_count,
    };
    Ok(web::Json(Page::new(&request, (limit, offset), found.into_iter().map(object).collect(), total)))
}

/// The tracks of a genre, by title.
#[utoipa::path(get, path = "/v1/genres/{id}/tracks", tag = "catalogue", params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<TrackObject>)))]
pub(super) async fn tracks_of(
    request: HttpRequest,
    app: web::Data<App>,
    _: AuthUser,
    id: web::Path<PathId>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<TrackObject>>, ApiError> {
    let PathId(id) = id.into_inner();
    lists::of::<Track>(&request, &app, *paging, id, genres::tracks_of).await
}
