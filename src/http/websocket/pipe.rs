//! The two halves of a WebSocket that a device's actor has: [`SocketReader`], a stream of what arrives, and [`WsSocket`], to which
//! it writes. A frame is written at once; what the connection does not take is written when it does, and until then no other.

use super::{
    Wire,
    ending::{close_frame, end},
    frames::{Arrived, Frames},
    open::OpenSocket,
    outgoing::Outgoing,
};
use actix::Addr;
use actix_http::ws::{CloseCode, OpCode};
use actix_web::rt;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use segue_actors::{
    node::ports::{Socket, Wrote},
    socket::{Incoming, SocketActor, Writable},
};
use segue_client::protocol::{close::CloseReason, wire::FRAME_BYTES};
use std::{
    cell::RefCell,
    io,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::io::ReadBuf;

/// Bytes that are read at once. There is one buffer for each thread.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// The connection, shared by the two halves.
struct Pipe {
    /// `None` once the socket was closed.
    wire: Option<Box<dyn Wire>>,
    /// The frame in flight: the connection has not taken all of it yet.
    unsent: Option<Outgoing>,
    /// The connection has taken all frames, and has not sent them on yet.
    is_unflushed: bool,
    /// A frame was refused because of the one in flight: the actor is to get `Writable` when there is room.
    is_awaited: bool,
    /// Writing has failed.
    is_broken: bool,
    /// Of the task that reads: woken when the connection can take more.
    waker: Waker,
    open: Option<OpenSocket>,
}

/// Makes the halves of a WebSocket. `read` holds the bytes that came with the handshake.
pub(in crate::http) fn pair(
    wire: Box<dyn Wire>,
    read: &BytesMut,
    address: IpAddr,
    open: OpenSocket,
) -> (SocketReader, impl FnOnce(Addr<SocketActor<WsSocket>>) -> WsSocket) {
    let pipe = Rc::new(RefCell::new(Pipe {
        wire: Some(wire),
        unsent: None,
        is_unflushed: false,
        is_awaited: false,
        is_broken: false,
        waker: Waker::noop().clone(),
        open: Some(open),
    }));
    let device = Rc::new(RefCell::new(None));
    let mut frames = Frames::new(FRAME_BYTES);
    frames.feed(read);
    let reader = SocketReader { pipe: Rc::clone(&pipe), frames, device: Rc::clone(&device) };
    let socket = move |actor| {
        device.replace(Some(actor));
        WsSocket { pipe, address }
    };
    (reader, socket)
}

impl Pipe {
    /// Writes a frame, or keeps it as the one in flight.
    fn put(&mut self, frame: Outgoing) -> Wrote {
        if self.is_broken || self.wire.is_none() {
            return Wrote::Closed;
        }
        if self.is_full() {
            return Wrote::Blocked;
        }
        self.unsent = Some(frame);
        let waker = self.waker.clone();
        self.write_on(&mut Context::from_waker(&waker));
        if self.is_broken {
            // The reader tells the actor.
            self.waker.wake_by_ref();
            return Wrote::Closed;
        }
        Wrote::Written
    }

    /// Whether a frame is in flight.
    const fn is_full(&self) -> bool {
        self.unsent.is_some() || self.is_unflushed
    }

    /// Writes what is left.
    fn write_on(&mut self, context: &mut Context<'_>) {
        let Some(wire) = &mut self.wire else { return };
        if let Some(frame) = &mut self.unsent {
            match frame.poll_write(&mut **wire, context) {
                Poll::Ready(Ok(())) => {
                    self.unsent = None;
                    self.is_unflushed = true;
                }
                Poll::Ready(Err(_)) => self.is_broken = true,
                Poll::Pending => {}
            }
        }
        if self.is_unflushed {
            match Pin::new(&mut **wire).poll_flush(context) {
                Poll::Ready(Ok(())) => self.is_unflushed = false,
                Poll::Ready(Err(_)) => self.is_broken = true,
                Poll::Pending => {}
            }
        }
    }

    /// Ends the connection after the frame in flight and these.
    fn end(&mut self, last: impl IntoIterator<Item = Outgoing>) {
        let (Some(wire), Some(open)) = (self.wire.take(), self.open.take()) else { return };
        let last = self.unsent.take().into_iter().chain(last).collect();
        rt::spawn(end(wire, last, open));
    }
}

/// What arrives, as the device's actor takes it. Answers pings. It ends with the connection.
pub(in crate::http) struct SocketReader {
    pipe: Rc<RefCell<Pipe>>,
    frames: Frames,
    device: Rc<RefCell<Option<Addr<SocketActor<WsSocket>>>>>,
}

impl Stream for SocketReader {
    type Item = Incoming;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let Self { pipe, frames, device } = self.get_mut();
        let pipe = &mut *pipe.borrow_mut();
        if !pipe.waker.will_wake(context.waker()) {
            pipe.waker = context.waker().clone();
        }
        pipe.write_on(context);
        if pipe.is_awaited && !pipe.is_full() {
            pipe.is_awaited = false;
            if let Some(device) = &*device.borrow() {
                device.do_send(Writable);
            }
        }
        loop {
            if let Some(arrived) = frames.next() {
                return Poll::Ready(Some(incoming(arrived, pipe)));
            }
            if frames.is_over() {
                return Poll::Ready(None);
            }
            if pipe.is_broken {
                return Poll::Ready(Some(Incoming::Broken));
            }
            let Some(wire) = &mut pipe.wire else { return Poll::Ready(None) };
            let read = READ.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                let polled = Pin::new(&mut **wire).poll_read(context, &mut buffer);
                polled.map_ok(|()| {
                    frames.feed(buffer.filled());
                    buffer.filled().len()
                })
            });
            match read {
                Poll::Ready(Ok(0)) => return Poll::Ready(None),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    if error.kind() != io::ErrorKind::ConnectionReset {
                        log::debug!("a socket ended: {error}");
                    }
                    pipe.is_broken = true;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Translates what arrived for the device's actor.
fn incoming(arrived: Arrived, pipe: &mut Pipe) -> Incoming {
    match arrived {
        Arrived::Text(text) => Incoming::Text(text),
        Arrived::Ping(payload) => {
            // When a frame is still in flight the pong is left out: the device does not read now.
            pipe.put(Outgoing::control(OpCode::Pong, payload));
            Incoming::Control
        }
        Arrived::Pong | Arrived::Fragments => Incoming::Control,
        Arrived::Close(None | Some(CloseCode::Normal | CloseCode::Away)) => Incoming::Closed,
        Arrived::Close(Some(_)) => Incoming::Broken,
        Arrived::Refused(why) => Incoming::Garbage(why),
    }
}

/// The server's end of a WebSocket. At most one frame is in flight; all others wait in the device's outbox.
pub(in crate::http) struct WsSocket {
    pipe: Rc<RefCell<Pipe>>,
    address: IpAddr,
}

impl Socket for WsSocket {
    fn address(&self) -> String {
        self.address.to_string()
    }

    fn try_write(&mut self, frame: Arc<str>) -> Wrote {
        let mut pipe = self.pipe.borrow_mut();
        let wrote = pipe.put(Outgoing::text(frame));
        pipe.is_awaited |= wrote == Wrote::Blocked;
        wrote
    }

    fn ping(&mut self) {
        // When a frame is still in flight the ping is left out: the device does not read now.
        self.pipe.borrow_mut().put(Outgoing::control(OpCode::Ping, Bytes::new()));
    }

    fn close(&mut self, reason: CloseReason, farewell: Arc<str>) {
        let close = close_frame(CloseCode::Other(reason.code()), reason.slug());
        self.pipe.borrow_mut().end([Outgoing::text(farewell), close]);
    }
}

/// A socket whose actor has ended without closing it, because its client has, or by a panic.
impl Drop for WsSocket {
    fn drop(&mut self) {
        self.pipe.borrow_mut().end([close_frame(CloseCode::Normal, "")]);
    }
}
