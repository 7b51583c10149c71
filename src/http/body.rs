//! A JSON body that may be left out. `Option<web::Json<T>>` would take a body that cannot be read for none.

use actix_web::{
    Error, FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    web,
};
use serde::de::DeserializeOwned;
use std::pin::Pin;

/// The body, or `None` when the request has none or it is `null`.
pub(super) struct OptionalJson<T>(pub(super) Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJson<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !has_body(request) {
            return Box::pin(async { Ok(Self(None)) });
        }
        let body = web::Json::<Option<T>>::from_request(request, payload);
        Box::pin(async { Ok(Self(body.await?.into_inner())) })
    }
}

/// Whether the head announces a body (RFC 9112, section 6.3).
pub(super) fn has_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length.trim() != "0")
}
