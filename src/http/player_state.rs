//! What plays and on which device, in the words of the Spotify Web API.

use super::objects::{Objects, TrackObject};
use crate::{app::App, db::tracks, error::ApiError};
use actix_web::HttpRequest;
use segue_actors::{session::Snapshot, state::queue::Queue};
use segue_client::protocol::{
    device::{DeviceKind, DeviceList, DeviceView},
    ids::{DeviceId, ItemId},
    playback::{Item, Playback, Repeat, Status},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The most entries in `queue`, as in the Spotify Web API.
const UPCOMING: usize = 20;

/// What the Spotify Web API says of a device.
#[derive(Serialize, ToSchema)]
pub(super) struct SpotifyDevice {
    /// Whether it is the active one.
    is_active: bool,
    /// Always `false`: all of a user's devices see what plays.
    is_private_session: bool,
    /// Whether it cannot play.
    is_restricted: bool,
    /// `Computer`, `Smartphone`, `Speaker` or `Unknown`.
    r#type: &'static str,
    /// 0 to 100; `null` when unknown.
    volume_percent: Option<u8>,
}

impl SpotifyDevice {
    fn new(device: &DeviceView, active: Option<DeviceId>) -> Self {
        Self {
            is_active: active == Some(device.id),
            is_private_session: false,
            is_restricted: !device.plays,
            r#type: match device.kind {
                DeviceKind::Browser | DeviceKind::Computer | DeviceKind::Terminal => "Computer",
                DeviceKind::Phone => "Smartphone",
                DeviceKind::Speaker => "Speaker",
                DeviceKind::Other => "Unknown",
            },
            volume_percent: device.volume.map(|volume| volume.level),
        }
    }
}

/// A device of the list.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceObject {
    #[serde(flatten)]
    #[schema(value_type = Object)]
    device: DeviceView,
    #[serde(flatten)]
    spotify: SpotifyDevice,
}

/// The devices of a user: as devices get them (`devices` in the protocol), and the fields of the Spotify Web API.
#[derive(Serialize, ToSchema)]
pub(super) struct DevicesObject {
    /// With `devices_revision`: orders lists of devices.
    epoch: u64,
    /// The revision of the list's last change.
    devices_revision: u64,
    devices: Vec<DeviceObject>,
}

impl DevicesObject {
    pub(super) fn new(playback: &Playback, list: DeviceList) -> Self {
        let active = playback.active.map(|active| active.device_id);
        let object = |device: DeviceView| DeviceObject { spotify: SpotifyDevice::new(&device, active), device };
        let devices = list.devices.into_iter().map(object).collect();
        Self { epoch: list.epoch, devices_revision: list.devices_revision, devices }
    }
}

/// The active device; without one, `id` is `null` and `is_active` is `false`.
#[derive(Serialize, ToSchema)]
pub(super) struct ActiveDevice {
    #[schema(value_type = Option<String>)]
    id: Option<DeviceId>,
    name: String,
    #[serde(flatten)]
    spotify: SpotifyDevice,
}

/// What may not be done now.
#[derive(Serialize, ToSchema)]
pub(super) struct Actions {
    /// Always empty: a command that does not fit is refused.
    disallows: BTreeMap<String, bool>,
}

/// What plays.
#[derive(Serialize, ToSchema)]
pub(super) struct NowPlaying {
    device: ActiveDevice,
    /// `off`, `track` or `context` (the whole queue).
    repeat_state: &'static str,
    shuffle_state: bool,
    /// Always `null`: from which list a track was queued is not stored.
    context: Option<()>,
    /// When the playback last changed, in milliseconds since 1970.
    timestamp: i64,
    /// The position now, in milliseconds from the item's start; `null` without an item.
    progress_ms: Option<i64>,
    is_playing: bool,
    item: Option<TrackObject>,
    /// `track`, or `unknown` without an item.
    currently_playing_type: &'static str,
    actions: Actions,
}

impl NowPlaying {
    pub(super) async fn new(request: &HttpRequest, app: &App, snapshot: &Snapshot) -> Result<Self, ApiError> {
        let Snapshot { now_us, playback, devices, .. } = snapshot;
        let active = playback.active.map(|active| active.device_id);
        let device = active.and_then(|id| devices.devices.iter().find(|device| device.id == id));
        let item = tracks_of(request, app, playback.item.iter()).await?.pop();
        Ok(Self {
            device: device.map_or_else(ActiveDevice::none, |device| ActiveDevice {
                id: Some(device.id),
                name: device.name.clone(),
                spotify: SpotifyDevice::new(device, active),
            }),
            repeat_state: match playback.repeat {
                Repeat::Off => "off",
                Repeat::One => "track",
                Repeat::All => "context",
            },
            shuffle_state: playback.shuffle,
            context: None,
            timestamp: playback.at_us.0.div_euclid(1_000),
            progress_ms: playback.item.map(|_| playback.position_at(*now_us)),
            is_playing: matches!(playback.status, Status::Starting | Status::Playing | Status::Buffering),
            currently_playing_type: if item.is_some() { "track" } else { "unknown" },
            item,
            actions: Actions { disallows: BTreeMap::new() },
        })
    }
}

impl ActiveDevice {
    fn none() -> Self {
        let spotify = SpotifyDevice {
            is_active: false,
            is_private_session: false,
            is_restricted: false,
            r#type: "Unknown",
            volume_percent: None,
        };
        Self { id: None, name: String::new(), spotify }
    }
}

/// The track that plays, and those after it.
#[derive(Serialize, ToSchema)]
pub(super) struct Upcoming {
    currently_playing: Option<TrackObject>,
    /// The next 20 tracks in play order.
    queue: Vec<TrackObject>,
}

impl Upcoming {
    pub(super) async fn new(
        request: &HttpRequest,
        app: &App,
        playback: &Playback,
        queue: &Queue,
    ) -> Result<Self, ApiError> {
        let current = playback.item.map(|item| item.id);
        let is_current = |id: ItemId| current == Some(id);
        let is_queued = queue.items().any(|item| is_current(item.id));
        let after = queue.items().skip_while(|item| is_queued && !is_current(item.id)).skip(usize::from(is_queued));
        let currently_playing = tracks_of(request, app, playback.item.iter()).await?.pop();
        Ok(Self { currently_playing, queue: tracks_of(request, app, after.take(UPCOMING)).await? })
    }
}

/// The tracks of entries of the queue, in their order.
async fn tracks_of(
    request: &HttpRequest,
    app: &App,
    items: impl Iterator<Item = &Item>,
) -> Result<Vec<TrackObject>, ApiError> {
    let ids: Vec<i64> = items.map(|item| item.media_id.to_sql()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = app.db.read(move |connection| tracks::load(connection, &ids)).await?;
    Ok(found.iter().map(|track| Objects { request, app }.track(track)).collect())
}
