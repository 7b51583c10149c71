//! Tracks.

use super::{
    AuthUser, Page, Paging,
    ids::{IdsQuery, PathId},
    objects::{Objects, TrackObject},
};
use crate::{
    app::App,
    db::{DbConnection, DbError, lists::List, tracks},
    error::ApiError,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/tracks").route(web::get().to(list)))
        .service(web::resource("/v1/tracks/{id}").route(web::get().to(get)));
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SortQuery {
    /// `name` or `newest`.
    #[param(default = "name")]
    sort: Option<Sort>,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    /// By name, without accents, case and leading articles.
    Name,
    /// What was found last comes first.
    Newest,
}

impl SortQuery {
    /// One list or the other.
    pub(super) fn choose(self, by_name: List, newest: List) -> List {
        if self.sort == Some(Sort::Newest) { newest } else { by_name }
    }
}

/// Several tracks.
#[derive(Serialize, ToSchema)]
pub(super) struct Tracks {
    /// In the order of the ids; `null` for an id that names none.
    tracks: Vec<Option<TrackObject>>,
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
    let objects = Objects { request: &request, app: &app };
    if let Some(ids) = ids.given()? {
        let asked = ids.clone();
        let found = app.db.read(move |connection| tracks::load(connection, &asked)).await?;
        let find = |id: &i64| found.iter().find(|track| track.row.id == *id);
        let tracks = ids.iter().map(|id| find(id).map(|track| objects.track(track))).collect();
        return Ok(HttpResponse::Ok().json(Tracks { tracks }));
    }
    let list = sort.choose(List::TracksByName, List::NewestTracks);
    let lists = app.lists.clone();
    let page = page(&request, &app, paging.into_inner(), move |connection, limit, offset| {
        lists.page(connection, list, limit, offset)
    });
    Ok(HttpResponse::Ok().json(page.await?))
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

/// A page of tracks whose ids `ids` finds.
pub(super) async fn page(
    request: &HttpRequest,
    app: &App,
    paging: Paging,
    ids: impl FnOnce(&mut DbConnection, i64, i64) -> Result<(Vec<i64>, i64), DbError> + Send + 'static,
) -> Result<Page<TrackObject>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let found = app.db.read(move |connection| {
        let (ids, total) = ids(connection, limit, offset)?;
        Ok((tracks::load(connection, &ids)?, total))
    });
    let (found, total) = found.await?;
    let objects = Objects { request, app };
    let items = found.iter().map(|track| objects.track(track)).collect();
    Ok(Page::new(request, (limit, offset), items, total))
}
