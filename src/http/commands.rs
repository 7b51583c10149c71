//! `/v1/me/player/…`: the commands of `actors/PROTOCOL.md` for programs without a socket, with the same checks.

use super::{
    AuthUser,
    body::OptionalJson,
    command_query::{self, DeviceQuery, InsertQuery, NoQuery, RepeatQuery, SeekQuery, ShuffleQuery, VolumeQuery},
    playback::{ask, look, queue},
    reads, spotify,
};
use crate::{app::App, error::ApiError};
use actix_web::web;
use segue_actors::{
    node::Sessions as _,
    session::Answer,
    state::{Asked, queue::Resolved},
};
use segue_client::protocol::{
    ids::{CommandId, ItemId, MediaId, Stamp, UserId},
    messages::{Command, Op},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// How many tracks one query to the catalogue looks up.
const TRACKS_AT_ONCE: usize = 500;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me/player").route(reads().to(look)).route(web::put().to(hand_over)))
        .service(web::resource("/v1/me/player/play").route(web::put().to(play)))
        .service(web::resource("/v1/me/player/pause").route(web::put().to(pause)))
        .service(web::resource("/v1/me/player/stop").route(web::put().to(stop)))
        .service(web::resource("/v1/me/player/seek").route(web::put().to(seek)))
        .service(web::resource("/v1/me/player/next").route(web::post().to(next)))
        .service(web::resource("/v1/me/player/previous").route(web::post().to(previous)))
        .service(web::resource("/v1/me/player/transfer").route(web::put().to(transfer)))
        .service(web::resource("/v1/me/player/repeat").route(web::put().to(repeat)))
        .service(web::resource("/v1/me/player/shuffle").route(web::put().to(shuffle)))
        .service(web::resource("/v1/me/player/rate").route(web::put().to(rate)))
        .service(web::resource("/v1/me/player/volume").route(web::put().to(volume)))
        .service(
            web::resource("/v1/me/player/queue")
                .route(reads().to(queue))
                .route(web::put().to(replace))
                .route(web::post().to(insert))
                .route(web::delete().to(clear)),
        )
        .service(web::resource("/v1/me/player/queue/move").route(web::post().to(shift)))
        .service(web::resource("/v1/me/player/queue/remove").route(web::post().to(remove)));
}

type CommandFields = OptionalJson<Map<String, Value>>;

/// The conditions that every command takes.
const CONDITIONS: [&str; 3] = ["if_item", "if_queue_revision", "if_lease"];

/// The handlers: documentation, name of the function, method and path, name of the command in the protocol, its query, what
/// the fields of the body mean, their names, and the names of those that only the Spotify Web API has.
macro_rules! commands {
    ($($(#[doc = $doc:tt])+ $handler:ident = $method:ident $path:tt, $name:tt, $query:ident, $fields:tt, $names:tt, $others:tt;)+) => {$(
        $(#[doc = $doc])+
        #[utoipa::path($method, path = $path, tag = "player", params($query),
            request_body(content = Option<Object>, description = $fields),
            responses((status = 200, body = Granted)))]
        pub(super) async fn $handler(
            app: web::Data<App>,
            asker: AuthUser,
            query: web::Query<$query>,
            fields: CommandFields,
        ) -> Result<web::Json<Granted>, ApiError> {
            let fields = known(fields.0.unwrap_or_default(), $name, &[&$names, &$others])?;
            let fields = command_query::merge(fields, query.into_inner())?;
            command(&app, asker, ($name, $fields), fields).await
        }
    )+
    /// The commands with the names of their fields.
    #[cfg(test)]
    const FIELDS: &[(&str, &[&str])] = &[$(($name, &$names)),+];
    };
}

commands! {
    /// Resumes, or plays an entry of the queue, or replaces the queue by new tracks and plays them; on the active device
    /// unless another one is named.
    play = put "/v1/me/player/play", "play", DeviceQuery,
        "All optional: `item` (an entry of the queue) or `tracks` (ids) and `start` (which of them, from 0); `position_ms`; `on` (a device). As in the Spotify Web API: `uris` for `tracks`; `context_uri` for the tracks of an album, an artist or a playlist; `offset` (`position` or `uri`) for `start`.",
        ["item", "tracks", "start", "position_ms", "on"], ["uris", "context_uri", "offset"];
    /// Pauses; the position is kept.
    pause = put "/v1/me/player/pause", "pause", DeviceQuery, "Nothing.",
        [], [];
    /// Stops: no device is active any more, the queue is kept.
    stop = put "/v1/me/player/stop", "stop", NoQuery, "Nothing.",
        [], [];
    /// Goes to another position in the item.
    seek = put "/v1/me/player/seek", "seek", SeekQuery, "`position_ms`, from the item's start.",
        ["position_ms"], [];
    /// Plays the next item.
    next = post "/v1/me/player/next", "next", DeviceQuery,
        "`if_item`, optional: the id of the item that the sender saw playing. If another one plays by now, the command is refused as `stale`, so that two people who press once skip once.",
        [], [];
    /// Goes to the start of the item or, in its first seconds, plays the item before it.
    previous = post "/v1/me/player/previous", "previous", DeviceQuery, "`if_item`, as for `next`.",
        [], [];
    /// Makes another device play instead of the active one.
    transfer = put "/v1/me/player/transfer", "transfer", NoQuery, "`to` (a device); `mode`: `keep` (as it was), `play` or `pause`.",
        ["to", "mode"], [];
    /// Makes another device active, as in the Spotify Web API.
    hand_over = put "/v1/me/player", "transfer", NoQuery,
        "`device_ids` (one device); `play`: true to play there, without it as it was.",
        [], ["device_ids", "play"];
    /// Sets what is played after the end of the item and of the queue.
    repeat = put "/v1/me/player/repeat", "repeat", RepeatQuery, "`mode`: `off`, `one` or `all`.",
        ["mode"], [];
    /// Plays the queue in random order, or in its own order again.
    shuffle = put "/v1/me/player/shuffle", "shuffle", ShuffleQuery, "`on`: true or false.",
        ["on"], [];
    /// Sets the speed.
    rate = put "/v1/me/player/rate", "rate", NoQuery, "`rate`, 1 being as it was recorded.",
        ["rate"], [];
    /// Sets the volume of a device.
    volume = put "/v1/me/player/volume", "volume", VolumeQuery,
        "`device_id`, without it the active one; `level` (0 to 100) or `delta` (added to it); `muted`.",
        ["device_id", "level", "delta", "muted"], [];
    /// Replaces the tracks of the queue; the item that plays goes on and is the first entry.
    replace = put "/v1/me/player/queue", "queue.replace", NoQuery, "`tracks`: ids, at most 10,000.",
        ["tracks"], [];
    /// Adds tracks to the queue.
    insert = post "/v1/me/player/queue", "queue.insert", InsertQuery,
        "`tracks`: ids; `after` or `before` an entry, without either at the end.",
        ["tracks", "after", "before"], [];
    /// Removes all entries but the one that plays.
    clear = delete "/v1/me/player/queue", "queue.clear", NoQuery, "Nothing.",
        [], [];
    /// Moves an entry.
    shift = post "/v1/me/player/queue/move", "queue.move", NoQuery,
        "`item`; `after` or `before` another entry, without either to the end.",
        ["item", "after", "before"], [];
    /// Removes entries.
    remove = post "/v1/me/player/queue/remove", "queue.remove", NoQuery, "`items`: entries.",
        ["items"], [];
}

/// The conditions of a command: what the sender saw. When it has changed, the command is refused as `stale`.
#[derive(Deserialize)]
#[allow(clippy::struct_field_names, reason = "they are the protocol's")]
struct Conditions {
    if_item: Option<ItemId>,
    if_queue_revision: Option<u64>,
    if_lease: Option<Stamp>,
}

/// A command that was carried out and is stored. Devices that are connected have been told; others are when they connect.
#[derive(Serialize, ToSchema)]
pub(super) struct Granted {
    /// The revision of the session after it.
    revision: u64,
}

/// The fields of a body, each of which must be known.
fn known(fields: Map<String, Value>, name: &str, names: &[&[&str]]) -> Result<Map<String, Value>, ApiError> {
    let known: Vec<&str> = names.iter().copied().flatten().chain(&CONDITIONS).copied().collect();
    let Some(unknown) = fields.keys().find(|field| !known.contains(&field.as_str())) else { return Ok(fields) };
    let (unknown, known) = (unknown.escape_debug(), known.join("`, `"));
    Err(ApiError::invalid(format!("{name} has no field \"{unknown}\": its fields are `{known}`")))
}

async fn command(
    app: &App,
    asker: AuthUser,
    (name, taken): (&str, &str),
    fields: Map<String, Value>,
) -> Result<web::Json<Granted>, ApiError> {
    let mut fields = spotify::translate(app, asker, name, fields).await?;
    let user = asker.user;
    fields.insert("op".to_owned(), json!(name));
    let fields = Value::Object(fields);
    let unreadable = |error| ApiError::invalid(format!("{name} cannot be read: {error}. Its fields: {taken}"));
    let Conditions { if_item, if_queue_revision, if_lease } = Conditions::deserialize(&fields).map_err(unreadable)?;
    let op: Op<MediaId> = serde_json::from_value(fields).map_err(unreadable)?;
    let tracks = resolve(app, user, op.tracks()).await?;
    let (op, random) = (op.with_tracks(tracks), &app.directory.world().random);
    let command = Box::new(Command { id: CommandId(random()), if_item, if_queue_revision, if_lease, op });
    match ask(app, user, Asked::Command { command, seed: random() }).await? {
        Answer::Granted(revision) => Ok(web::Json(Granted { revision })),
        Answer::Shown(_) => Err(ApiError::internal("a command was answered with what plays")),
    }
}

async fn resolve(app: &App, user: UserId, tracks: &[MediaId]) -> Result<Vec<Resolved>, ApiError> {
    let world = app.directory.world();
    let most = world.limits.queue_items;
    if tracks.len() > most {
        return Err(ApiError::invalid(format!("a queue has room for {most} tracks")));
    }
    let mut found = Vec::with_capacity(tracks.len());
    for part in tracks.chunks(TRACKS_AT_ONCE) {
        let resolved = world.tracks.resolve(user, part.to_vec()).await;
        let resolved = resolved.map_err(|error| ApiError::unavailable("the catalogue", error.message))?;
        found.extend(resolved.map_err(|id| ApiError::invalid(format!("there is no track {id} in the catalogue")))?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An object fits none of them, so that each field that is named makes a command unreadable, and is read.
    #[test]
    fn every_field_that_is_named_is_read() {
        for (name, fields) in FIELDS {
            for field in *fields {
                let command = json!({"op": name, *field: {}});
                let read = serde_json::from_value::<Op<MediaId>>(command);
                let told = read.expect_err("an object is no value of a field").to_string();
                assert!(told.contains("map") || told.contains("missing field"), "{name} {field}: {told}");
            }
        }
        for field in CONDITIONS {
            assert!(Conditions::deserialize(&json!({field: {}})).is_err(), "{field}");
        }
    }
}
