//! Errors as JSON, those of actix-web too: `{"error": {"status", "code", "message"}}`.

use crate::error::{ApiError, Kind};
use actix_web::{
    Error, HttpResponse, HttpResponseBuilder, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{JsonPayloadError, PathError, QueryPayloadError},
    http::{StatusCode, header},
    middleware::Next,
    web,
};
use serde_json::json;

/// The largest JSON body; what may be larger sets its own limit.
const JSON_BYTES: usize = 1 << 20;

/// Sets the fallback of unknown addresses and how bodies, queries and paths that cannot be read are answered.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().limit(JSON_BYTES).error_handler(|error, _| json_error(&error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| query_error(&error).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| path_error(&error).into()))
        .default_service(web::to(|| async { Err::<HttpResponse, _>(ApiError::not_found("address")) }));
}

fn json_error(error: &JsonPayloadError) -> ApiError {
    match error {
        JsonPayloadError::ContentType => {
            ApiError::new(Kind::UnsupportedMediaType, "the body must be sent as application/json")
        }
        JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
            ApiError::new(Kind::TooLarge, format!("the body is larger than {JSON_BYTES} bytes"))
        }
        other => ApiError::invalid(format!("the body cannot be read: {other}")),
    }
}

fn query_error(error: &QueryPayloadError) -> ApiError {
    ApiError::invalid(format!("the query cannot be read: {error}"))
}

/// A path part of the wrong form names nothing.
fn path_error(_: &PathError) -> ApiError {
    ApiError::not_found("thing")
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponseBuilder::new(self.status_code());
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.kind == Kind::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(body(self.kind.status(), self.kind, &self.message))
    }
}

fn body(status: u16, kind: Kind, message: &str) -> serde_json::Value {
    json!({"error": {"status": status, "code": kind.code(), "message": message}})
}

/// Gives errors that libraries answer with plain text or nothing (405, say) the body every error has.
pub(super) async fn as_json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || super::compress::is_json(response.headers()) {
        return Ok(response.map_into_left_body());
    }
    let kind = Kind::of_status(status.as_u16());
    let message = status.canonical_reason().unwrap_or("the request failed").to_lowercase();
    let text = body(status.as_u16(), kind, &message).to_string();
    let (request, response) = response.into_parts();
    let mut response = response.set_body(BoxBody::new(text));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}
