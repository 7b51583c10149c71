//! Playlists.

use super::{
    AuthUser, Page, Paging, address,
    ids::PathId,
    objects::{ExternalUrls, Objects},
    reads,
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::playlists::{self, Details, Playlist},
    error::ApiError,
    time,
    values::catalogue_id::CatalogueId,
};
use actix_web::{HttpRequest, HttpResponse, web};
use segue_client::protocol::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name, in characters.
const NAME_CHARS: usize = 200;
/// The longest description, in characters.
const DESCRIPTION_CHARS: usize = 1_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me/playlists").route(reads().to(list_own)).route(web::post().to(create)))
        .service(web::resource("/v1/users/{id}/playlists").route(reads().to(list)))
        .service(
            web::resource("/v1/playlists/{id}")
                .route(reads().to(get))
                .route(web::put().to(change))
                .route(web::delete().to(remove)),
        );
}

/// The owner of a playlist.
#[derive(Serialize, ToSchema)]
pub(super) struct Owner {
    id: String,
    display_name: String,
    href: String,
    uri: String,
    r#type: &'static str,
}

/// Where a playlist's tracks are, and how many.
#[derive(Serialize, ToSchema)]
pub(super) struct TracksOf {
    href: String,
    total: i64,
}

/// A playlist.
#[derive(Serialize, ToSchema)]
pub(super) struct PlaylistObject {
    id: String,
    name: String,
    description: String,
    owner: Owner,
    public: bool,
    collaborative: bool,
    /// The state of the tracks: it changes with each change of them.
    snapshot_id: String,
    tracks: TracksOf,
    created_at: String,
    updated_at: String,
    href: String,
    uri: String,
    r#type: &'static str,
    external_urls: ExternalUrls,
}

impl PlaylistObject {
    pub(super) fn new(request: &HttpRequest, app: &App, (playlist, owner): &(Playlist, String)) -> Self {
        let objects = Objects { request, app };
        let id = CatalogueId(playlist.id).to_string();
        let owner_id = UserId::from_sql(playlist.owner_id);
        Self {
            name: playlist.name.clone(),
            description: playlist.description.clone(),
            owner: Owner {
                id: owner_id.to_string(),
                display_name: owner.clone(),
                href: address(request, &format!("/v1/users/{owner_id}")),
                uri: Noun::User.uri(&owner_id.to_string()),
                r#type: "user",
            },
            public: playlist.public,
            collaborative: false,
            snapshot_id: CatalogueId(playlist.snapshot).to_string(),
            tracks: TracksOf {
                href: address(request, &format!("/v1/playlists/{id}/tracks")),
                total: playlist.track_count,
            },
            created_at: time::rfc3339(segue_client::protocol::ids::Micros(playlist.created_us)),
            updated_at: time::rfc3339(segue_client::protocol::ids::Micros(playlist.updated_us)),
            href: objects.href("playlists", &id),
            uri: Noun::Playlist.uri(&id),
            r#type: "playlist",
            external_urls: objects.external("playlist", &id),
            id,
        }
    }
}

/// Name, description and visibility of a playlist.
#[derive(Deserialize, ToSchema)]
pub(super) struct DetailsBody {
    /// 1 to 200 characters; needed for a new playlist.
    name: Option<String>,
    /// At most 1,000 characters.
    description: Option<String>,
    /// Whether all users may see it; a new one is public unless this says otherwise.
    public: Option<bool>,
}

impl DetailsBody {
    fn checked(self) -> Result<Details, ApiError> {
        let name = self.name.map(|name| name.trim().to_owned());
        if name.as_ref().is_some_and(|name| name.is_empty() || too_long(name, NAME_CHARS)) {
            return Err(ApiError::invalid(format!("a name has 1 to {NAME_CHARS} characters")));
        }
        if self.description.as_ref().is_some_and(|text| too_long(text, DESCRIPTION_CHARS)) {
            return Err(ApiError::invalid(format!("a description has at most {DESCRIPTION_CHARS} characters")));
        }
        Ok(Details { name, description: self.description, public: self.public })
    }
}

fn too_long(text: &str, most: usize) -> bool {
    text.chars().count() > most || text.contains('\0')
}

/// The user's own playlists, the oldest first.
#[utoipa::path(get, path = "/v1/me/playlists", tag = "playlists", params(Paging),
    responses((status = 200, body = Page<PlaylistObject>)))]
pub(super) async fn list_own(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<PlaylistObject>>, ApiError> {
    page(&request, &app, asker.user, asker, paging.into_inner()).await
}

/// The playlists of a user; of another user only the public ones.
#[utoipa::path(get, path = "/v1/users/{id}/playlists", tag = "playlists", params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<PlaylistObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    owner: web::Path<UserId>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<PlaylistObject>>, ApiError> {
    page(&request, &app, owner.into_inner(), asker, paging.into_inner()).await
}

async fn page(
    request: &HttpRequest,
    app: &App,
    owner: UserId,
    asker: AuthUser,
    paging: Paging,
) -> Result<web::Json<Page<PlaylistObject>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let (owner_id, asker_id) = (owner.to_sql(), asker.user.to_sql());
    let found = app.db.read(move |connection| playlists::of_user(connection, owner_id, asker_id, limit, offset));
    let (found, total) = found.await?;
    let items = found.iter().map(|playlist| PlaylistObject::new(request, app, playlist)).collect();
    Ok(web::Json(Page::new(request, (limit, offset), items, total)))
}

/// Makes a playlist.
#[utoipa::path(post, path = "/v1/me/playlists", tag = "playlists", request_body = DetailsBody,
    responses((status = 201, body = PlaylistObject)))]
pub(super) async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    body: web::Json<DetailsBody>,
) -> Result<HttpResponse, ApiError> {
    let details = body.into_inner().checked()?;
    let now_us = time::now().0;
    let playlist = Playlist {
        id: rand::random(),
        owner_id: asker.user.to_sql(),
        name: details.name.ok_or_else(|| ApiError::invalid("give the playlist a name"))?,
        description: details.description.unwrap_or_default(),
        public: details.public.unwrap_or(true),
        snapshot: rand::random(),
        track_count: 0,
        created_us: now_us,
        updated_us: now_us,
    };
    let id = playlist.id;
    let made = app.db.write(move |connection| {
        playlists::add(connection, &playlist)?;
        playlists::get(connection, id)
    });
    let made = made.await?.ok_or_else(|| ApiError::not_found("user"))?;
    app.scanner.board().announce();
    Ok(HttpResponse::Created().json(PlaylistObject::new(&request, &app, &made)))
}

/// One playlist; its tracks are at `/v1/playlists/{id}/tracks`.
#[utoipa::path(get, path = "/v1/playlists/{id}", tag = "playlists", params(("id" = String, Path)),
    responses((status = 200, body = PlaylistObject), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
) -> Result<web::Json<PlaylistObject>, ApiError> {
    let PathId(id) = id.into_inner();
    let found = app.db.read(move |connection| playlists::get(connection, id)).await?;
    let found = visible(found, asker)?;
    Ok(web::Json(PlaylistObject::new(&request, &app, &found)))
}

/// Changes name, description or visibility; for its owner.
#[utoipa::path(put, path = "/v1/playlists/{id}", tag = "playlists", params(("id" = String, Path)),
    request_body = DetailsBody, responses((status = 204), (status = 403), (status = 404)))]
pub(super) async fn change(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    body: web::Json<DetailsBody>,
) -> Result<HttpResponse, ApiError> {
    let (PathId(id), details) = (id.into_inner(), body.into_inner().checked()?);
    let now_us = time::now().0;
    let outcome = app.db.write(move |connection| {
        let allowed = own(playlists::get(connection, id)?, asker);
        if allowed.is_ok() {
            playlists::set_details(connection, id, &details, now_us)?;
        }
        Ok(allowed)
    });
    outcome.await??;
    app.scanner.board().announce();
    Ok(HttpResponse::NoContent().finish())
}

/// Deletes a playlist; for its owner.
#[utoipa::path(delete, path = "/v1/playlists/{id}", tag = "playlists", params(("id" = String, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
pub(super) async fn remove(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
) -> Result<HttpResponse, ApiError> {
    let PathId(id) = id.into_inner();
    let now_us = time::now().0;
    let outcome = app.db.write(move |connection| {
        let allowed = own(playlists::get(connection, id)?, asker);
        if allowed.is_ok() {
            playlists::remove(connection, id, now_us)?;
        }
        Ok(allowed)
    });
    outcome.await??;
    app.scanner.board().announce();
    Ok(HttpResponse::NoContent().finish())
}

/// The playlist, if this user may see it.
///
/// # Errors
/// `not_found` for a playlist that does not exist, and for one that the user may not see.
pub(super) fn visible(found: Option<(Playlist, String)>, asker: AuthUser) -> Result<(Playlist, String), ApiError> {
    found
        .filter(|(playlist, _)| playlist.public || playlist.owner_id == asker.user.to_sql())
        .ok_or_else(|| ApiError::not_found("playlist"))
}

/// The playlist, if the user owns it.
///
/// # Errors
/// As [`visible`]; `forbidden` when it is public and belongs to somebody else.
pub(super) fn own(found: Option<(Playlist, String)>, asker: AuthUser) -> Result<Playlist, ApiError> {
    let (playlist, _) = visible(found, asker)?;
    if playlist.owner_id == asker.user.to_sql() {
        Ok(playlist)
    } else {
        Err(ApiError::new(crate::error::Kind::Forbidden, "only its owner may change a playlist"))
    }
}

/// Parses ids of tracks, alone or as `spotify:track:…`; at most `most` of them.
pub(super) fn track_ids(given: &[String], most: usize) -> Result<Vec<i64>, ApiError> {
    if given.len() > most {
        return Err(ApiError::invalid(format!("give at most {most} tracks at once")));
    }
    given.iter().map(|uri| uris::id(uri, Noun::Track)).collect()
}
