//! Artists that a user follows.

use super::{
    AuthUser, address,
    body::OptionalJson,
    ids::IdsQuery,
    objects::{ArtistObject, Objects},
    page::Paging,
    reads,
    saved::{self, Ids, given},
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::{
        artists,
        saved::{self as stored, Saved},
    },
    error::ApiError,
    values::catalogue_id::CatalogueId,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/me/following")
                .route(reads().to(list))
                .route(web::put().to(follow))
                .route(web::delete().to(unfollow)),
        )
        .service(web::resource("/v1/me/following/contains").route(reads().to(contains)));
}

/// What is followed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct KindQuery {
    /// `artist`: users cannot be followed.
    r#type: String,
}

/// Where a page of artists begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AfterQuery {
    /// How many items, 1 to 50.
    #[param(default = 20, minimum = 1, maximum = 50)]
    limit: Option<u32>,
    /// The id of the last artist of the page before.
    after: Option<String>,
}

/// Where the next page begins.
#[derive(Serialize, ToSchema)]
pub(super) struct NextCursor {
    /// The id of the last artist of this page; `null` on the last page.
    after: Option<String>,
}

/// A page of artists.
#[derive(Serialize, ToSchema)]
pub(super) struct ArtistPage {
    href: String,
    /// The artists, in the order of their ids.
    items: Vec<ArtistObject>,
    limit: i64,
    /// The address of the next page.
    next: Option<String>,
    cursors: NextCursor,
    /// How many artists the user follows.
    total: i64,
}

/// The artists that a user follows.
#[derive(Serialize, ToSchema)]
pub(super) struct Following {
    artists: ArtistPage,
}

/// The artists that the user follows.
#[utoipa::path(get, path = "/v1/me/following", tag = "library", params(KindQuery, AfterQuery),
    responses((status = 200, body = Following)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    kind: web::Query<KindQuery>,
    page: web::Query<AfterQuery>,
) -> Result<web::Json<Following>, ApiError> {
    artists_only(&kind)?;
    let (limit, _) = Paging::first(page.limit).checked()?;
    let after = page.after.as_deref().map_or(Ok(i64::MIN), |after| uris::id(after, Noun::Artist))?;
    let user_id = asker.user.to_sql();
    let found = app.db.read(move |connection| {
        let rows = stored::after(connection, Saved::Artists, user_id, after, limit.saturating_add(1))?;
        let total = stored::count(connection, Saved::Artists, user_id)?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let ids: Vec<i64> = rows.iter().take(shown).map(|row| row.id).collect();
        let last = ids.last().copied().filter(|_| rows.len() > ids.len());
        Ok((artists::load(connection, &ids)?, last, total))
    });
    let (found, last, total) = found.await?;
    let objects = Objects { request: &request, app: &app };
    let last = last.map(|id| CatalogueId(id).to_string());
    let at = |after: &str| address(&request, &format!("/v1/me/following?type=artist{after}&limit={limit}"));
    let given = page.after.as_deref().map(|after| format!("&after={after}"));
    let artists = ArtistPage {
        href: at(given.as_deref().unwrap_or_default()),
        items: found.iter().map(|artist| objects.artist(artist)).collect(),
        limit,
        next: last.as_ref().map(|after| at(&format!("&after={after}"))),
        cursors: NextCursor { after: last },
        total,
    };
    Ok(web::Json(Following { artists }))
}

/// Follows artists.
#[utoipa::path(put, path = "/v1/me/following", tag = "library", params(KindQuery, IdsQuery),
    request_body(content = Option<Ids>),
    responses((status = 204), (status = 404, description = "one of them is no artist"), (status = 501)))]
pub(super) async fn follow(
    app: web::Data<App>,
    asker: AuthUser,
    kind: web::Query<KindQuery>,
    query: web::Query<IdsQuery>,
    body: OptionalJson<Ids>,
) -> Result<HttpResponse, ApiError> {
    artists_only(&kind)?;
    saved::add(&app, asker, Saved::Artists, Noun::Artist, given(&query, body, Noun::Artist)?).await
}

/// Follows artists no more.
#[utoipa::path(delete, path = "/v1/me/following", tag = "library", params(KindQuery, IdsQuery),
    request_body(content = Option<Ids>), responses((status = 204), (status = 501)))]
pub(super) async fn unfollow(
    app: web::Data<App>,
    asker: AuthUser,
    kind: web::Query<KindQuery>,
    query: web::Query<IdsQuery>,
    body: OptionalJson<Ids>,
) -> Result<HttpResponse, ApiError> {
    artists_only(&kind)?;
    saved::remove(&app, asker, Saved::Artists, given(&query, body, Noun::Artist)?).await
}

/// Whether artists are followed, in the order of the ids.
#[utoipa::path(get, path = "/v1/me/following/contains", tag = "library", params(KindQuery, IdsQuery),
    responses((status = 200, body = Vec<bool>), (status = 501)))]
pub(super) async fn contains(
    app: web::Data<App>,
    asker: AuthUser,
    kind: web::Query<KindQuery>,
    query: web::Query<IdsQuery>,
) -> Result<web::Json<Vec<bool>>, ApiError> {
    artists_only(&kind)?;
    saved::look_up(&app, asker, Saved::Artists, given(&query, OptionalJson(None), Noun::Artist)?).await
}

fn artists_only(kind: &KindQuery) -> Result<(), ApiError> {
    match kind.r#type.as_str() {
        "artist" => Ok(()),
        "user" => Err(ApiError::without_notion("users that follow each other")),
        other => Err(ApiError::invalid(format!("{other:?} cannot be followed: type is artist"))),
    }
}
