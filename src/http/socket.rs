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
use actix_ws::{AggregatedMessage, CloseCode, ProtocolError, Session as WsHandle};
use bytes::Bytes;
use futures_util::StreamExt;
use segue_actors::{
    close::CloseReason,
    device::{DeviceActor, Incoming, Writable},
    ports::{Socket, Wrote},
    wire::{FRAME_BYTES, SUBPROTOCOL},
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
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};

/// A socket that takes no close frame for so long is dropped without one.
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
    let (response, handle, messages) =
        upgraded.map_err(|error| ApiError::new(Kind::Invalid, format!("this address is a WebSocket: {error}")))?;
    let messages = messages.max_frame_size(FRAME_BYTES).aggregate_continuations().max_continuation_size(FRAME_BYTES);
    let (frames, waiting) = mpsc::channel(1);
    let pongs = frames.clone();
    let incoming = messages.map(move |message| arrived(message, &pongs));
    let pipe = (handle, left.clone());
    DeviceActor::start(|device| WsSocket::new(pipe, device, frames, waiting), incoming, app.directory.clone(), token);
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
            Incoming::Life
        }
        Ok(AggregatedMessage::Pong(_)) => Incoming::Life,
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
    Close(CloseReason),
}

/// The near end of a WebSocket: at most one frame waits here; the rest is the device's outbox.
struct WsSocket {
    frames: mpsc::Sender<Outgoing>,
    writer: JoinHandle<()>,
    /// A frame was refused, so the device wants to know when there is room.
    is_awaited: Rc<Cell<bool>>,
}

impl WsSocket {
    fn new(
        pipe: (WsHandle, Rc<Notify>),
        device: Addr<DeviceActor<Self>>,
        frames: mpsc::Sender<Outgoing>,
        waiting: mpsc::Receiver<Outgoing>,
    ) -> Self {
        let is_awaited = Rc::new(Cell::new(false));
        let writer = rt::spawn(write(pipe, device, waiting, is_awaited.clone()));
        Self { frames, writer, is_awaited }
    }
}

/// Writes what comes, and ends the socket when the device's actor has ended.
async fn write(
    (mut handle, left): (WsHandle, Rc<Notify>),
    device: Addr<DeviceActor<WsSocket>>,
    mut waiting: mpsc::Receiver<Outgoing>,
    is_awaited: Rc<Cell<bool>>,
) {
    let mut reason = None;
    while let Some(frame) = waiting.recv().await {
        if is_awaited.take() {
            device.do_send(Writable);
        }
        let written = match frame {
            Outgoing::Text(text) => handle.text(&*text).await,
            Outgoing::Ping => handle.ping(&[]).await,
            Outgoing::Pong(payload) => handle.pong(&payload).await,
            Outgoing::Close(why) => {
                reason = Some(why);
                break;
            }
        };
        if written.is_err() {
            return;
        }
        left.notified().await;
    }
    let code = reason.map_or(CloseCode::Normal, |reason| CloseCode::Other(reason.code()));
    let description = reason.map(|reason| reason.slug().to_owned());
    // One that is gone already needs no close frame.
    let _ = timeout(CLOSE_WITHIN, handle.close(Some(actix_ws::CloseReason { code, description }))).await;
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

    fn close(&mut self, reason: CloseReason) {
        let (frames, writer) = (self.frames.clone(), self.writer.abort_handle());
        rt::spawn(async move {
            if timeout(CLOSE_WITHIN, frames.send(Outgoing::Close(reason))).await.is_err() {
                writer.abort();
            }
        });
    }
}
