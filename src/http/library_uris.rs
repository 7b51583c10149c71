//! `/v1/me/library`: what a user saved and follows, by URIs of several kinds at once. A user's own playlists are in it.

use super::{
    AuthUser,
    playlists::own,
    reads,
    uris::{self, Noun},
};
use crate::{
    app::App,
    db::{
        playlists,
        saved::{self, Saved},
    },
    error::ApiError,
    time,
};
use actix_web::{HttpResponse, web};
use segue_actors::session::LibraryChange;
use serde::Deserialize;
use utoipa::IntoParams;

/// The most URIs of one request.
const MOST: usize = 50;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me/library").route(web::put().to(save)).route(web::delete().to(forget)))
        .service(web::resource("/v1/me/library/contains").route(reads().to(contains)));
}

/// URIs in a query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UrisQuery {
    /// Up to 50 URIs of tracks, albums, artists and playlists, with commas between them.
    uris: String,
}

/// What an URI names in the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Saved(Saved, Noun, i64),
    Playlist(i64),
}

impl UrisQuery {
    fn entries(&self) -> Result<Vec<Entry>, ApiError> {
        let entries: Result<Vec<Entry>, ApiError> = self.uris.split(',').map(|uri| entry(uri.trim())).collect();
        let entries = entries?;
        if entries.len() > MOST { Err(ApiError::invalid(format!("give 1 to {MOST} uris"))) } else { Ok(entries) }
    }
}

fn entry(uri: &str) -> Result<Entry, ApiError> {
    match uris::parse(uri)? {
        (noun @ Noun::Track, id) => Ok(Entry::Saved(Saved::Tracks, noun, id)),
        (noun @ Noun::Album, id) => Ok(Entry::Saved(Saved::Albums, noun, id)),
        (noun @ Noun::Artist, id) => Ok(Entry::Saved(Saved::Artists, noun, id)),
        (Noun::Playlist, id) => Ok(Entry::Playlist(id)),
        (Noun::User, _) => Err(ApiError::without_notion("users that follow each other")),
    }
}

/// Saves tracks and albums, and follows artists: all or none.
#[utoipa::path(put, path = "/v1/me/library", tag = "library", params(UrisQuery),
    responses((status = 204), (status = 404), (status = 501, description = "playlists and users cannot be followed")))]
pub(super) async fn save(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<UrisQuery>,
) -> Result<HttpResponse, ApiError> {
    let entries = query.entries()?;
    if entries.iter().any(|entry| matches!(entry, Entry::Playlist(_))) {
        return Err(ApiError::without_notion("followers of playlists"));
    }
    let user_id = asker.user.to_sql();
    let unknown = app.db.write(move |connection| {
        for entry in &entries {
            if let Entry::Saved(kind, noun, id) = entry
                && !saved::are_known(connection, *kind, &[*id])?
            {
                return Ok(Some(*noun));
            }
        }
        for (entry, now_us) in entries.iter().zip(time::now().0..) {
            if let Entry::Saved(kind, _, id) = entry {
                saved::add(connection, *kind, user_id, &[*id], now_us)?;
            }
        }
        Ok(None)
    });
    if let Some(noun) = unknown.await? {
        return Err(ApiError::not_found(noun.word()));
    }
    app.directory.changed(asker.user, LibraryChange::Saved);
    Ok(HttpResponse::NoContent().finish())
}

/// Removes tracks and albums, follows artists no more, and deletes playlists of the user: all or none.
#[utoipa::path(delete, path = "/v1/me/library", tag = "library", params(UrisQuery),
    responses((status = 204), (status = 403), (status = 404), (status = 501, description = "users cannot be followed")))]
pub(super) async fn forget(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<UrisQuery>,
) -> Result<HttpResponse, ApiError> {
    let entries = query.entries()?;
    let (user_id, now_us) = (asker.user.to_sql(), time::now().0);
    let outcome = app.db.write(move |connection| {
        for entry in &entries {
            if let Entry::Playlist(id) = entry
                && let Err(refused) = own(playlists::get(connection, *id)?, asker)
            {
                return Ok(Err(refused));
            }
        }
        for entry in &entries {
            match entry {
                Entry::Saved(kind, _, id) => saved::remove(connection, *kind, user_id, &[*id])?,
                Entry::Playlist(id) => playlists::remove(connection, *id, now_us)?,
            }
        }
        Ok(Ok(()))
    });
    outcome.await??;
    app.directory.changed(asker.user, LibraryChange::Saved);
    app.directory.changed(asker.user, LibraryChange::Playlists);
    app.scanner.board().announce();
    Ok(HttpResponse::NoContent().finish())
}

/// Whether each of them is in the library of the user.
#[utoipa::path(get, path = "/v1/me/library/contains", tag = "library", params(UrisQuery),
    responses((status = 200, body = Vec<bool>), (status = 501, description = "users cannot be followed")))]
pub(super) async fn contains(
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<UrisQuery>,
) -> Result<web::Json<Vec<bool>>, ApiError> {
    let entries = query.entries()?;
    let user_id = asker.user.to_sql();
    let found = app.db.read(move |connection| {
        let mut found = Vec::with_capacity(entries.len());
        for entry in entries {
            found.push(match entry {
                Entry::Saved(kind, _, id) => saved::contains(connection, kind, user_id, &[id])? == [true],
                Entry::Playlist(id) => {
                    playlists::get(connection, id)?.is_some_and(|(playlist, _)| playlist.owner_id == user_id)
                }
            });
        }
        Ok(found)
    });
    Ok(web::Json(found.await?))
}
