//! Gzip for JSON and the text of pages, and for nothing else: audio and covers are compressed already, and ranges must
//! stay what they are.

use actix_http::encoding::Encoder;
use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, HeaderMap},
    middleware::Next,
};

/// A smaller answer fits one packet anyway.
const WORTH_BYTES: u64 = 1024;

/// Compresses text for clients that ask for it.
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
    let is_text = is_text(response.headers());
    Ok(response.map_body(|head, body| {
        let large = match body.size() {
            BodySize::Sized(bytes) => bytes >= WORTH_BYTES,
            BodySize::Stream => true,
            BodySize::None => false,
        };
        let encoding = if wanted && is_text && large { ContentEncoding::Gzip } else { ContentEncoding::Identity };
        if is_text && large {
            head.headers.insert(header::VARY, header::HeaderValue::from_static("accept-encoding"));
        }
        Encoder::response(encoding, head, body)
    }))
}

/// Whether the answer is worth the work: JSON, and what pages are made of.
fn is_text(headers: &HeaderMap) -> bool {
    let kinds = ["text/html", "text/css", "text/javascript", "image/svg+xml", "application/manifest+json"];
    let kind = headers.get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes).unwrap_or_default();
    is_json(headers) || kinds.iter().any(|known| kind.starts_with(known.as_bytes()))
}

/// Whether the answer's type is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}
