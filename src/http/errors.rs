//! Errors as JSON, those of actix-web too: `{"error": {"status", "code", "message", "request_id"}}`.

use super::{notions, player, requests::RequestId, slow};
use crate::error::{ApiError, Kind};
use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{JsonPayloadError, PathError, QueryPayloadError},
    http::{Method, StatusCode, header},
    middleware::Next,
    web,
};
use serde_json::json;

/// The largest JSON body, in bytes. A handler that takes larger ones sets its own limit.
const JSON_BYTES: usize = 1 << 20;
/// The most parameters that an error names.
const SHOWN_PARAMETERS: usize = 16;

/// Sets the answer to unknown addresses, and the answers to bodies, queries and paths that cannot be parsed.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().limit(JSON_BYTES).error_handler(|error, _| json_error(&error).into()))
        .app_data(
            web::QueryConfig::default()
                .error_handler(|error, request| query_error(&error, request.query_string()).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|error, _| path_error(&error).into()))
        .default_service(web::to(|request: HttpRequest| async move {
            player::nowhere(&request).ok_or_else(|| notions::unknown_address(request.path()))
        }));
}

fn json_error(error: &JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::ContentType => {
            ApiError::new(Kind::UnsupportedMediaType, "the body must be sent as application/json")
        }
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            ApiError::new(Kind::TooLarge, format!("the body is larger than {JSON_BYTES} bytes"))
        }
        JsonPayloadError::Payload(error) if slow::is_too_slow(error) => {
            ApiError::new(Kind::Timeout, "the body arrived too slowly: send it at once, at 4 KiB per second or more")
        }
        other => ApiError::invalid(format!("the body cannot be read: {other}")),
    }
}

/// The error of a query. `serde_urlencoded` does not say which parameter is wrong, so all names are listed.
fn query_error(error: &QueryPayloadError, query: &str) -> ApiError {
    let QueryPayloadError::Deserialize(why) = error else {
        return ApiError::invalid(format!("the query cannot be read: {error}"));
    };
    let parameters = query.split('&').map(|pair| pair.split('=').next().unwrap_or(pair).escape_debug().to_string());
    let parameters: Vec<_> = parameters.take(SHOWN_PARAMETERS).collect();
    ApiError::invalid(format!("one of the query's parameters ({}) cannot be read: {why}", parameters.join(", ")))
}

/// A part of the path that is no id cannot be the id of anything, so the answer is 404 as for an unknown id.
fn path_error(_: &PathError) -> ApiError {
    ApiError::new(Kind::NotFound, "this address holds something that is no id: an id is 16 hex digits")
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Status and headers. The error itself goes along as an extension, for `as_json` to write the body from and for
    /// the log.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponseBuilder::new(self.status_code());
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.kind == Kind::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The error for an answer of a library, which says its status alone.
fn of_library(status: StatusCode, method: &Method) -> ApiError {
    let message = match status {
        StatusCode::METHOD_NOT_ALLOWED => format!("this address takes no {method} requests: /docs lists what it takes"),
        _ if status.is_server_error() => format!("the server failed ({status}): its log has the id of this request"),
        _ => format!("the server does not accept this request ({status}): /docs lists what this address takes"),
    };
    ApiError::new(Kind::of_status(status.as_u16()), message)
}

/// Gives every error its body: those of [`ApiError`], and those that libraries answer with plain text or nothing (405). The
/// page of an unknown address stays a page.
pub(super) async fn as_json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page || !status.is_client_error() && !status.is_server_error() {
        return Ok(response.map_into_left_body());
    }
    let known = response.response().extensions().get::<ApiError>().cloned();
    let error = known.unwrap_or_else(|| of_library(status, response.request().method()));
    Ok(with_body(response, &error).map_into_right_body())
}

/// The answer with the object of the error as its body.
pub(super) fn with_body<B>(response: ServiceResponse<B>, error: &ApiError) -> ServiceResponse<BoxBody> {
    let id = response.request().extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
    let body = json!({"error": {
        "status": response.status().as_u16(),
        "code": error.kind.code(),
        "message": error.message,
        "request_id": id,
    }});
    let (request, response) = response.into_parts();
    let mut response = response.set_body(BoxBody::new(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    ServiceResponse::new(request, response)
}
