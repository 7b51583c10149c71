//! `/v1/me/player`: the state of playback for programs without a socket, and how handlers ask the session of a user.

use super::{
    AuthUser,
    player_state::{DevicesObject, NowPlaying, Upcoming},
    reads,
};
use crate::{
    app::App,
    error::{ApiError, Kind},
};
use actix_web::{HttpRequest, HttpResponse, web};
use segue_actors::{
    session::{Answer, Ask, Snapshot},
    state::{Asked, Reject},
};
use segue_client::protocol::{
    device::DeviceList,
    ids::{Micros, UserId},
    messages::RejectCode,
    playback::Playback,
    wire::{PAGE_ITEMS, QueuePage},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me/player/currently-playing").route(reads().to(currently_playing)))
        .service(web::resource("/v1/me/player/devices").route(reads().to(devices)));
}

/// The state of playback and the devices. Fields `…_us` are microseconds of the server's clock.
#[derive(Serialize, ToSchema)]
pub(super) struct PlayerState {
    /// The server's clock now. While `status` is `playing`, the present position is `position_ms` plus the time since `at_us`.
    #[schema(value_type = i64)]
    now_us: Micros,
    /// The object that devices get, too (`playback` in the protocol).
    #[schema(value_type = Object)]
    playback: Playback,
    /// The devices of this user, as devices get them (`devices` in the protocol).
    #[schema(value_type = Object)]
    devices: DeviceList,
    #[serde(flatten)]
    current: NowPlaying,
}

/// The state of playback and the devices.
#[utoipa::path(get, path = "/v1/me/player", tag = "player", responses((status = 200, body = PlayerState)))]
pub(super) async fn look(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
) -> Result<web::Json<PlayerState>, ApiError> {
    let snapshot = snapshot(&app, asker.user).await?;
    let current = NowPlaying::new(&request, &app, &snapshot).await?;
    let Snapshot { now_us, playback, devices, .. } = snapshot;
    Ok(web::Json(PlayerState { now_us, playback, devices, current }))
}

/// What plays; without an item there is no content.
#[utoipa::path(get, path = "/v1/me/player/currently-playing", tag = "player",
    responses((status = 200, body = NowPlaying), (status = 204, description = "nothing plays")))]
pub(super) async fn currently_playing(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
) -> Result<HttpResponse, ApiError> {
    let snapshot = snapshot(&app, asker.user).await?;
    if snapshot.playback.item.is_none() {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(HttpResponse::Ok().json(NowPlaying::new(&request, &app, &snapshot).await?))
}

/// The user's devices: which are online, which can play, how loud they are.
#[utoipa::path(get, path = "/v1/me/player/devices", tag = "player", responses((status = 200, body = DevicesObject)))]
pub(super) async fn devices(app: web::Data<App>, asker: AuthUser) -> Result<web::Json<DevicesObject>, ApiError> {
    let Snapshot { playback, devices, .. } = snapshot(&app, asker.user).await?;
    Ok(web::Json(DevicesObject::new(&playback, devices)))
}

/// The part of the queue that is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QueuePart {
    /// Index of the first entry, from 0.
    #[param(default = 0)]
    from: Option<usize>,
    /// How many entries, at most 200.
    #[param(default = 200, maximum = 200)]
    limit: Option<usize>,
}

/// The queue.
#[derive(Serialize, ToSchema)]
pub(super) struct QueueObject {
    /// Entries of the queue in play order, as devices get them (`queue` in the protocol).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    page: QueuePage,
    #[serde(flatten)]
    upcoming: Upcoming,
}

/// The queue in play order.
#[utoipa::path(get, path = "/v1/me/player/queue", tag = "player", params(QueuePart),
    responses((status = 200, body = QueueObject)))]
pub(super) async fn queue(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    part: web::Query<QueuePart>,
) -> Result<web::Json<QueueObject>, ApiError> {
    let Snapshot { playback, queue, .. } = snapshot(&app, asker.user).await?;
    let (from, limit) = (part.from.unwrap_or(0), part.limit.unwrap_or(PAGE_ITEMS));
    let upcoming = Upcoming::new(&request, &app, &playback, &queue).await?;
    Ok(web::Json(QueueObject { page: queue.page(&playback, from, limit), upcoming }))
}

/// The present state of the session.
pub(super) async fn snapshot(app: &App, user: UserId) -> Result<Snapshot, ApiError> {
    match ask(app, user, Asked::Look).await? {
        Answer::Shown(snapshot) => Ok(*snapshot),
        Answer::Granted(_) => Err(ApiError::internal("a look was answered as a command")),
    }
}

/// Sends a question or a command to the session of the user, which is started if it does not run.
pub(super) async fn ask(app: &App, user: UserId, asked: Asked) -> Result<Answer, ApiError> {
    let session = app.directory.session(user);
    let session = session.ok_or_else(|| ApiError::unavailable("the server", "it shuts down"))?;
    let answer = session.send(Ask(asked)).await;
    answer.map_err(|error| ApiError::unavailable("the session", error))?.map_err(refused)
}

fn refused(Reject { code, message, retry_ms }: Reject) -> ApiError {
    let kind = match code {
        RejectCode::Stale => Kind::Stale,
        RejectCode::Conflict => Kind::Conflict,
        RejectCode::Denied => Kind::Forbidden,
        RejectCode::Offline => Kind::Offline,
        RejectCode::Invalid => Kind::Invalid,
        RejectCode::Busy => Kind::Busy,
        RejectCode::Unavailable => Kind::Unavailable,
        RejectCode::RateLimited => Kind::RateLimited,
        RejectCode::NoActiveDevice => Kind::NoActiveDevice,
    };
    let retry_after_s = retry_ms.map(|ms| u64::from(ms.div_ceil(1_000)));
    ApiError { retry_after_s, ..ApiError::new(kind, message) }
}
