//! How JSON answers may be cached. Those of the catalogue, of playlists and of what a user saved carry an `ETag` of their
//! content and are asked for again with `If-None-Match`; those of the player, of accounts and of the library's scans, and
//! every answer to another method, are not stored at all.

use super::compress::is_json;
use crate::media::digest::Digest;
use actix_web::{
    Error, HttpMessage as _,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, EntityTag, HeaderMap, HeaderValue, IfNoneMatch, TryIntoHeaderValue as _},
    },
    middleware::Next,
};
use sha2::{Digest as _, Sha256};

/// Below these routes answers change all the time, or hold what nobody should store.
const NOT_STORED: [&str; 4] = ["/v1/auth/", "/v1/me/player", "/v1/library/", "/v1/users"];

/// Sets `ETag` and `Cache-Control` of JSON answers below `/v1/`, and answers 304 to a client that has the content.
pub(super) async fn validate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let known = request.get_header::<IfNoneMatch>();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let route = request.match_pattern().unwrap_or_default();
    let is_of_api = route.starts_with("/v1/");
    let is_stored = is_read && !NOT_STORED.iter().any(|path| route.starts_with(path));
    let response = next.call(request).await?;
    if !is_of_api || !is_json(response.headers()) || response.headers().contains_key(header::CACHE_CONTROL) {
        return Ok(response.map_into_left_body());
    }
    let is_stored = is_stored && response.status() == StatusCode::OK;
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    if !is_stored {
        head.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Ok(ServiceResponse::new(request, head.set_body(body)).map_into_left_body());
    }
    head.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // A 304 has it too (RFC 9110, section 15.4.5).
    head.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // All JSON is in memory as a whole; a body that is not has no tag.
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(body) => return Ok(ServiceResponse::new(request, head.set_body(body)).map_into_left_body()),
    };
    // Weak, because compressed and plain answers share it.
    let tag = EntityTag::new_weak(Digest(Sha256::digest(&bytes).into()).to_string());
    let is_known = is_known(known.as_ref(), &tag);
    set_tag(head.headers_mut(), tag);
    if is_known {
        *head.status_mut() = StatusCode::NOT_MODIFIED;
        head.headers_mut().remove(header::CONTENT_TYPE);
        return Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(()))).map_into_right_body());
    }
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(bytes))).map_into_right_body())
}

/// Whether the client has the content of this tag (RFC 9110, section 13.1.2).
fn is_known(known: Option<&IfNoneMatch>, tag: &EntityTag) -> bool {
    match known {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        None => false,
    }
}

fn set_tag(headers: &mut HeaderMap, tag: EntityTag) {
    if let Ok(value) = tag.try_into_value() {
        headers.insert(header::ETAG, value);
    }
}
