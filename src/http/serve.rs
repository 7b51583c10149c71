//! Serving what a place to listen at takes in: HTTP/1.1, plain, by TLS or over a Unix socket, and what follows a WebSocket
//! handshake.
//!
//! `HttpServer` of actix-web has no service for upgrades, so that a WebSocket would stay in its HTTP/1 dispatcher, with two
//! buffers of 8 KiB. It would also offer HTTP/2 by TLS, because `awc` asks actix-http for it, and no released version of the
//! h2 that comes with it is free of RUSTSEC-2026-0258.

use super::{bare::BareMedia, media, upgrade};
use actix_codec::Framed;
use actix_http::{
    HttpService, KeepAlive, Request, Response,
    body::MessageBody,
    h1::{Codec, ExpectHandler, H1Service},
};
use actix_service::{IntoServiceFactory, Service as _, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    body::BoxBody,
    dev::{AppConfig, Extensions, Server},
    rt::net::{TcpStream, UnixStream},
};
use rustls::ServerConfig;
use std::{
    any::Any, fmt::Debug, future::ready, io, net::TcpListener, os::unix::net::UnixListener, rc::Rc, time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// How long open requests may take to end once the server is told to stop, in seconds.
const STOP_WITHIN_S: u64 = 10;
/// The most threads of a worker for work that may block. Each kind of such work has a limit of its own (connections of the
/// database, hashers, threads of a music folder), and together they must fit: without this number actix divides 512 by the
/// number of cores.
const BLOCKING_THREADS: usize = 1024;
/// How long a client may take to send the head of its first request.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take to close a connection that the server has ended.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What is listened on.
pub(super) enum BoundListeners {
    Plain(Vec<TcpListener>),
    Tls(Vec<TcpListener>, Box<ServerConfig>),
    Unix(UnixListener),
}

/// A server that answers with what `application` makes, once for each worker thread. `on_connect` sees each connection first.
/// `connections` is the most HTTP connections of a worker; beyond it new ones wait. `media` gets plain connections first.
///
/// # Errors
/// When a listener cannot be used.
pub(super) fn serve<F, I, S, B>(
    listeners: BoundListeners,
    application: &F,
    on_connect: &(impl Fn(&dyn Any, &mut Extensions) + Send + Clone + 'static),
    connections: usize,
    media: Option<&BareMedia>,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
{
    let builder = Server::build().shutdown_timeout(STOP_WITHIN_S).disable_signals();
    let mut builder = builder.worker_max_blocking_threads(BLOCKING_THREADS).max_concurrent_connections(connections);
    let signal = builder.graceful_shutdown_signal();
    let stopping = move || {
        let signal = signal.clone();
        async move { signal.notified().await }
    };
    let (application, on_connect) = (application.clone(), on_connect.clone());
    match listeners {
        BoundListeners::Plain(listeners) => {
            for listener in listeners {
                let parts = (application.clone(), on_connect.clone(), stopping.clone());
                let (media, stopping) = (media.cloned(), stopping.clone());
                let service = move || {
                    let http = http1::<TcpStream, _, _, _, _, _>(parts.clone()).tcp();
                    media_first(media.clone(), stopping.clone(), http)
                };
                builder = builder.listen("http", listener, service)?;
            }
        }
        BoundListeners::Tls(listeners, mut tls) => {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            for listener in listeners {
                let parts = (application.clone(), on_connect.clone(), stopping.clone());
                let tls = tls.clone();
                builder = builder.listen("https", listener, move || {
                    http1::<TlsStream<TcpStream>, _, _, _, _, _>(parts.clone()).rustls_0_23((*tls).clone())
                })?;
            }
        }
        BoundListeners::Unix(listener) => {
            let parts = (application, on_connect, stopping);
            builder = builder.listen_uds("unix", listener, move || {
                let service = http1::<UnixStream, _, _, _, _, _>(parts.clone());
                fn_service(|connection: UnixStream| ready(Ok((connection, None)))).and_then(service)
            })?;
        }
    }
    Ok(builder.run())
}

/// HTTP/1.1 over connections of one kind. The periods are those of `HttpServer`.
#[expect(clippy::type_complexity, reason = "the types of services have no names")]
fn http1<T, F, I, S, B, G>(
    (application, on_connect, stopping): (F, impl Fn(&dyn Any, &mut Extensions) + 'static, impl Fn() -> G + 'static),
) -> H1Service<
    T,
    impl ServiceFactory<
        Request,
        Config = (),
        Response = S::Response,
        Error = S::Error,
        InitError = S::InitError,
        Service = S::Service,
        Future: 'static,
    >,
    B,
    ExpectHandler,
    impl ServiceFactory<
        (Request, Framed<T, Codec>),
        Config = (),
        Response = (),
        Error = actix_web::Error,
        InitError = S::InitError,
        Future: 'static,
    >,
>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Fn() -> I + Clone + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    B: MessageBody + 'static,
    G: Future<Output = ()> + 'static,
{
    let make = move || application().into_factory().new_service(AppConfig::default());
    HttpService::build()
        .graceful_shutdown_signal(stopping)
        .keep_alive(KeepAlive::default())
        .client_request_timeout(FIRST_REQUEST_WITHIN)
        .client_disconnect_timeout(CLOSE_WITHIN)
        .h1_write_buffer_size(media::WRITE_BUFFER_BYTES)
        .on_connect_ext(move |connection: &T, extensions| on_connect(connection, extensions))
        .upgrade(upgrade::service(make.clone()))
        .h1(fn_factory(make))
}

/// A service that lets `media` answer what it can before `http` gets the connection.
fn media_first<G, S>(
    media: Option<BareMedia>,
    stopping: impl Fn() -> G + Clone + 'static,
    http: S,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = S::Error, InitError = S::InitError>
where
    G: Future<Output = ()> + 'static,
    S: ServiceFactory<TcpStream, Config = (), Response = ()> + 'static,
    S::Service: 'static,
{
    fn_factory(move || {
        let (starting, media, stopping) = (http.new_service(()), media.clone(), stopping.clone());
        async move {
            let http = Rc::new(starting.await?);
            Ok(fn_service(move |connection: TcpStream| {
                let (http, media, stopping) = (Rc::clone(&http), media.clone(), stopping());
                async move {
                    let left = match media {
                        Some(media) => media.serve(connection, stopping).await,
                        None => Some(connection),
                    };
                    match left {
                        Some(connection) => http.call(connection).await,
                        None => Ok(()),
                    }
                }
            }))
        }
    })
}
