//! Which pages may use this server from a browser: its own, and those whose origin is in `allowed_origins`.

use super::{compress::is_json, errors::with_body, reached, requests::ID_HEADER};
use crate::{
    app::App,
    config::Settings,
    error::{ApiError, Kind},
};
use actix_cors::Cors;
use actix_web::{
    Error, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
};

/// How long a browser may cache the answer to a preflight request, in seconds: a day.
const REMEMBERED_S: usize = 86_400;
/// How much of a header of a refused preflight request the answer repeats, in characters.
const ASKED_CHARS: usize = 200;

/// The headers that let pages of `allowed_origins` use the API (fetch.spec.whatwg.org, "CORS protocol").
pub(super) fn cors(settings: &Settings) -> Cors {
    let rules = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::RANGE, header::IF_RANGE])
        .allowed_headers([header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE])
        .expose_headers([header::ETAG, header::CONTENT_RANGE, header::ACCEPT_RANGES, header::RETRY_AFTER, ID_HEADER])
        .block_on_origin_mismatch(false)
        .max_age(REMEMBERED_S);
    settings.allowed_origins.iter().fold(rules, Cors::allowed_origin)
}

/// Gives a preflight request that [`cors`] refuses the body of an error, which it answers with plain text.
pub(super) async fn explain(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let response = next.call(request).await?;
    let is_preflight = *response.request().method() == Method::OPTIONS;
    if !is_preflight || !response.status().is_client_error() || is_json(response.headers()) {
        return Ok(response.map_into_left_body());
    }
    let asked = |name| {
        let value = response.request().headers().get(name).and_then(|value| value.to_str().ok());
        value.map(|value| value.chars().take(ASKED_CHARS).collect::<String>())
    };
    let message = format!(
        "pages of {:?} may not send {} requests to this server, or not with the headers {:?}: its setting allowed_origins has to \
         name the origin",
        asked(header::ORIGIN).unwrap_or_default(),
        asked(header::ACCESS_CONTROL_REQUEST_METHOD).unwrap_or_default(),
        asked(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default(),
    );
    let error = ApiError::new(Kind::of_status(response.status().as_u16()), message);
    Ok(with_body(response, &error).map_into_right_body())
}

/// Refuses the socket to pages of other origins: browsers send no preflight request before they open a WebSocket. Programs
/// that are no browsers send no `Origin`.
pub(super) fn may_open_a_socket(request: &HttpRequest, app: &App) -> Result<(), ApiError> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let public = app.settings.public_url.as_str().and_then(|url| url.split_once("://"));
    let public = public.map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let is_own = |own: &str| !host.is_empty() && own.eq_ignore_ascii_case(host);
    if reached::name(request).is_some_and(|name| is_own(&name))
        || public.is_some_and(is_own)
        || app.settings.allowed_origins.contain(origin)
    {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Forbidden,
        format!(
            "pages of {origin:?} may not use this server: its setting allowed_origins has to name them, or public_url if \
             that is the server itself"
        ),
    ))
}
