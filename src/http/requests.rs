//! What each HTTP request has: an id, and a line in the log when it fails or when the setting `log_requests` is on.

use super::client;
use crate::{app::App, error::ApiError};
use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use log::Level;
use segue_client::protocol::ids::UserId;
use std::{sync::Arc, time::Instant};

/// The header with the id, in both directions.
pub(super) const ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a proxy, in bytes.
const ID_BYTES: usize = 64;

/// The id of a request, an extension of each: what its trusted proxy calls it, or 16 random hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of this request; empty outside of a server.
    pub(super) fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }

    /// A proxy's text when it is one that no log or header can be confused by, else a new id.
    fn new(given: Option<&str>) -> Self {
        let is_plain = |text: &&str| {
            (1..=ID_BYTES).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(&byte))
        };
        Self(given.filter(is_plain).map_or_else(|| format!("{:016x}", rand::random::<u64>()), str::to_owned))
    }
}

/// An id for a request that no proxy has named.
pub(super) fn new_id() -> String {
    RequestId::new(None).0
}

/// The user whom the request's token, or its log-in, belongs to: an extension, for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestUser(pub(super) UserId);

/// The name of the API key that the request was made with: an extension, for the log.
#[derive(Debug, Clone)]
pub(super) struct RequestKey(pub(super) Arc<str>);

/// Gives the request its id, sends the id back, and writes the line of the log. The milliseconds in it are those until
/// the head of the answer was ready; a file or a socket goes on after that.
pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let settings = request.app_data::<web::Data<App>>().map(|app| &app.settings);
    let is_trusted = settings.is_some_and(|settings| client::is_proxy(request.request(), &settings.trusted_proxies));
    let logs_all = settings.is_some_and(|settings| settings.log_requests);
    let given = request.headers().get(ID_HEADER).filter(|_| is_trusted).and_then(|value| value.to_str().ok());
    let id = RequestId::new(given);
    let value = HeaderValue::from_str(id.as_str());
    request.extensions_mut().insert(id);
    let mut response = next.call(request).await?;
    if let Ok(value) = value {
        response.headers_mut().insert(ID_HEADER, value);
    }
    let level = level(response.status());
    if logs_all || level.is_some() {
        write_line(&response, level, began);
    }
    Ok(response)
}

/// How a failure is logged: those of the server as errors, what is away or full as a warning, those of the client as
/// information. Nothing for a success.
fn level(status: StatusCode) -> Option<Level> {
    match status.as_u16() {
        500 | 507 => Some(Level::Error),
        // With 501 the client asked for what Segue has no notion of.
        400..=499 | 501 => Some(Level::Info),
        502.. => Some(Level::Warn),
        _ => None,
    }
}

fn write_line<B>(response: &ServiceResponse<B>, failed: Option<Level>, began: Instant) {
    let request = response.request();
    let error = response.response().extensions().get::<ApiError>().cloned();
    let cause = error.and_then(|error| error.cause).unwrap_or_default();
    let user = request.extensions().get::<RequestUser>().map(|asker| asker.0.to_string()).unwrap_or_default();
    let key = request.extensions().get::<RequestKey>().map(|key| Arc::clone(&key.0));
    let address = request.app_data::<web::Data<App>>();
    let address = address.map(|app| client::address(request, &app.settings.trusted_proxies).to_string());
    log::log!(
        failed.unwrap_or(Level::Info),
        method = request.method().as_str(),
        // The pattern, for the path may hold names and the query signatures.
        route = request.match_pattern().as_deref().unwrap_or("unknown"),
        status = response.status().as_u16(),
        ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        address = address.as_deref().unwrap_or_default(),
        user = user.as_str(),
        key = key.as_deref().unwrap_or_default(),
        id = RequestId::of(request).as_str(),
        cause = cause.as_str();
        "{}", if failed.is_some() { "request failed" } else { "request" }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_when_it_is_plain_and_short() {
        for good in ["1", "3f1c9a-…".trim_end_matches('…'), "Root=1-67891233-abc", &"x".repeat(64)] {
            assert_eq!(RequestId::new(Some(good)).as_str(), good);
        }
        for bad in [None, Some(""), Some("a b"), Some("a\"b"), Some("a\nb"), Some("ä"), Some(&*"x".repeat(65))] {
            let made = RequestId::new(bad);
            assert!(made.as_str().len() == 16 && made.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()), "{bad:?}");
            assert_ne!(made, RequestId::new(bad));
        }
    }
}
