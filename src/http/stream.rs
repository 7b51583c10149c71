//! Audio by track, and by version: the bytes under the address of a version never change.

use super::{
    AuthUser,
    delivery::{deliver, is_cdn, supply},
    link::media_link,
    page::address,
    reads,
    refusals::{self, What},
    strangers,
};
use crate::{
    app::App,
    auth::{LinkClaims, LinkError},
    db::media::{self, Media},
    error::{ApiError, Kind},
    media::{content_type::content_type, delivery::media_path, version::is_version},
    values::login::LoginId,
};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use segue_client::protocol::ids::MediaId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The bytes of a track may change: only the listener's own cache may keep them, and it has to ask each time whether they
/// still hold.
const BY_TRACK: &str = "private, no-cache";
/// The bytes of a version never change. Private, because they are only for holders of a link or a token.
pub(super) const BY_VERSION: &str = "private, max-age=31536000, immutable";

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/tracks/{id}/stream").route(reads().to(by_track)))
        .service(web::resource("/v1/tracks/{id}/media").route(reads().to(info)))
        .service(web::resource("/media/{version}.{ending}").route(reads().to(by_version)));
}

/// What a signed link carries in its query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LinkQuery {
    /// The login that asked for the link; the link ends with it.
    #[param(value_type = Option<String>)]
    login: Option<LoginId>,
    /// When the link ends, in seconds since 1970.
    expires: Option<u64>,
    /// The signature.
    signature: Option<String>,
}

/// The audio of a track: where its bytes are and what they are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MediaObject {
    /// Address of the bytes for `<audio>`; it needs no token. These bytes never change.
    url: String,
    /// When the address expires, in seconds since 1970. Ask again for a new one.
    expires_s: u64,
    /// Address of the bytes that the track has now, for clients that can send a token.
    stream_url: String,
    /// The name of the bytes; their `ETag` is this in quotes.
    version: String,
    /// The type, as in `Content-Type`.
    content_type: &'static str,
    /// How many bytes.
    size_bytes: u64,
    /// SHA-256 of all bytes in hex, once it is known.
    sha256: Option<String>,
}

impl MediaObject {
    /// Describes a file, with a link that is signed now for the one who asks.
    fn new(request: &HttpRequest, app: &App, asker: AuthUser, media: &Media) -> Self {
        let Media { version, container, .. } = media;
        let (url, expires_s) = media_link(request, app, asker, version, container);
        Self {
            url,
            expires_s,
            stream_url: address(request, &format!("/v1/tracks/{}/stream", media.track)),
            version: version.clone(),
            content_type: content_type(container, &media.codec),
            size_bytes: media.stat.length(),
            sha256: media.sha256.map(|digest| digest.to_string()),
        }
    }
}

/// Describes the audio of a track, with a fresh link.
#[utoipa::path(get, path = "/v1/tracks/{id}/media", tag = "media", params(("id" = String, Path)),
    responses((status = 200, body = MediaObject), (status = 404, description = "no such track")))]
pub(super) async fn info(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    track: web::Path<MediaId>,
) -> Result<web::Json<MediaObject>, ApiError> {
    let media = of_track(&app, *track).await?;
    Ok(web::Json(MediaObject::new(&request, &app, asker, &media)))
}

/// The bytes a track has now: all, or ranges (RFC 9110, section 14). With a token, or with a signed link.
#[utoipa::path(get, path = "/v1/tracks/{id}/stream", tag = "media", params(("id" = String, Path), LinkQuery),
    responses((status = 200, description = "all bytes"), (status = 206, description = "the bytes of the ranges"),
        (status = 302, description = "a CDN or the storage has the bytes, at the address of `Location`"),
        (status = 304, description = "the bytes are those the client has"),
        (status = 403, description = "`link_expired`: ask for a new link"), (status = 404, description = "no such track"),
        (status = 409, description = "`media_changed`: the file changed and is scanned again; try again"),
        (status = 412, description = "the bytes are not those the client wants"),
        (status = 416, description = "the ranges lie beyond the end"),
        (status = 503, description = "`busy`: the disk does not answer; try again")))]
pub(super) async fn by_track(
    request: HttpRequest,
    app: web::Data<App>,
    track: web::Path<MediaId>,
    link: web::Query<LinkQuery>,
) -> Result<HttpResponse, ApiError> {
    let claims = authorize(&request, &app, &link, "track", &track.to_string()).await?;
    let media = of_track(&app, *track).await?;
    deliver(&request, &app, claims, media, BY_TRACK).await
}

/// Bytes that never change, by the name of their version. With a token, or with a signed link.
#[utoipa::path(get, path = "/media/{version}.{ending}", tag = "media",
    params(("version" = String, Path), ("ending" = String, Path), LinkQuery),
    responses((status = 200, description = "all bytes"), (status = 206, description = "the bytes of the ranges"),
        (status = 302, description = "a CDN or the storage has the bytes, at the address of `Location`"),
        (status = 304, description = "the client has these bytes"),
        (status = 403, description = "`link_expired`: ask for a new link"),
        (status = 404, description = "there are no such bytes any more"),
        (status = 409, description = "`media_changed`: the file changed and is scanned again"),
        (status = 412, description = "the bytes are not those the client wants"),
        (status = 416, description = "the ranges lie beyond the end"),
        (status = 503, description = "`busy`: the disk does not answer; try again")))]
pub(super) async fn by_version(
    request: HttpRequest,
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    link: web::Query<LinkQuery>,
) -> Result<HttpResponse, ApiError> {
    let (version, ending) = path.into_inner();
    let signed = link.expires.zip(link.signature.as_deref()).filter(|_| link.login.is_none());
    let claims = if is_cdn(&request, &app, &media_path(&version, &ending), signed)? {
        None
    } else {
        Some(authorize(&request, &app, &link, "media", &version).await?)
    };
    let media = if is_version(&version) {
        app.db.read(move |connection| media::of_version(connection, &version)).await?
    } else {
        None
    };
    let media = media.filter(|media| media.container == ending).ok_or_else(gone)?;
    match claims {
        Some(claims) => deliver(&request, &app, claims, media, BY_VERSION).await,
        None => supply(&request, &app, media).await,
    }
}

fn gone() -> ApiError {
    let message = "no track has these bytes any more: /v1/tracks/ID/media gives the address of those it has now";
    ApiError::new(Kind::NotFound, message)
}

async fn of_track(app: &App, track: MediaId) -> Result<Media, ApiError> {
    let media = app.db.read(move |connection| media::of_track(connection, track)).await?;
    media.ok_or_else(|| ApiError::not_found("track"))
}

/// The login by which the request may have these bytes, and until when: those of a link that was signed for them, or, where
/// the query has no signature, those of a token.
async fn authorize(
    request: &HttpRequest,
    app: &App,
    link: &LinkQuery,
    kind: &str,
    id: &str,
) -> Result<LinkClaims, ApiError> {
    let (Some(expires_s), Some(signature)) = (link.expires, &link.signature) else {
        let AuthUser { login, expires_s, .. } = AuthUser::extract(request).await?;
        return Ok(LinkClaims { login, expires_s });
    };
    let checked = match link.login.map(|login| LinkClaims { login, expires_s }) {
        Some(claims) => app.auth.check_link(kind, id, claims, signature).map(|()| claims),
        // Links named no login once.
        None => Err(LinkError::Expired),
    };
    let checked = checked.map_err(|error| {
        let kind = match error {
            // Players keep links longer than they last; that is no attack.
            LinkError::Expired | LinkError::Revoked => Kind::LinkExpired,
            LinkError::Forged => {
                refusals::log(request, app, What::MediaLink, error.into(), None);
                Kind::Forbidden
            }
        };
        ApiError::new(kind, error.to_string())
    });
    checked.inspect(|_| strangers::note_login(request))
}
