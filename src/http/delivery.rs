//! Who sends the bytes of a media file: this server, the nginx before it, a CDN, or the storage that has it.

use super::{
    client,
    media::{has_current_bytes, open, respond},
    refusals::{self, What},
    strangers,
};
use crate::{
    app::App,
    auth::{LinkClaims, LinkError},
    catalog::scan::sha256_of_name,
    config::Delivery,
    db::media::Media,
    error::{ApiError, Kind},
    media::{
        content_type::content_type,
        delivery::{Cdn, expiry_s, media_path},
    },
    time,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName},
    web,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::os::unix::ffi::OsStrExt as _;

/// What a CDN's own requests carry.
const ORIGIN_SECRET: HeaderName = HeaderName::from_static("x-origin-verify");
/// The answer to a CDN: it may keep the bytes for all, because it lets nobody have them without a signature.
const FOR_CDN: &str = "public, max-age=31536000, immutable";
/// What pages of other origins may read of an answer that comes through a CDN.
const EXPOSED: &str = "Accept-Ranges, Content-Length, Content-Range, ETag, Repr-Digest";
/// What a path in `X-Accel-Redirect` has to escape.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Gives a listener the bytes that the request asks for, or says where they are.
///
/// # Errors
/// Those of [`respond`].
pub(super) async fn deliver(
    request: &HttpRequest,
    app: &web::Data<App>,
    claims: LinkClaims,
    media: Media,
    cache_control: &'static str,
) -> Result<HttpResponse, ApiError> {
    let elsewhere = match app.settings.delivery(&media.path) {
        Delivery::Accel if media.object.is_none() && is_for_accel(request, app) => {
            return accel(request, app, &media, cache_control).await;
        }
        Delivery::Cdn => app.cdn.as_ref().map(|cdn| at_cdn(cdn, &media)).transpose()?,
        Delivery::Presigned => in_storage(request, app, &media),
        Delivery::Accel | Delivery::Proxy => None,
    };
    match elsewhere {
        // Nothing keeps the answer: the address in it gets old.
        Some(address) => Ok(HttpResponse::Found().insert_header((header::LOCATION, address)).finish()),
        None => respond(request, app, Some(claims), media, cache_control).await,
    }
}

/// The bytes, or some of them, for a CDN.
///
/// # Errors
/// Those of [`respond`].
pub(super) async fn supply(
    request: &HttpRequest,
    app: &web::Data<App>,
    media: Media,
) -> Result<HttpResponse, ApiError> {
    let mut response = respond(request, app, None, media, FOR_CDN).await?;
    let fields = response.headers_mut();
    fields.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    fields.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, header::HeaderValue::from_static(EXPOSED));
    Ok(response)
}

/// Whether the CDN asks for the bytes of `path`: it shows its secret, or an address that was signed for it. False where
/// the request claims neither.
///
/// # Errors
/// `forbidden` for another secret or signature, `link_expired` for an old address.
pub(super) fn is_cdn(
    request: &HttpRequest,
    app: &App,
    path: &str,
    signed: Option<(u64, &str)>,
) -> Result<bool, ApiError> {
    let Some(cdn) = &app.cdn else { return Ok(false) };
    let is_good = match (request.headers().get(ORIGIN_SECRET), signed) {
        (Some(secret), _) => cdn.is_origin_secret(secret.as_bytes()),
        (None, Some((expires_s, signature))) => {
            let is_good = cdn.is_signed(path, expires_s, signature);
            if is_good && now_s() >= expires_s {
                return Err(ApiError::new(Kind::LinkExpired, LinkError::Expired.to_string()));
            }
            is_good
        }
        (None, None) => return Ok(false),
    };
    if !is_good {
        refusals::log(request, app, What::MediaLink, LinkError::Forged.into(), None);
        let message = "this is neither the secret of the CDN nor an address that was signed for it";
        return Err(ApiError::new(Kind::Forbidden, message));
    }
    // Its connections do not count as those of strangers.
    strangers::note_login(request);
    Ok(true)
}

/// The signed address at the CDN.
fn at_cdn(cdn: &Cdn, media: &Media) -> Result<String, ApiError> {
    let path = media_path(&media.version, &media.container);
    cdn.address(&path, expiry_s(now_s())).map_err(ApiError::internal)
}

/// The signed address of an object that is named by the SHA-256 of its bytes, so that there never are others; `None` for all
/// else, because nothing at such an address says which bytes are meant.
fn in_storage(request: &HttpRequest, app: &App, media: &Media) -> Option<String> {
    let object = &media.object.as_ref()?.url;
    let presigner = app.presigners.get(&object.bucket)?;
    let named = sha256_of_name(&object.key)?;
    // The storage has an entity tag of its own: conditions with that of the version are answered here.
    let tag = format!("\"{}\"", media.version);
    let conditions = [header::IF_MATCH, header::IF_NONE_MATCH, header::IF_RANGE];
    let mut fields = conditions.iter().flat_map(|name| request.headers().get_all(name));
    if media.sha256.is_some_and(|known| known != named)
        || fields.any(|field| field.to_str().is_ok_and(|field| field.contains(&tag)))
    {
        return None;
    }
    let content_type = content_type(&media.container, &media.codec);
    Some(presigner.address(request.method().as_str(), &object.key, content_type, now_s()))
}

/// Whether nginx asks, and can answer as this server would: it does not know the entity tag when it looks at `If-Match`.
fn is_for_accel(request: &HttpRequest, app: &App) -> bool {
    let has = |name| request.headers().contains_key(name);
    client::is_proxy(request, &app.settings.trusted_proxies)
        && !has(header::IF_MATCH)
        && !has(header::IF_UNMODIFIED_SINCE)
}

/// Tells nginx which file it is to send. Errors, and the news that the client has the bytes, come from here.
async fn accel(
    request: &HttpRequest,
    app: &web::Data<App>,
    media: &Media,
    cache_control: &'static str,
) -> Result<HttpResponse, ApiError> {
    if has_current_bytes(request, media, now_s()) {
        return respond(request, app, None, media.clone(), cache_control).await;
    }
    open(app, app.file_threads.of(&media.path), media).await?;
    let path = percent_encode(media.path.as_os_str().as_bytes(), ESCAPED);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((
            HeaderName::from_static("x-accel-redirect"),
            format!("{}{path}", app.settings.accel_location.as_str()),
        ))
        .insert_header((header::ETAG, format!("\"{}\"", media.version)))
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::CONTENT_TYPE, content_type(&media.container, &media.codec)));
    if let Some(digest) = media.sha256 {
        response.insert_header((HeaderName::from_static("repr-digest"), digest.field()));
    }
    Ok(response.finish())
}

/// Seconds since 1970.
fn now_s() -> u64 {
    u64::try_from(time::now().0.div_euclid(1_000_000)).unwrap_or(0)
}
