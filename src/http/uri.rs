//! The longest address of a request.

use crate::error::{ApiError, Kind};
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

/// The longest path and query, in bytes. The longest that the API needs, 100 ids as URIs, has a third of it.
const MOST_BYTES: usize = 8 * 1024;

/// Refuses longer ones with 414. One of more than 65,534 bytes does not get here: actix refuses it with 400 or 431.
pub(super) async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let bytes = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if bytes > MOST_BYTES {
        let why = format!("the address has {bytes} bytes, and at most {MOST_BYTES} are read: ask in parts");
        return Ok(request.error_response(ApiError::new(Kind::UriTooLong, why)).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}
