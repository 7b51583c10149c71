//! Bodies of requests that arrive slowly or never: each connection takes a descriptor, and their number is limited.

use super::body::has_body;
use actix_web::{
    Error, HttpMessage as _,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::PayloadError,
    middleware::Next,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// A body may take this long whatever its size.
const GRACE: Duration = Duration::from_secs(10);
/// Beyond the grace it must have arrived at this rate, in bytes per second.
const LEAST_RATE: u64 = 4 * 1024;
/// The longest time for any body.
const LONGEST: Duration = Duration::from_mins(1);

/// How long after its begin a body may still be arriving of which so many bytes have arrived.
fn allowed(received: u64) -> Duration {
    (GRACE + Duration::from_millis(received.saturating_mul(1_000) / LEAST_RATE)).min(LONGEST)
}

/// Middleware: a body that arrives too slowly ends with an error of the kind `TimedOut`. A body that its handler did not read
/// to its end closes the connection after the answer; actix would wait for the rest of a chunked one for ever. The outermost:
/// what other middleware does to the answer must not drop the body of the request.
pub(super) async fn limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, ReplyBody>>, Error> {
    if !has_body(request.request()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let payload = Rc::new(RefCell::new(request.take_payload()));
    let timed: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(Timed::new(Rc::clone(&payload)));
    request.set_payload(timed.into());
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, body| ReplyBody { body, _payload: payload }).map_into_right_body())
}

/// Whether an error is that of a body that arrived too slowly.
pub(super) fn is_too_slow(error: &PayloadError) -> bool {
    let (PayloadError::Io(error) | PayloadError::Incomplete(Some(error))) = error else { return false };
    error.kind() == io::ErrorKind::TimedOut
}

/// A body with its time limit.
struct Timed {
    payload: Rc<RefCell<Payload>>,
    began: Instant,
    received: u64,
    until: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(payload: Rc<RefCell<Payload>>) -> Self {
        let began = Instant::now();
        Self { payload, began, received: 0, until: Box::pin(sleep_until(began + allowed(0))) }
    }
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.payload.borrow_mut().poll_next_unpin(context);
        match polled {
            Poll::Ready(Some(Ok(bytes))) => {
                self.received = self.received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                let until = self.began + allowed(self.received);
                self.until.as_mut().reset(until);
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Pending => {
                ready!(self.until.as_mut().poll(context));
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
            }
            Poll::Ready(Some(Err(_)) | None) => polled,
        }
    }
}

/// The body of an answer. While it is sent the request's body is not dropped: of one that was not read to its end, actix then
/// knows that the connection cannot be used again.
pub(super) struct ReplyBody {
    body: BoxBody,
    _payload: Rc<RefCell<Payload>>,
}

impl MessageBody for ReplyBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_grace_then_a_least_rate_and_an_end() {
        assert_eq!(allowed(0), Duration::from_secs(10));
        assert_eq!(allowed(LEAST_RATE * 5), Duration::from_secs(15));
        assert_eq!(allowed(1 << 40), LONGEST);
        assert_eq!(allowed(u64::MAX), LONGEST);
    }
}
