//! `/v1/playlists/{id}/items`: the newer address of a playlist's tracks.

use super::{
    AuthUser, Page,
    body::OptionalJson,
    command_query::NoQuery,
    fields::FieldsQuery,
    ids::PathId,
    objects::TrackObject,
    page::LongPaging,
    playlist_object::PlaylistTrack,
    playlist_tracks::{self, AddQuery, AddedBody, PlaylistSnapshot, Removed, Replaced},
    reads,
};
use crate::{app::App, error::ApiError};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/v1/playlists/{id}/items")
            .route(reads().to(list))
            .route(web::post().to(add))
            .route(web::put().to(replace_or_reorder))
            .route(web::delete().to(remove)),
    );
}

/// An item of a playlist. `item` and `track` are the same.
#[derive(Serialize, ToSchema)]
pub(super) struct PlaylistItemObject {
    #[serde(flatten)]
    older: PlaylistTrack,
    /// The newer name of `track`.
    item: TrackObject,
}

impl PlaylistItemObject {
    fn new(older: PlaylistTrack) -> Self {
        Self { item: older.track.clone(), older }
    }
}

/// The tracks of a playlist, in order; also those whose file is missing.
#[utoipa::path(get, path = "/v1/playlists/{id}/items", tag = "playlists",
    params(("id" = String, Path), LongPaging, FieldsQuery),
    responses((status = 200, body = Page<PlaylistItemObject>), (status = 404)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    paging: web::Query<LongPaging>,
    fields: web::Query<FieldsQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = playlist_tracks::page(&request, &app, asker, id.into_inner(), *paging);
    playlist_tracks::answer(page.await?.map(PlaylistItemObject::new), &fields)
}

/// Adds tracks; for the owner.
#[utoipa::path(post, path = "/v1/playlists/{id}/items", tag = "playlists",
    params(("id" = String, Path), AddQuery), request_body(content = Option<AddedBody>),
    responses((status = 201, body = PlaylistSnapshot), (status = 400), (status = 403), (status = 404)))]
pub(super) async fn add(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    query: web::Query<AddQuery>,
    body: OptionalJson<AddedBody>,
) -> Result<HttpResponse, ApiError> {
    playlist_tracks::add(app, asker, id, query, body).await
}

/// Replaces all tracks, or moves some; for the owner.
#[utoipa::path(put, path = "/v1/playlists/{id}/items", tag = "playlists",
    params(("id" = String, Path)), request_body = Replaced,
    responses((status = 200, body = PlaylistSnapshot), (status = 400), (status = 403), (status = 404),
    (status = 409, description = "the playlist has changed since that snapshot")))]
pub(super) async fn replace_or_reorder(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    query: web::Query<NoQuery>,
    body: web::Json<Replaced>,
) -> Result<web::Json<PlaylistSnapshot>, ApiError> {
    playlist_tracks::replace_or_reorder(app, asker, id, query, body).await
}

/// Removes tracks; for the owner.
#[utoipa::path(delete, path = "/v1/playlists/{id}/items", tag = "playlists",
    params(("id" = String, Path)), request_body = Removed,
    responses((status = 200, body = PlaylistSnapshot), (status = 400), (status = 403), (status = 404),
    (status = 409, description = "the playlist has changed since that snapshot")))]
pub(super) async fn remove(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    query: web::Query<NoQuery>,
    body: web::Json<Removed>,
) -> Result<web::Json<PlaylistSnapshot>, ApiError> {
    playlist_tracks::remove(app, asker, id, query, body).await
}
