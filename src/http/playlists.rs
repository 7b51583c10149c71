//! Playlists.

use super::{
    AuthUser, Page, Paging,
    fields::FieldsQuery,
    ids::PathId,
    objects::Objects,
    playlist_object::{Entries, FullPlaylist, PlaylistObject},
    reads,
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::playlists::{self, Details, Playlist},
    error::{ApiError, Kind},
    time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use segue_actors::session::LibraryChange;
use segue_client::protocol::ids::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest name, in characters.
const NAME_CHARS: usize = 200;
/// The longest description, in characters.
const DESCRIPTION_CHARS: usize = 1_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me/playlists").route(reads().to(list_own)).route(web::post().to(create)))
        .service(web::resource("/v1/users/{id}/playlists").route(reads().to(list)).route(web::post().to(create_for)))
        .service(
            web::resource("/v1/playlists/{id}")
                .route(reads().to(get))
                .route(web::put().to(change))
                .route(web::delete().to(remove)),
        );
}

/// Name, description and visibility of a playlist.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DetailsBody {
    /// 1 to 200 characters; needed for a new playlist.
    name: Option<String>,
    /// At most 1,000 characters.
    description: Option<String>,
    /// Whether all users may see it; a new one is public unless this says otherwise.
    public: Option<bool>,
    /// `false`: only its owner changes a playlist.
    collaborative: Option<bool>,
}

impl DetailsBody {
    fn checked(self) -> Result<Details, ApiError> {
        if self.collaborative == Some(true) {
            return Err(ApiError::without_notion("collaborative playlists"));
        }
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
    responses((status = 201, body = FullPlaylist), (status = 501, description = "a collaborative one")))]
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
    app.directory.changed(asker.user, LibraryChange::Playlists);
    app.scanner.board().announce();
    let objects = Objects { request: &request, app: &app };
    Ok(HttpResponse::Created().json(FullPlaylist::new(objects, &made, &Entries::none())))
}

/// Makes a playlist of the user who asks.
#[utoipa::path(post, path = "/v1/users/{id}/playlists", tag = "playlists", params(("id" = String, Path)),
    request_body = DetailsBody, responses((status = 201, body = FullPlaylist), (status = 403), (status = 501)))]
pub(super) async fn create_for(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    owner: web::Path<UserId>,
    body: web::Json<DetailsBody>,
) -> Result<HttpResponse, ApiError> {
    if *owner != asker.user {
        return Err(ApiError::new(Kind::Forbidden, "a playlist can be made for oneself only"));
    }
    create(request, app, asker, body).await
}

/// One playlist with its first 100 tracks.
#[utoipa::path(get, path = "/v1/playlists/{id}", tag = "playlists", params(("id" = String, Path), FieldsQuery),
    responses((status = 200, body = FullPlaylist), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    fields: web::Query<FieldsQuery>,
) -> Result<HttpResponse, ApiError> {
    let PathId(id) = id.into_inner();
    let fields = fields.read()?;
    let has_tracks = fields.want(&["tracks", "items"]);
    let found = app.db.read(move |connection| {
        let limit = if has_tracks { FullPlaylist::FIRST_TRACKS } else { 0 };
        Ok((playlists::get(connection, id)?, Entries::load(connection, id, limit, 0)?))
    });
    let (found, entries) = found.await?;
    let found = visible(found, asker)?;
    let whole = FullPlaylist::new(Objects { request: &request, app: &app }, &found, &entries);
    Ok(HttpResponse::Ok().json(fields.of(serde_json::to_value(whole).map_err(ApiError::internal)?)))
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
    app.directory.changed(asker.user, LibraryChange::Playlists);
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
    app.directory.changed(asker.user, LibraryChange::Playlists);
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
        Err(ApiError::new(Kind::Forbidden, "only its owner may change a playlist"))
    }
}

/// Parses ids of tracks, alone or as `spotify:track:…`; at most `most` of them.
pub(super) fn track_ids(given: &[String], most: usize) -> Result<Vec<i64>, ApiError> {
    if given.len() > most {
        return Err(ApiError::invalid(format!("give at most {most} tracks at once")));
    }
    given.iter().map(|uri| uris::id(uri, Noun::Track)).collect()
}
