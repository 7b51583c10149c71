//! What a user listened to: the latest plays, and what was played most.

use super::{
    AuthUser, Page, Paging, lists,
    objects::{ArtistObject, Objects, TrackObject},
    page::address,
    reads,
};
use crate::{
    app::App,
    db::{
        artists::Artist,
        history::{self, From},
        tracks::{self, Track},
    },
    error::ApiError,
    time,
};
use actix_web::{HttpRequest, web};
use segue_client::protocol::ids::Micros;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

/// Microseconds of a day.
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me/player/recently-played").route(reads().to(recently_played)))
        .service(web::resource("/v1/me/top/tracks").route(reads().to(top_tracks)))
        .service(web::resource("/v1/me/top/artists").route(reads().to(top_artists)));
}

/// The part of the history that is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CursorQuery {
    /// How many items, 1 to 50.
    #[param(default = 20, minimum = 1, maximum = 50)]
    limit: Option<u32>,
    /// Plays that began before this, in milliseconds since 1970. Not together with `after`.
    before: Option<i64>,
    /// Plays that began after this, in milliseconds since 1970: the first ones of those. Not together with `before`.
    after: Option<i64>,
}

/// A play.
#[derive(Serialize, ToSchema)]
pub(super) struct PlayObject {
    track: TrackObject,
    /// When it began, RFC 3339, UTC, with milliseconds.
    played_at: String,
    /// Always `null`: from which list a track was played is not stored.
    context: Option<()>,
}

/// Where a page begins and ends in the history, in milliseconds since 1970.
#[derive(Serialize, ToSchema)]
pub(super) struct Cursors {
    /// Pass it as `after` for newer plays.
    after: String,
    /// Pass it as `before` for older plays.
    before: String,
}

/// A part of the history.
#[derive(Serialize, ToSchema)]
pub(super) struct History {
    href: String,
    /// The latest first.
    items: Vec<PlayObject>,
    limit: i64,
    /// The address of the next page: of older plays or, when `after` was given, of newer ones.
    next: Option<String>,
    /// `null` when the page is empty.
    cursors: Option<Cursors>,
}

/// The latest plays of the user, the latest first.
#[utoipa::path(get, path = "/v1/me/player/recently-played", tag = "library", params(CursorQuery),
    responses((status = 200, body = History)))]
pub(super) async fn recently_played(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    query: web::Query<CursorQuery>,
) -> Result<web::Json<History>, ApiError> {
    let CursorQuery { limit, before, after } = query.into_inner();
    let (limit, _) = Paging::first(limit).checked()?;
    let from = match (before, after) {
        (None, None) => From::Latest,
        (Some(ms), None) => From::Before(ms.saturating_mul(1_000)),
        (None, Some(ms)) => From::Since(ms.saturating_add(1).saturating_mul(1_000)),
        (Some(_), Some(_)) => return Err(ApiError::invalid("give before or after, not both")),
    };
    let user_id = asker.user.to_sql();
    let found = app.db.read(move |connection| {
        let (plays, more) = history::page(connection, user_id, from, limit)?;
        let ids: Vec<i64> = plays.iter().map(|(id, _)| *id).collect();
        Ok((tracks::load(connection, &ids)?, plays, more))
    });
    let (found, plays, more) = found.await?;
    let found: HashMap<i64, _> = found.into_iter().map(|track| (track.row.id, track)).collect();
    let objects = Objects { request: &request, app: &app };
    let item = |(id, started_us): &(i64, i64)| {
        let played_at = time::rfc3339_ms(Micros(*started_us));
        Some(PlayObject { track: objects.track(found.get(id)?), played_at, context: None })
    };
    let cursors = plays.first().zip(plays.last()).map(|((_, latest), (_, oldest))| Cursors {
        after: latest.div_euclid(1_000).to_string(),
        before: oldest.div_euclid(1_000).to_string(),
    });
    let path = |cursor: &str| address(&request, &format!("{}?{cursor}limit={limit}", request.path()));
    let next = cursors.as_ref().filter(|_| more).map(|cursors| match from {
        From::Since(_) => path(&format!("after={}&", cursors.after)),
        From::Latest | From::Before(_) => path(&format!("before={}&", cursors.before)),
    });
    let href = match (before, after) {
        (Some(ms), _) => path(&format!("before={ms}&")),
        (_, Some(ms)) => path(&format!("after={ms}&")),
        _ => path(""),
    };
    Ok(web::Json(History { href, items: plays.iter().filter_map(item).collect(), limit, next, cursors }))
}

/// The time over which plays are counted.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RangeQuery {
    /// `short_term` (four weeks), `medium_term` (six months) or `long_term` (a year).
    #[param(default = "medium_term")]
    time_range: Option<TimeRange>,
}

/// How far back plays count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum TimeRange {
    /// Four weeks.
    #[serde(rename = "short_term")]
    Short,
    /// Six months.
    #[serde(rename = "medium_term")]
    Medium,
    /// A year.
    #[serde(rename = "long_term")]
    Long,
}

impl RangeQuery {
    /// When the range begins, in microseconds UTC.
    fn since_us(self, now: Micros) -> i64 {
        let days = match self.time_range.unwrap_or(TimeRange::Medium) {
            TimeRange::Short => 28,
            TimeRange::Medium => 182,
            TimeRange::Long => 365,
        };
        now.0.saturating_sub(days * DAY_US)
    }
}

/// The tracks that the user played most.
#[utoipa::path(get, path = "/v1/me/top/tracks", tag = "library", params(RangeQuery, Paging),
    responses((status = 200, body = Page<TrackObject>)))]
pub(super) async fn top_tracks(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    range: web::Query<RangeQuery>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<TrackObject>>, ApiError> {
    let (user_id, since_us) = (asker.user.to_sql(), range.since_us(time::now()));
    let page = lists::page::<Track>(&request, &app, *paging, move |connection, limit, offset| {
        history::top_tracks(connection, user_id, since_us, limit, offset)
    });
    Ok(web::Json(page.await?))
}

/// The artists whose tracks the user played most.
#[utoipa::path(get, path = "/v1/me/top/artists", tag = "library", params(RangeQuery, Paging),
    responses((status = 200, body = Page<ArtistObject>)))]
pub(super) async fn top_artists(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    range: web::Query<RangeQuery>,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<ArtistObject>>, ApiError> {
    let (user_id, since_us) = (asker.user.to_sql(), range.since_us(time::now()));
    let page = lists::page::<Artist>(&request, &app, *paging, move |connection, limit, offset| {
        history::top_artists(connection, user_id, since_us, limit, offset)
    });
    Ok(web::Json(page.await?))
}
