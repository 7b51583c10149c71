//! Tracks that a user saved.

use super::{
    AuthUser, Page, Paging,
    body::OptionalJson,
    ids::{self, IdsQuery},
    objects::{Objects, TrackObject},
    reads,
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::{saved, tracks},
    error::ApiError,
    time,
};
use actix_web::{HttpRequest, HttpResponse, web};
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
        .service(web::resource("/v1/me/tracks/contains").route(reads().to(contains)));
}

/// A track that was saved.
#[derive(Serialize, ToSchema)]
pub(super) struct SavedTrack {
    added_at: String,
    track: TrackObject,
}

/// Ids in the body, instead of in the query.
#[derive(Deserialize, ToSchema)]
pub(super) struct Ids {
    /// 1 to 50 ids.
    ids: Option<Vec<String>>,
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
        let (saved, total) = saved::page(connection, user_id, limit, offset)?;
        let ids: Vec<i64> = saved.iter().map(|(id, _)| *id).collect();
        Ok((tracks::load(connection, &ids)?, saved, total))
    });
    let (found, saved, total) = found.await?;
    let added: HashMap<i64, i64> = saved.into_iter().collect();
    let objects = Objects { request: &request, app: &app };
    let items = found.iter().map(|track| SavedTrack {
        added_at: time::rfc3339(Micros(added.get(&track.row.id).copied().unwrap_or(0))),
        track: objects.track(track),
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
    let ids = given(&query, body)?;
    let user_id = asker.user.to_sql();
    let all_known = app.db.write(move |connection| {
        let known = tracks::known(connection, &ids)?;
        let all_known = ids.iter().all(|id| known.contains(id));
        if all_known {
            saved::add(connection, user_id, &ids, time::now().0)?;
        }
        Ok(all_known)
    });
    if all_known.await? { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::not_found("track")) }
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
    let ids = given(&query, body)?;
    let user_id = asker.user.to_sql();
    app.db.write(move |connection| saved::remove(connection, user_id, &ids)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whether tracks are saved, in the order of the ids.
#[utoipa::path(get, path = "/v1/me/tracks/contains", tag = "library", params(IdsQuery),
    responses((status = 200, body = Vec<bool>)))]
pub(super) async fn contains(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<IdsQuery>,
) -> Result<web::Json<Vec<bool>>, ApiError> {
    let ids = given(&query, OptionalJson(None))?;
    let (user_id, wanted) = (asker.user.to_sql(), ids.clone());
    let saved = app.db.read(move |connection| saved::contains(connection, user_id, &wanted)).await?;
    Ok(web::Json(ids.iter().map(|id| saved.contains(id)).collect()))
}

fn given(query: &IdsQuery, body: OptionalJson<Ids>) -> Result<Vec<i64>, ApiError> {
    match (query.given()?, body.0) {
        (Some(ids), _) => Ok(ids),
        (None, Some(Ids { ids: Some(given) })) => {
            ids::checked(given.iter().map(|id| uris::id(id, Noun::Track)).collect::<Result<_, _>>()?)
        }
        (None, _) => Err(ApiError::invalid("give ids, in the query or in the body")),
    }
}
