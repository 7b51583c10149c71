//! Requests that ask for a WebSocket. They go through the same application as all others; when its answer is a handshake,
//! the connection leaves HTTP and is passed to the function that the handler has put into the answer ([`Handover`]).

use super::websocket::Wire;
use actix_codec::Framed;
use actix_http::{
    ConnectionType, Request, Response, StatusCode,
    body::{BodySize, BoxBody, MessageBody, None as NoBody},
    error::PayloadError,
    h1::{Codec, SendResponse},
};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::{Error, HttpResponse};
use bytes::{Bytes, BytesMut};
use std::{
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

/// How long a client may take to close a connection whose request was refused.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What takes the connection after the handshake: it gets the bare stream, and the bytes that came after the request. An
/// extension of the answer.
pub(super) struct Handover(Box<dyn FnOnce(Box<dyn Wire>, BytesMut)>);

impl Handover {
    /// Makes `response`, a handshake, pass the connection to `take`.
    pub(super) fn after(response: &mut HttpResponse, take: impl FnOnce(Box<dyn Wire>, BytesMut) + 'static) {
        response.extensions_mut().insert(Self(Box::new(take)));
    }
}

/// The service of upgrades, which answers by the application that `make` makes.
pub(super) fn service<T, M, R, S, E, B>(
    make: M,
) -> impl ServiceFactory<
    (Request, Framed<T, Codec>),
    Config = (),
    Response = (),
    Error = Error,
    InitError = E,
    Future: 'static,
>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    M: Fn() -> R + 'static,
    R: Future<Output = Result<S, E>> + 'static,
    S: Service<Request> + 'static,
    S::Error: Into<Response<BoxBody>>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    fn_factory(move || {
        let starting = make();
        async move {
            let application = Rc::new(starting.await?);
            Ok(fn_service(move |(request, framed)| answer(Rc::clone(&application), request, framed)))
        }
    })
}

/// Answers a request, and passes the connection on or ends it.
async fn answer<T, S, B>(application: Rc<S>, request: Request, framed: Framed<T, Codec>) -> Result<(), Error>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service<Request>,
    S::Error: Into<Response<BoxBody>>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let mut response = match application.call(request).await {
        Ok(response) => response.into().map_into_boxed_body(),
        Err(error) => error.into(),
    };
    let handover = response.extensions_mut().remove::<Handover>();
    if let (StatusCode::SWITCHING_PROTOCOLS, Some(Handover(take))) = (response.status(), handover) {
        let sent = SendResponse::new(framed, response.set_body(NoBody::new())).await?.into_parts();
        take(Box::new(sent.io), sent.read_buf);
        return Ok(());
    }
    response.head_mut().set_connection_type(ConnectionType::Close);
    let response = response.map_body(|_, body| AnswerBody(body));
    let mut connection = SendResponse::new(framed, response).await?.into_parts().io;
    let ended = async {
        connection.shutdown().await?;
        // What arrives is read, or the system would cut the connection before the client has the answer.
        while connection.read(&mut [0; 1024]).await? > 0 {}
        io::Result::Ok(())
    };
    // The client may be gone, or not close: the connection is cut then.
    let _ = timeout(CLOSE_WITHIN, ended).await;
    Ok(())
}

/// A body whose error is of the kind that [`SendResponse`] takes.
struct AnswerBody(BoxBody);

impl MessageBody for AnswerBody {
    type Error = PayloadError;

    fn size(&self) -> BodySize {
        self.0.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let polled = Pin::new(&mut self.0).poll_next(context);
        polled.map_err(|error| PayloadError::Io(io::Error::other(error.to_string())))
    }
}
