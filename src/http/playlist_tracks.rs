//! The tracks of playlists.

use super::{
    AuthUser, Page,
    body::OptionalJson,
    command_query::NoQuery,
    fields::FieldsQuery,
    ids::PathId,
    objects::Objects,
    page::LongPaging,
    playlist_object::{Entries, PlaylistTrack},
    playlists::{own, track_ids, visible},
    reads,
};
use crate::{
    app::App,
    catalog::playlist,
    db::{
        playlists::{self, PlaylistItem},
        tracks,
    },
    error::{ApiError, Kind},
    time,
    values::catalogue_id::CatalogueId,
};
use actix_web::{HttpRequest, HttpResponse, web};
use segue_actors::session::LibraryChange;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How many tracks may be added or removed at once, as in the Spotify Web API.
const MOST: usize = 100;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/v1/playlists/{id}/tracks")
            .route(reads().to(list))
            .route(web::post().to(add))
            .route(web::put().to(replace_or_reorder))
            .route(web::delete().to(remove)),
    );
}

/// The playlist after a change.
#[derive(Serialize, ToSchema)]
pub(super) struct PlaylistSnapshot {
    snapshot_id: String,
}

/// Tracks to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Added {
    /// Up to 100 ids, alone or as `spotify:track:…`.
    uris: Vec<String>,
    /// Index of the item before which they are inserted, from 0; without it they are appended.
    position: Option<usize>,
}

/// Tracks to add: an object, or the list of URIs alone.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "send a list of URIs, or an object of `uris` and `position` alone")]
pub(super) enum AddedBody {
    /// Up to 100 URIs or ids.
    Bare(Vec<String>),
    /// An object.
    Named(Added),
}

/// Tracks to add, instead of in the body.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AddQuery {
    /// Up to 100 URIs or ids, with commas between them.
    uris: Option<String>,
    /// Index of the item before which they are inserted, from 0; without it they are appended.
    position: Option<usize>,
}

/// Either `uris` (a new list of tracks) or a range to move.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replaced {
    /// Up to 100 ids, alone or as `spotify:track:…`, that replace all tracks.
    uris: Option<Vec<String>>,
    /// Index of the first item to move, from 0.
    range_start: Option<usize>,
    /// How many items to move; without it 1.
    range_length: Option<usize>,
    /// Index of the item before which they are moved, as before the move.
    insert_before: Option<usize>,
    /// The `snapshot_id` that the indexes refer to; if the playlist has changed since, the request is refused.
    snapshot_id: Option<String>,
}

/// Tracks to remove.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Removed {
    /// Up to 100 of them. `items` is the same.
    #[serde(alias = "items")]
    tracks: Vec<RemovedTrack>,
    /// The `snapshot_id` that positions refer to; if the playlist has changed since, the request is refused.
    snapshot_id: Option<String>,
}

/// A track to remove.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemovedTrack {
    /// The id, alone or as `spotify:track:…`.
    uri: String,
    /// Remove it at these indexes only, from 0, each of which must hold it; without it everywhere.
    positions: Option<Vec<usize>>,
}

/// The tracks of a playlist, in order; also those whose file is missing.
#[utoipa::path(get, path = "/v1/playlists/{id}/tracks", tag = "playlists",
    params(("id" = String, Path), LongPaging, FieldsQuery),
    responses((status = 200, body = Page<PlaylistTrack>), (status = 404)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    paging: web::Query<LongPaging>,
    fields: web::Query<FieldsQuery>,
) -> Result<HttpResponse, ApiError> {
    answer(page(&request, &app, asker, id.into_inner(), *paging).await?, &fields)
}

/// A page of a playlist that this user may see.
pub(super) async fn page(
    request: &HttpRequest,
    app: &App,
    asker: AuthUser,
    PathId(id): PathId,
    paging: LongPaging,
) -> Result<Page<PlaylistTrack>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let found = app
        .db
        .read(move |connection| Ok((playlists::get(connection, id)?, Entries::load(connection, id, limit, offset)?)));
    let (found, entries) = found.await?;
    let (playlist, _) = visible(found, asker)?;
    Ok(Page::new(request, (limit, offset), entries.show(Objects { request, app }), playlist.track_count))
}

/// The parts of an answer that are asked for.
pub(super) fn answer(whole: impl Serialize, fields: &FieldsQuery) -> Result<HttpResponse, ApiError> {
    let fields = fields.read()?;
    let whole = serde_json::to_value(whole).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().json(fields.of(whole)))
}

/// Adds tracks; for the owner.
#[utoipa::path(post, path = "/v1/playlists/{id}/tracks", tag = "playlists",
    params(("id" = String, Path), AddQuery), request_body(content = Option<AddedBody>),
    responses((status = 201, body = PlaylistSnapshot), (status = 400), (status = 403), (status = 404)))]
pub(super) async fn add(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    query: web::Query<AddQuery>,
    body: OptionalJson<AddedBody>,
) -> Result<HttpResponse, ApiError> {
    let AddQuery { uris: in_query, position: at } = query.into_inner();
    let (uris, position) = match (in_query, body.0) {
        (None, Some(AddedBody::Bare(uris))) => (uris, at),
        (None, Some(AddedBody::Named(Added { uris, position }))) => (uris, position.or(at)),
        (Some(uris), None) => (uris.split(',').map(|uri| uri.trim().to_owned()).collect(), at),
        _ => return Err(ApiError::invalid("give uris, in the query or in the body")),
    };
    let new = new_items(&app, asker, &uris).await?;
    let snapshot = edit(&app, asker, id.into_inner(), None, move |items| playlist::insert(items, new, position));
    Ok(HttpResponse::Created().json(snapshot.await?))
}

/// Replaces all tracks, or moves some; for the owner.
#[utoipa::path(put, path = "/v1/playlists/{id}/tracks", tag = "playlists", params(("id" = String, Path)),
    request_body = Replaced,
    responses((status = 200, body = PlaylistSnapshot), (status = 400), (status = 403), (status = 404),
    (status = 409, description = "the playlist has changed since that snapshot")))]
pub(super) async fn replace_or_reorder(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    _: web::Query<NoQuery>,
    body: web::Json<Replaced>,
) -> Result<web::Json<PlaylistSnapshot>, ApiError> {
    let Replaced { uris, range_start, range_length, insert_before, snapshot_id } = body.into_inner();
    let id = id.into_inner();
    let snapshot = match (uris, range_start, insert_before) {
        (Some(uris), None, None) if range_length.is_none() => {
            let new = new_items(&app, asker, &uris).await?;
            edit(&app, asker, id, snapshot_id, move |items| {
                *items = new;
                Ok(())
            })
            .await
        }
        (None, Some(start), Some(before)) => {
            edit(&app, asker, id, snapshot_id, move |items| {
                playlist::reorder(items, start, range_length.unwrap_or(1), before)
            })
            .await
        }
        _ => Err(ApiError::invalid("give uris alone, or range_start and insert_before")),
    };
    Ok(web::Json(snapshot?))
}

/// Removes tracks; for the owner.
#[utoipa::path(delete, path = "/v1/playlists/{id}/tracks", tag = "playlists", params(("id" = String, Path)),
    request_body = Removed,
    responses((status = 200, body = PlaylistSnapshot), (status = 400), (status = 403), (status = 404),
    (status = 409, description = "the playlist has changed since that snapshot")))]
pub(super) async fn remove(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<PathId>,
    _: web::Query<NoQuery>,
    body: web::Json<Removed>,
) -> Result<web::Json<PlaylistSnapshot>, ApiError> {
    let Removed { tracks, snapshot_id } = body.into_inner();
    let uris: Vec<String> = tracks.iter().map(|track| track.uri.clone()).collect();
    let ids = track_ids(&uris, MOST)?;
    let removed: Vec<(i64, Option<Vec<usize>>)> =
        ids.into_iter().zip(tracks).map(|(id, track)| (id, track.positions)).collect();
    let snapshot = edit(&app, asker, id.into_inner(), snapshot_id, move |items| {
        for (id, positions) in &removed {
            let is_other = |place: &&usize| items.get(**place).is_none_or(|item| item.track_id != *id);
            if let Some(place) = positions.iter().flatten().find(is_other) {
                let uri = CatalogueId(*id);
                return Err(format!("position {place} of the playlist does not hold the track {uri}: read it again"));
            }
        }
        playlist::remove(items, |position, item| {
            removed.iter().any(|(id, positions)| {
                item.track_id == *id && positions.as_ref().is_none_or(|places| places.contains(&position))
            })
        });
        Ok(())
    });
    Ok(web::Json(snapshot.await?))
}

/// Items for these tracks, all of which must be in the catalogue.
async fn new_items(app: &App, asker: AuthUser, uris: &[String]) -> Result<Vec<PlaylistItem>, ApiError> {
    let ids = track_ids(uris, MOST)?;
    let wanted = ids.clone();
    let known = app.db.read(move |connection| tracks::known(connection, &wanted)).await?;
    if let Some(id) = ids.iter().find(|id| !known.contains(id)) {
        return Err(ApiError::invalid(format!("there is no track {}", CatalogueId(*id))));
    }
    let (added_by, added_us) = (asker.user.to_sql(), time::now().0);
    Ok(ids.into_iter().map(|track_id| PlaylistItem { track_id, added_by, added_us }).collect())
}

/// Changes the items of a playlist that the user owns, if its `snapshot_id` is still the given one.
async fn edit(
    app: &App,
    asker: AuthUser,
    PathId(id): PathId,
    snapshot_id: Option<String>,
    change: impl FnOnce(&mut Vec<PlaylistItem>) -> Result<(), playlist::ChangeRefusal> + Send + 'static,
) -> Result<PlaylistSnapshot, ApiError> {
    let (now_us, snapshot) = (time::now().0, rand::random());
    let outcome = app.db.write(move |connection| {
        playlists::lock(connection, id)?;
        let found = match own(playlists::get(connection, id)?, asker) {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        if snapshot_id.is_some_and(|asked| asked != CatalogueId(found.snapshot).to_string()) {
            let message = "the playlist has changed since that snapshot: read it again";
            return Ok(Err(ApiError::new(Kind::Conflict, message)));
        }
        let before = playlists::items(connection, id, i64::MAX, 0)?;
        let mut items = before.clone();
        if let Err(refused) = change(&mut items) {
            return Ok(Err(ApiError::invalid(refused)));
        }
        // Without a change the snapshot stays: other clients know that state.
        if items == before {
            return Ok(Ok(found.snapshot));
        }
        playlists::set_items(connection, id, &before, &items, snapshot, now_us)?;
        Ok(Ok(snapshot))
    });
    let now = outcome.await??;
    if now != snapshot {
        return Ok(PlaylistSnapshot { snapshot_id: CatalogueId(now).to_string() });
    }
    app.directory.changed(asker.user, LibraryChange::Playlists);
    app.scanner.board().announce();
    Ok(PlaylistSnapshot { snapshot_id: CatalogueId(snapshot).to_string() })
}
