//! The server by TLS: HTTP/1.1 alone.
//!
//! `HttpServer` of actix-web offers HTTP/2 by TLS whenever any crate of the program asks actix-http for it, as `awc`
//! does. No released version of the h2 that comes with it is free of RUSTSEC-2026-0258, so TLS is set up here.

use super::media;
use actix_http::{HttpService, KeepAlive, Request, Response, body::MessageBody};
use actix_service::{IntoServiceFactory, ServiceFactory, fn_factory};
use actix_web::{
    body::BoxBody,
    dev::{AppConfig, Extensions, Server},
};
use rustls::ServerConfig;
use std::{any::Any, fmt::Debug, io, net::TcpListener, time::Duration};

/// How long open requests may take to end once the server is told to stop, in seconds.
pub(super) const STOP_WITHIN_S: u64 = 10;
/// The most threads of a worker for work that may block. Each kind of such work has a limit of its own (connections of the
/// database, hashers, threads of a music folder), and together they must fit: without this number actix-web divides 512 by
/// the number of cores.
pub(super) const BLOCKING_THREADS: usize = 1024;
/// How long a client may take to send the head of its first request.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take to close a connection that the server has ended.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// A server that answers on `listeners` with what `application` makes, once for each worker thread. `on_connect` sees
/// each connection first. The periods are those of `HttpServer`.
///
/// # Errors
/// When a listener cannot be used.
pub(super) fn serve<F, I, S, B>(
    listeners: Vec<TcpListener>,
    tls: &ServerConfig,
    application: &F,
    on_connect: &(impl Fn(&dyn Any, &mut Extensions) + Send + Clone + 'static),
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
    let mut builder = builder.worker_max_blocking_threads(BLOCKING_THREADS);
    let stopping = builder.graceful_shutdown_signal();
    for listener in listeners {
        let (application, on_connect, stopping) = (application.clone(), on_connect.clone(), stopping.clone());
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        builder = builder.listen("https", listener, move || {
            let (application, on_connect, stopping) = (application.clone(), on_connect.clone(), stopping.clone());
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(KeepAlive::default())
                .client_request_timeout(FIRST_REQUEST_WITHIN)
                .client_disconnect_timeout(CLOSE_WITHIN)
                .h1_write_buffer_size(media::WRITE_BUFFER_BYTES)
                .on_connect_ext(move |connection, extensions| on_connect(connection, extensions))
                .h1(fn_factory(move || application().into_factory().new_service(AppConfig::default())))
                .rustls_0_23(tls.clone())
        })?;
    }
    Ok(builder.run())
}
