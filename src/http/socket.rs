//! `GET /v1/sync`: a device's WebSocket. The protocol is the core's (`actors/PROTOCOL.md`); here is the transport.

use super::{AuthUser, identity::bearer, origin::may_open_a_socket, reads};
use crate::{
    app::App,
    error::{ApiError, Kind},
};
use actix::Addr;
use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev,
    http::header,
    rt, web,
};
use actix_ws::{AggregatedMessage, CloseCode, Closed, ProtocolError, Session as WsHandle};
use bytes::Bytes;
use futures_util::StreamExt;
use segue_actors::{
    node::ports::{Socket, Wrote},
    protocol::{
        close::CloseReason,
        wire::{FRAME_BYTES, SUBPROTOCOL},
    },
    socket::{Incoming, SocketActor, Writable},
};
use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

/// A connection that takes no close frame for this long is dropped without one.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/v1/sync").route(reads().to(sync)));
}

/// Joins as a device, over a WebSocket. The token comes with the request or in the first frame.
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
        AuthUser::from_request(&request, &mut dev::Payload::None).await?;
        bearer(&request).map(ToOwned::to_owned)
    } else {
        None
    };
    let left = Rc::new(Notify::new());
    let upgraded = actix_ws::handle_with_protocols(&request, body, &[SUBPROTOCOL]);
    let (response, handle, messages) = upgraded.map_err(|error| {
        ApiError::new(Kind::Invalid, format!("this address takes WebSocket connections alone: {error}"))
    })?;
    let messages = messages.max_frame_size(FRAME_BYTES).aggregate_continuations().max_continuation_size(FRAME_BYTES);
    let (frames, waiting) = mpsc::channel(1);
    let pongs = frames.clone();
    let incoming = messages.map(move |message| arrived(message, &pongs));
    let pipe = (handle, left.clone());
    SocketActor::start(|device| WsSocket::new(pipe, device, frames, waiting), incoming, app.directory.clone(), token);
    Ok(response.map_body(|_, body| Watched { body, left }).map_into_boxed_body())
}

/// What goes out, which tells when a frame has been taken by the connection. `actix_ws` itself takes 32 frames and as
/// many again before anybody learns that nothing is read at the other end.
struct Watched {
    body: BoxBody,
    left: Rc<Notify>,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_next(context);
        if polled.is_ready() {
            self.left.notify_one();
        }
        polled
    }
}

/// Nobody waits for a connection that is no more.
impl Drop for Watched {
    fn drop(&mut self) {
        self.left.notify_one();
    }
}

/// What a message means to the device's actor; pings are answered here.
fn arrived(message: Result<AggregatedMessage, ProtocolError>, pongs: &mpsc::Sender<Outgoing>) -> Incoming {
    match message {
        Ok(AggregatedMessage::Text(text)) => Incoming::Text(text.to_string()),
        Ok(AggregatedMessage::Ping(payload)) => {
            // A device that does not take the frame in flight takes no pong either.
            let _ = pongs.try_send(Outgoing::Pong(payload.to_vec()));
            Incoming::Control
        }
        Ok(AggregatedMessage::Pong(_)) => Incoming::Control,
        Ok(AggregatedMessage::Close(reason)) => match reason.map(|reason| reason.code) {
            None | Some(CloseCode::Normal | CloseCode::Away) => Incoming::Closed,
            Some(_) => Incoming::Broken,
        },
        // Text that is no UTF-8 comes as an error of the connection.
        Err(ProtocolError::Io(error)) if error.kind() != io::ErrorKind::InvalidData => Incoming::Broken,
        Ok(AggregatedMessage::Binary(_)) | Err(_) => Incoming::Garbage,
    }
}

/// What is written to the socket, one at a time.
enum Outgoing {
    Text(Arc<str>),
    Ping,
    Pong(Vec<u8>),
}

/// Why a socket ends, and what is said before.
type End = (CloseReason, Arc<str>);

/// The near end of a WebSocket: at most one frame waits here; the rest is the device's outbox.
struct WsSocket {
    frames: mpsc::Sender<Outgoing>,
    /// Until it is used.
    end: Option<oneshot::Sender<End>>,
    /// A frame was refused, so the device wants to know when there is room.
    is_awaited: Rc<Cell<bool>>,
}

impl WsSocket {
    fn new(
        pipe: (WsHandle, Rc<Notify>),
        device: Addr<SocketActor<Self>>,
        frames: mpsc::Sender<Outgoing>,
        waiting: mpsc::Receiver<Outgoing>,
    ) -> Self {
        let is_awaited = Rc::new(Cell::new(false));
        let (end, ended) = oneshot::channel();
        rt::spawn(write(pipe, device, (waiting, ended), is_awaited.clone()));
        Self { frames, end: Some(end), is_awaited }
    }
}

/// Writes what comes, and ends the socket when the device's actor has ended.
async fn write(
    (mut handle, left): (WsHandle, Rc<Notify>),
    device: Addr<SocketActor<WsSocket>>,
    (mut waiting, mut ended): (mpsc::Receiver<Outgoing>, oneshot::Receiver<End>),
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
            // Whoever takes nothing is told as soon as it does; until then the connection holds these few frames.
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
    // One that is gone already needs no close frame.
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
        // A socket with a frame in flight is being asked already.
        let _ = self.frames.try_send(Outgoing::Ping);
    }

    fn close(&mut self, reason: CloseReason, farewell: Arc<str>) {
        // A connection that is no more needs none.
        let _ = self.end.take().map(|end| end.send((reason, farewell)));
    }
}
