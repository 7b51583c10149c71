//! `GET /v1/sync`: the WebSocket of a device. The protocol is that of `actors/PROTOCOL.md`; this is the transport.

use super::{
    AuthUser, client,
    frame_limit::FrameLimit,
    identity::bearer,
    origin::may_open_a_socket,
    reads,
    refusals::{self, What},
    requests::RequestKey,
    strangers,
};
use crate::{
    app::App,
    error::{ApiError, Kind},
};
use actix::Addr;
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev,
    error::PayloadError,
    http::header,
    rt, web,
};
use actix_ws::{AggregatedMessage, CloseCode, Closed, ProtocolError, Session as WsHandle};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};
use segue_actors::{
    node::ports::{Socket, Wrote},
    socket::{Incoming, SocketActor, Writable},
};
use segue_client::protocol::{
    close::CloseReason,
    wire::{ClientMessage, FRAME_BYTES, SUBPROTOCOL},
};
use std::{
    cell::{Cell, RefCell},
    io,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Sleep, sleep, timeout},
};

/// A connection that does not take the last frame and the close frame within this time is dropped without them.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/v1/sync").route(reads().to(sync)));
}

/// Joins as a device, over a WebSocket. The token comes with the request or in the first frame, `hello`.
#[utoipa::path(get, path = "/v1/sync", tag = "sync", responses((status = 101, description = "the socket is open"),
    (status = 400, description = "the request asks for no WebSocket"), (status = 401, description = "the token does not count"),
    (status = 403, description = "a browser asks for a page of a foreign origin")))]
pub(super) async fn sync(
    request: HttpRequest,
    body: web::Payload,
    app: web::Data<App>,
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
    let left = Rc::new(Notify::new());
    let arriving = Arriving::new(body);
    let body = web::Payload::from_request(&request, &mut limited(arriving.clone())).await;
    let upgraded = body.and_then(|body| actix_ws::handle_with_protocols(&request, body, &[SUBPROTOCOL]));
    let (response, handle, messages) = upgraded.map_err(|error| {
        ApiError::new(Kind::Invalid, format!("this address takes WebSocket connections alone: {error}"))
    })?;
    let messages = messages.max_frame_size(FRAME_BYTES).aggregate_continuations().max_continuation_size(FRAME_BYTES);
    let (frames, waiting) = mpsc::channel(1);
    let pongs = frames.clone();
    let mut watch = TokenWatch::new(&request, &app, token.is_some());
    let address = client::address(&request, &app.settings.trusted_proxies);
    let incoming = messages.map(move |message| {
        let incoming = arrived(message, &pongs);
        watch.look(&incoming);
        incoming
    });
    let pipe = (handle, left.clone());
    let socket = move |device| WsSocket::new(pipe, address, device, frames, waiting);
    SocketActor::start(socket, incoming, app.directory.clone(), token);
    let watched = |body| Watched { body, left, arriving, until_cut: None };
    Ok(response.map_body(|_, body| watched(body)).map_into_boxed_body())
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

/// The body of the answer, which notifies `left` whenever the connection takes a frame of it. Without it, `actix_ws` and
/// actix would take 64 frames before it is known that the other end does not read.
struct Watched {
    body: BoxBody,
    left: Rc<Notify>,
    arriving: Arriving,
    /// After a message that was too long: until the connection is cut.
    until_cut: Option<Pin<Box<Sleep>>>,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(until_cut) = &mut self.until_cut {
            ready!(until_cut.as_mut().poll(context));
            return Poll::Ready(Some(Err("a message was too long".into())));
        }
        let polled = Pin::new(&mut self.body).poll_next(context);
        if polled.is_ready() {
            self.left.notify_one();
        }
        if matches!(polled, Poll::Ready(None)) && self.arriving.is_too_long.get() {
            // After an end, actix would read on and discard what comes, for a second; after an error it does not.
            self.until_cut = Some(Box::pin(sleep(CLOSE_WITHIN)));
            return self.poll_next(context);
        }
        polled
    }
}

/// When the connection is gone, the writer that waits for it to take a frame goes on.
impl Drop for Watched {
    fn drop(&mut self) {
        self.left.notify_one();
    }
}

/// The bytes that arrive on a socket. As long as a clone of it is there, actix takes no more than a buffer of them.
#[derive(Clone)]
struct Arriving {
    body: Rc<RefCell<web::Payload>>,
    /// Whether a message was longer than allowed; then nothing more is read.
    is_too_long: Rc<Cell<bool>>,
}

impl Arriving {
    fn new(body: web::Payload) -> Self {
        Self { body: Rc::new(RefCell::new(body)), is_too_long: Rc::default() }
    }
}

/// The bytes of a socket up to the first frame that makes its message longer than allowed, and then an error.
fn limited(arriving: Arriving) -> dev::Payload {
    let Arriving { body, is_too_long } = arriving;
    let chunks = stream::poll_fn(move |context| body.borrow_mut().poll_next_unpin(context));
    let cut = chunks.scan(FrameLimit::new(FRAME_BYTES), move |limit, chunk| {
        let parts = chunk.map_or_else(
            |error| vec![Err(error)],
            |mut bytes| {
                let within = limit.within(&bytes);
                let error = (within < bytes.len()).then_some(Err(PayloadError::Overflow));
                is_too_long.set(error.is_some());
                bytes.truncate(within);
                [Ok(bytes)].into_iter().chain(error).collect()
            },
        );
        future::ready(Some(stream::iter(parts)))
    });
    let payload: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(cut.flatten());
    payload.into()
}

/// Whether the error is that of [`limited`].
fn is_too_long(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<PayloadError>());
    matches!(inner, Some(PayloadError::Overflow))
}

/// Translates a message of the WebSocket for the device's actor. Answers pings.
fn arrived(message: Result<AggregatedMessage, ProtocolError>, pongs: &mpsc::Sender<Outgoing>) -> Incoming {
    let too_long = || Incoming::Garbage(format!("a message of more than {FRAME_BYTES} bytes"));
    match message {
        Ok(AggregatedMessage::Text(text)) => Incoming::Text(text.to_string()),
        Ok(AggregatedMessage::Ping(payload)) => {
            // When a frame is still in flight the pong is left out: the device does not read now.
            let _ = pongs.try_send(Outgoing::Pong(payload.to_vec()));
            Incoming::Control
        }
        Ok(AggregatedMessage::Pong(_)) => Incoming::Control,
        Ok(AggregatedMessage::Close(reason)) => match reason.map(|reason| reason.code) {
            None | Some(CloseCode::Normal | CloseCode::Away) => Incoming::Closed,
            Some(_) => Incoming::Broken,
        },
        Ok(AggregatedMessage::Binary(_)) => Incoming::Garbage("a binary frame".to_owned()),
        Err(ProtocolError::Overflow) => too_long(),
        // `actix_ws` reports text that is not UTF-8 as this kind of I/O error.
        Err(ProtocolError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            Incoming::Garbage("text that is not UTF-8".to_owned())
        }
        Err(ProtocolError::Io(error)) if is_too_long(&error) => too_long(),
        Err(ProtocolError::Io(_)) => Incoming::Broken,
        Err(error) => Incoming::Garbage(error.to_string()),
    }
}

/// A frame for the socket.
enum Outgoing {
    Text(Arc<str>),
    Ping,
    Pong(Vec<u8>),
}

/// Why a socket is closed, and the last frame before that.
type SocketEnd = (CloseReason, Arc<str>);

/// The server's end of a WebSocket. At most one frame waits here; all others wait in the device's outbox.
struct WsSocket {
    address: IpAddr,
    frames: mpsc::Sender<Outgoing>,
    /// `None` once the socket was closed.
    end: Option<oneshot::Sender<SocketEnd>>,
    /// A frame was refused for want of room: the device is to get `Writable` when there is room.
    is_awaited: Rc<Cell<bool>>,
}

impl WsSocket {
    fn new(
        pipe: (WsHandle, Rc<Notify>),
        address: IpAddr,
        device: Addr<SocketActor<Self>>,
        frames: mpsc::Sender<Outgoing>,
        waiting: mpsc::Receiver<Outgoing>,
    ) -> Self {
        let is_awaited = Rc::new(Cell::new(false));
        let (end, ended) = oneshot::channel();
        rt::spawn(write(pipe, device, (waiting, ended), is_awaited.clone()));
        Self { address, frames, end: Some(end), is_awaited }
    }
}

/// Writes the frames one by one, and closes the socket when it is told to or when the device's actor has stopped.
async fn write(
    (mut handle, left): (WsHandle, Rc<Notify>),
    device: Addr<SocketActor<WsSocket>>,
    (mut waiting, mut ended): (mpsc::Receiver<Outgoing>, oneshot::Receiver<SocketEnd>),
    is_awaited: Rc<Cell<bool>>,
) {
    let end = loop {
        let frame = tokio::select! {
            biased;
            frame = waiting.recv() => frame,
            end = &mut ended => break end.ok(),
        };
        let Some(frame) = frame else { break ended.await.ok() };
        if is_awaited.take() {
            device.do_send(Writable);
        }
        if put(&mut handle, frame).await.is_err() {
            return;
        }
        tokio::select! {
            biased;
            () = left.notified() => {}
            // A device that does not read gets the last frame and the close frame when it reads again.
            end = &mut ended => break end.ok(),
        }
    };
    let farewell = async {
        while let Ok(frame) = waiting.try_recv() {
            put(&mut handle, frame).await?;
        }
        let reason = match end {
            Some((reason, farewell)) => {
                put(&mut handle, Outgoing::Text(farewell)).await?;
                actix_ws::CloseReason {
                    code: CloseCode::Other(reason.code()),
                    description: Some(reason.slug().to_owned()),
                }
            }
            None => CloseCode::Normal.into(),
        };
        handle.close(Some(reason)).await
    };
    // A connection that is gone takes none of it, which is no failure.
    let _ = timeout(CLOSE_WITHIN, farewell).await;
}

async fn put(handle: &mut WsHandle, frame: Outgoing) -> Result<(), Closed> {
    match frame {
        Outgoing::Text(text) => handle.text(&*text).await,
        Outgoing::Ping => handle.ping(&[]).await,
        Outgoing::Pong(payload) => handle.pong(&payload).await,
    }
}

impl Socket for WsSocket {
    fn address(&self) -> String {
        self.address.to_string()
    }

    fn try_write(&mut self, frame: Arc<str>) -> Wrote {
        match self.frames.try_send(Outgoing::Text(frame)) {
            Ok(()) => Wrote::Written,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.is_awaited.set(true);
                Wrote::Blocked
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Wrote::Closed,
        }
    }

    fn ping(&mut self) {
        // When a frame is still in flight the ping is left out: the device does not read now.
        let _ = self.frames.try_send(Outgoing::Ping);
    }

    fn close(&mut self, reason: CloseReason, farewell: Arc<str>) {
        // The writer may have ended with its connection; then there is nothing to close.
        let _ = self.end.take().map(|end| end.send((reason, farewell)));
    }
}
