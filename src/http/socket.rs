//! `GET /v1/sync`: the WebSocket of a device. The protocol is that of `actors/PROTOCOL.md`; `websocket/` is the transport.

use super::{
    AuthUser, client,
    identity::bearer,
    origin::may_open_a_socket,
    reads,
    refusals::{self, What},
    requests::RequestKey,
    strangers,
    upgrade::Handover,
    websocket::{OpenSockets, pair},
};
use crate::{
    app::App,
    error::{ApiError, Kind},
};
use actix_http::ws::{hash_key, verify_handshake};
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, dev,
    http::{StatusCode, Version, header},
    web,
};
use futures_util::StreamExt as _;
use segue_actors::socket::{Incoming, SocketActor};
use segue_client::protocol::wire::{ClientMessage, SUBPROTOCOL};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/v1/sync").route(reads().to(sync)));
}

/// Joins as a device, over a WebSocket. The token comes with the request or in the first frame, `hello`.
#[utoipa::path(get, path = "/v1/sync", tag = "sync", responses((status = 101, description = "the socket is open"),
    (status = 400, description = "the request asks for no WebSocket"), (status = 401, description = "the token does not count"),
    (status = 403, description = "a browser asks for a page of a foreign origin")))]
pub(super) async fn sync(
    request: HttpRequest,
    app: web::Data<App>,
    open: web::Data<OpenSockets>,
) -> Result<HttpResponse, ApiError> {
    may_open_a_socket(&request, &app)?;
    let token = if request.headers().contains_key(header::AUTHORIZATION) {
        let asker = AuthUser::from_request(&request, &mut dev::Payload::None).await?;
        if let Some(RequestKey(name)) = request.extensions().get() {
            log::info!(user:% = asker.user, key = &**name; "a socket is opened with an API key");
        }
        bearer(&request).map(ToOwned::to_owned)
    } else {
        None
    };
    let mut response = match handshake(&request) {
        Ok(response) => response,
        Err(error) => {
            let mut response = error.error_response();
            // What the client can ask for instead (RFC 6455, section 4.4).
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, header::HeaderValue::from_static("13"));
            return Ok(response);
        }
    };
    let mut watch = TokenWatch::new(&request, &app, token.is_some());
    let address = client::address(&request, &app.settings.trusted_proxies);
    let directory = app.directory.clone();
    Handover::after(&mut response, move |wire, read| {
        let (reader, socket) = pair(wire, &read, address, open.one_more());
        let incoming = reader.map(move |incoming| {
            watch.look(&incoming);
            incoming
        });
        SocketActor::start(socket, incoming, directory, token.as_deref());
    });
    Ok(response)
}

/// The server's half of the handshake (RFC 6455, section 4.2), with the subprotocol if the client knows it.
fn handshake(request: &HttpRequest) -> Result<HttpResponse, ApiError> {
    let unfit =
        |why: String| ApiError::new(Kind::Invalid, format!("this address takes WebSocket connections alone: {why}"));
    if request.version() < Version::HTTP_11 {
        return Err(unfit("it is part of HTTP/1.1".to_owned()));
    }
    verify_handshake(request.head()).map_err(|error| unfit(error.to_string()))?;
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| unfit("Sec-WebSocket-Key is missing".to_owned()))?;
    let mut response = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    let accept = hash_key(key.as_bytes());
    response.upgrade("websocket").insert_header((header::SEC_WEBSOCKET_ACCEPT, &accept[..]));
    let mut offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|names| names.to_str().ok());
    if offered.any(|names| names.split(',').any(|name| name.trim() == SUBPROTOCOL)) {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    Ok(response.finish())
}

/// Notes a token that comes in the first `hello` of a socket, and logs its refusal. The core refuses it too, but does not
/// know the client's address.
struct TokenWatch {
    app: web::Data<App>,
    /// Until the socket has said which token it has.
    request: Option<HttpRequest>,
}

impl TokenWatch {
    fn new(request: &HttpRequest, app: &web::Data<App>, has_token: bool) -> Self {
        Self { app: app.clone(), request: (!has_token).then(|| request.clone()) }
    }

    fn look(&mut self, incoming: &Incoming) {
        let (Incoming::Text(text), Some(request)) = (incoming, &self.request) else { return };
        let Ok(ClientMessage::Hello(hello)) = ClientMessage::decode(text) else { return };
        match hello.token.as_deref().map(|token| self.app.auth.check(token)) {
            Some(Ok(granted)) => {
                strangers::note_login(request);
                if let Some(key) = granted.key {
                    log::info!(user:% = key.user, key = &*key.name; "a socket is opened with an API key");
                }
            }
            Some(Err(error)) => refusals::log(request, &self.app, What::Token, error.into(), None),
            None => {}
        }
        self.request = None;
    }
}
