//! Tracks and albums that a user saved.

use super::{
    AuthUser, Page, Paging,
    body::OptionalJson,
    full_albums::{self, FullAlbum},
    ids::{self, IdsQuery},
    objects::{Objects, TrackObject},
    reads,
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::{
        saved::{self, Saved},
        tracks,
    },
    error::ApiError,
    time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use segue_actors::session::LibraryChange;
use segue_client::protocol::ids::Micros;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/me/tracks")
                .route(reads().to(list))
                .route(web::put().to(save))
                .route(web::delete().to(forget)),
        )
        .service(web::resource("/v1/me/tracks/contains").route(reads().to(contains)))
        .service(
            web::resource("/v1/me/albums")
                .route(reads().to(list_albums))
                .route(web::put().to(save_albums))
                .route(web::delete().to(forget_albums)),
        )
        .service(web::resource("/v1/me/albums/contains").route(reads().to(contains_albums)));
}

/// A track that was saved.
#[derive(Serialize, ToSchema)]
pub(super) struct SavedTrack {
    added_at: String,
    track: TrackObject,
}

/// An album that was saved.
#[derive(Serialize, ToSchema)]
pub(super) struct SavedAlbum {
    added_at: String,
    album: FullAlbum,
}

/// Ids in the body, instead of in the query: alone or as the field `ids`.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, deny_unknown_fields, expecting = "send a list of ids, or an object of `ids` alone")]
pub(super) enum Ids {
    /// 1 to 50 ids.
    Bare(Vec<String>),
    /// An object.
    Named {
        /// 1 to 50 ids.
        ids: Option<Vec<String>>,
    },
}

/// The tracks that the user saved, the newest first.
#[utoipa::path(get, path = "/v1/me/tracks", tag = "library", params(Paging),
    responses((status = 200, body = Page<SavedTrack>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<SavedTrack>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let user_id = asker.user.to_sql();
    let found = app.db.read(move |connection| {
        let (saved, total) = saved::page(connection, Saved::Tracks, user_id, limit, offset)?;
        let ids: Vec<i64> = saved.iter().map(|row| row.id).collect();
        Ok((tracks::load(connection, &ids)?, saved, total))
    });
    let (found, saved, total) = found.await?;
    let added: HashMap<i64, i64> = saved.into_iter().map(|row| (row.id, row.added_us)).collect();
    let objects = Objects { request: &request, app: &app };
    let items = found.iter().map(|track| SavedTrack {
        added_at: time::rfc3339(Micros(added.get(&track.row.id).copied().unwrap_or(0))),
        track: objects.track(track),
    });
    Ok(web::Json(Page::new(&request, (limit, offset), items.collect(), total)))
}

/// The albums that the user saved, the newest first.
#[utoipa::path(get, path = "/v1/me/albums", tag = "library", params(Paging),
    responses((status = 200, body = Page<SavedAlbum>)))]
pub(super) async fn list_albums(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<SavedAlbum>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let user_id = asker.user.to_sql();
    let found = app.db.read(move |connection| {
        let (saved, total) = saved::page(connection, Saved::Albums, user_id, limit, offset)?;
        let ids: Vec<i64> = saved.iter().map(|row| row.id).collect();
        Ok((full_albums::load(connection, &ids)?, saved, total))
    });
    let (found, saved, total) = found.await?;
    let added: HashMap<i64, i64> = saved.into_iter().map(|row| (row.id, row.added_us)).collect();
    let objects = Objects { request: &request, app: &app };
    let items = found.iter().map(|found| SavedAlbum {
        added_at: time::rfc3339(Micros(added.get(&found.album.id).copied().unwrap_or(0))),
        album: FullAlbum::new(objects, found),
    });
    Ok(web::Json(Page::new(&request, (limit, offset), items.collect(), total)))
}

/// Saves tracks.
#[utoipa::path(put, path = "/v1/me/tracks", tag = "library", params(IdsQuery), request_body(content = Option<Ids>),
    responses((status = 204), (status = 404, description = "one of them is no track")))]
pub(super) async fn save(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
    body: OptionalJson<Ids>,
) -> Result<HttpResponse, ApiError> {
    add(&app, asker, Saved::Tracks, Noun::Track, given(&query, body, Noun::Track)?).await
}

/// Saves albums.
#[utoipa::path(put, path = "/v1/me/albums", tag = "library", params(IdsQuery), request_body(content = Option<Ids>),
    responses((status = 204), (status = 404, description = "one of them is no album")))]
pub(super) async fn save_albums(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
    body: OptionalJson<Ids>,
) -> Result<HttpResponse, ApiError> {
    add(&app, asker, Saved::Albums, Noun::Album, given(&query, body, Noun::Album)?).await
}

/// Removes tracks from those that the user saved.
#[utoipa::path(delete, path = "/v1/me/tracks", tag = "library", params(IdsQuery), request_body(content = Option<Ids>),
    responses((status = 204)))]
pub(super) async fn forget(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
    body: OptionalJson<Ids>,
) -> Result<HttpResponse, ApiError> {
    remove(&app, asker, Saved::Tracks, given(&query, body, Noun::Track)?).await
}

/// Removes albums from those that the user saved.
#[utoipa::path(delete, path = "/v1/me/albums", tag = "library", params(IdsQuery), request_body(content = Option<Ids>),
    responses((status = 204)))]
pub(super) async fn forget_albums(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
    body: OptionalJson<Ids>,
) -> Result<HttpResponse, ApiError> {
    remove(&app, asker, Saved::Albums, given(&query, body, Noun::Album)?).await
}

/// Whether tracks are saved, in the order of the ids.
#[utoipa::path(get, path = "/v1/me/tracks/contains", tag = "library", params(IdsQuery),
    responses((status = 200, body = Vec<bool>)))]
pub(super) async fn contains(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
) -> Result<web::Json<Vec<bool>>, ApiError> {
    look_up(&app, asker, Saved::Tracks, given(&query, OptionalJson(None), Noun::Track)?).await
}

/// Whether albums are saved, in the order of the ids.
#[utoipa::path(get, path = "/v1/me/albums/contains", tag = "library", params(IdsQuery),
    responses((status = 200, body = Vec<bool>)))]
pub(super) async fn contains_albums(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
) -> Result<web::Json<Vec<bool>>, ApiError> {
    look_up(&app, asker, Saved::Albums, given(&query, OptionalJson(None), Noun::Album)?).await
}

/// Saves things, all or none.
pub(super) async fn add(
    app: &App,
    asker: AuthUser,
    kind: Saved,
    noun: Noun,
    ids: Vec<i64>,
) -> Result<HttpResponse, ApiError> {
    let user_id = asker.user.to_sql();
    let all_known = app.db.write(move |connection| {
        let all_known = saved::are_known(connection, kind, &ids)?;
        if all_known {
            saved::add(connection, kind, user_id, &ids, time::now().0)?;
        }
        Ok(all_known)
    });
    if !all_known.await? {
        return Err(ApiError::not_found(noun.word()));
    }
    app.directory.changed(asker.user, LibraryChange::Saved);
    Ok(HttpResponse::NoContent().finish())
}

/// Forgets things that were saved.
pub(super) async fn remove(app: &App, asker: AuthUser, kind: Saved, ids: Vec<i64>) -> Result<HttpResponse, ApiError> {
    let user_id = asker.user.to_sql();
    app.db.write(move |connection| saved::remove(connection, kind, user_id, &ids)).await?;
    app.directory.changed(asker.user, LibraryChange::Saved);
    Ok(HttpResponse::NoContent().finish())
}

/// Whether things are saved, in the order of the ids.
pub(super) async fn look_up(
    app: &App,
    asker: AuthUser,
    kind: Saved,
    ids: Vec<i64>,
) -> Result<web::Json<Vec<bool>>, ApiError> {
    let user_id = asker.user.to_sql();
    Ok(web::Json(app.db.read(move |connection| saved::contains(connection, kind, user_id, &ids)).await?))
}

/// The ids of a query or of a body.
pub(super) fn given(query: &IdsQuery, body: OptionalJson<Ids>, noun: Noun) -> Result<Vec<i64>, ApiError> {
    match (query.given(noun)?, body.0) {
        (Some(ids), _) => Ok(ids),
        (None, Some(Ids::Bare(given) | Ids::Named { ids: Some(given) })) => {
            ids::checked(given.iter().map(|id| uris::id(id, noun)).collect::<Result<_, _>>()?)
        }
        (None, _) => Err(ApiError::invalid("give ids, in the query or in the body")),
    }
}
