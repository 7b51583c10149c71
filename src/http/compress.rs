//! Gzip for JSON and for nothing else: audio and covers are compressed already, and ranges count bytes that are not
//! compressed again.

use actix_http::encoding::Encoder;
use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, HeaderMap},
    middleware::Next,
};

/// The smallest answer that is compressed, in bytes: a smaller one fits one packet anyway.
const WORTH_BYTES: u64 = 1024;

/// Compresses JSON answers for clients that ask for it.
pub(super) async fn json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    use actix_web::HttpMessage as _;
    let accepted = request.get_header::<AcceptEncoding>();
    let best =
        accepted.as_ref().and_then(|accepted| accepted.negotiate([Encoding::gzip(), Encoding::identity()].iter()));
    let wanted = best == Some(Encoding::gzip());
    let response = next.call(request).await?;
    let is_json = is_json(response.headers());
    Ok(response.map_body(|head, body| {
        let large = match body.size() {
            BodySize::Sized(bytes) => bytes >= WORTH_BYTES,
            BodySize::Stream => true,
            BodySize::None => false,
        };
        let encoding = if wanted && is_json && large { ContentEncoding::Gzip } else { ContentEncoding::Identity };
        if is_json && large {
            head.headers.insert(header::VARY, header::HeaderValue::from_static("accept-encoding"));
        }
        Encoder::response(encoding, head, body)
    }))
}

/// Whether the answer's type is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
