//! HTTP: the only user of actix-web. One file per noun, each with a `routes` function that is named below.

mod addresses;
mod albums;
mod artists;
mod auth;
mod body;
mod client;
mod codes;
mod command_query;
mod commands;
mod compress;
mod contexts;
mod covers;
mod descriptors;
mod errors;
mod fields;
mod following;
mod forwarded;
mod frame_limit;
mod full_albums;
mod genres;
mod health;
mod history;
mod https;
mod identity;
mod ids;
mod library;
mod library_uris;
mod link;
mod lists;
mod media;
mod method;
mod notions;
mod objects;
mod openapi;
mod origin;
mod page;
mod playback;
mod player;
mod player_state;
mod playlist_items;
mod playlist_object;
mod playlist_tracks;
mod playlists;
mod reached;
mod refusals;
mod requests;
mod saved;
mod search;
mod slow;
mod socket;
mod spotify;
mod strangers;
mod stream;
mod tls;
mod tracks;
mod uris;
mod user_object;
mod users;

pub use identity::{Admin, AuthUser};
pub use openapi::openapi;
pub use page::{Page, Paging, address};

use crate::{app::App, service_manager};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    HttpServer,
    dev::{Extensions, Server},
    http::header,
    middleware::{Condition, DefaultHeaders, from_fn},
    rt::net::TcpStream,
    web,
};
use https::STOP_WITHIN_S;
use method::reads;
use reached::LocalEnd;
use std::{
    any::Any,
    io,
    net::{IpAddr, Shutdown, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use strangers::Strangers;
use tls::Certificate;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

/// How long sessions may take, once the server is told to stop, to send their devices away (they do so spread over at most
/// 5 s) and to write their last changes.
const SESSIONS_WITHIN: Duration = Duration::from_secs(10);

/// The log targets of actix that handle one connection. What they log as an error is what a peer sent: no HTTP, a broken
/// frame, a connection that was cut.
pub const OF_STRANGERS: &[&str] = &[
    "actix_http::h1::decoder",
    "actix_http::h1::dispatcher",
    "actix_http::h2::dispatcher",
    "actix_http::ws::codec",
    "actix_http::ws::proto",
];

/// Every route, the fallbacks and the limits of bodies.
pub fn routes(config: &mut web::ServiceConfig) {
    errors::configure(config);
    health::routes(config);
    history::routes(config);
    auth::routes(config);
    users::routes(config);
    stream::routes(config);
    socket::routes(config);
    openapi::routes(config);
    albums::routes(config);
    codes::routes(config);
    covers::routes(config);
    artists::routes(config);
    genres::routes(config);
    library::routes(config);
    playback::routes(config);
    commands::routes(config);
    player::routes(config);
    playlist_items::routes(config);
    playlist_tracks::routes(config);
    playlists::routes(config);
    saved::routes(config);
    following::routes(config);
    library_uris::routes(config);
    search::routes(config);
    tracks::routes(config);
}

/// Runs a future on the event loop that servers and their handlers need.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// A server that holds its port and does not answer requests yet.
pub struct Listening {
    /// The address it listens on; a port 0 of the settings is replaced by the port that the system gave.
    pub address: SocketAddr,
    /// How many descriptors the process may open; each connection takes one.
    pub descriptors: usize,
    server: Server,
    app: Arc<App>,
    certificate: Option<Arc<Certificate>>,
    hang_ups: Signal,
}

/// Binds the address of the settings. From here on SIGHUP reloads the files of TLS. Call it within [`block_on`].
///
/// # Errors
/// When the address cannot be bound, or the files of TLS cannot be used.
pub fn listen(app: Arc<App>) -> io::Result<Listening> {
    let hang_ups = signal(SignalKind::hangup())?;
    let wanted = app.settings.listen;
    let send_timeout = Duration::from_secs(app.settings.send_timeout_s);
    let data = web::Data::from(Arc::clone(&app));
    let application = move || {
        actix_web::App::new()
            .app_data(data.clone())
            .wrap(from_fn(errors::as_json))
            // Answers hold tokens, and links that are signed for one person. What may be kept says so itself.
            .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")))
            .wrap(from_fn(compress::json))
            .wrap(Condition::new(!data.settings.allowed_origins.is_empty(), origin::cors(&data.settings)))
            .wrap(from_fn(requests::observe))
            .wrap(from_fn(slow::limit))
            .wrap(from_fn(addresses::rewrite))
            .configure(routes)
    };
    let descriptors = descriptors::raise();
    let strangers = Strangers::new(descriptors);
    let proxies = app.settings.trusted_proxies.clone();
    let on_connect = move |connection: &dyn Any, known: &mut Extensions| {
        let Some(connection) = prepared(connection, send_timeout) else { return };
        if let Ok(here) = connection.local_addr() {
            known.insert(LocalEnd(SocketAddr::new(here.ip().to_canonical(), here.port())));
        }
        let Ok(peer) = connection.peer_addr().map(|peer| peer.ip().to_canonical()) else { return };
        match strangers.enter(peer, proxies.contain(peer)) {
            Some(stranger) => drop(known.insert(stranger)),
            None => refuse(connection, peer),
        }
    };
    let refused = |error: io::Error| io::Error::new(error.kind(), format!("{wanted} cannot be listened on: {error}"));
    let mut certificate = None;
    let (server, address) = if let Some((tls, opened)) = tls::open(&app.settings)? {
        certificate = Some(opened);
        let listener = TcpListener::bind(wanted).map_err(refused)?;
        let address = listener.local_addr()?;
        (https::serve(listener, tls, application, on_connect)?, address)
    } else {
        let server = HttpServer::new(application).on_connect(on_connect);
        let server = server.h1_write_buffer_size(media::WRITE_BUFFER_BYTES).shutdown_timeout(STOP_WITHIN_S);
        let server = server.disable_signals().bind(wanted).map_err(refused)?;
        let address = server.addrs().first().copied().unwrap_or(wanted);
        (server.run(), address)
    };
    Ok(Listening { address, descriptors, server, app, certificate, hang_ups })
}

/// Sets the options of a new connection. Small messages leave at once. On Linux the kernel closes a connection whose
/// client takes nothing for `stalled_for`, because packets are lost or because its window is closed (tcp(7),
/// `TCP_USER_TIMEOUT`); other systems have no such limit.
fn prepared(connection: &dyn Any, stalled_for: Duration) -> Option<&TcpStream> {
    let plain = connection.downcast_ref::<TcpStream>();
    let secure = || connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
    let connection = plain.or_else(secure)?;
    if let Err(error) = connection.set_nodelay(true) {
        log::warn!("small messages to a client may be late: {error}");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(connection).set_tcp_user_timeout(Some(stalled_for)) {
        log::warn!("send_timeout_s is not applied to a connection: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = stalled_for;
    Some(connection)
}

/// Ends a connection beyond the limits, before anything is read from it. Where it cannot be ended it is served.
fn refuse(connection: &TcpStream, peer: IpAddr) {
    log::debug!("a connection of {peer} is refused: too many are open without a login");
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(connection).shutdown(Shutdown::Both) {
        log::debug!("it cannot be ended: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection;
}

impl Listening {
    /// Answers requests until SIGTERM or SIGINT, then ends the sessions and waits for open requests. SIGHUP reloads the
    /// files of TLS. The service manager is told of the begin and of the end.
    ///
    /// # Errors
    /// When signals cannot be received, or the server fails.
    pub async fn run(self) -> io::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        actix_web::rt::spawn(reload_on(self.hang_ups, self.certificate));
        service_manager::tell("READY=1");
        let handle = self.server.handle();
        actix_web::rt::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            log::info!("stopping");
            service_manager::tell("STOPPING=1");
            handle.pause().await;
            if timeout(SESSIONS_WITHIN, self.app.directory.shutdown()).await.is_err() {
                log::error!("the last changes of some sessions were not written to the database in time");
            }
            handle.stop(true).await;
        });
        self.server.await
    }
}

/// Reloads the certificate at each SIGHUP, and logs what came of it.
async fn reload_on(mut hang_ups: Signal, certificate: Option<Arc<Certificate>>) {
    while hang_ups.recv().await.is_some() {
        match &certificate {
            None => log::info!("SIGHUP: there is nothing to reload without tls_cert and tls_key"),
            Some(certificate) => match certificate.reload().await {
                Ok(true) => log::info!("SIGHUP: tls_cert and tls_key were reloaded"),
                Ok(false) => log::info!("SIGHUP: tls_cert and tls_key have not changed"),
                Err(error) => log::warn!("SIGHUP: the new certificate is not used, the old one stays: {error}"),
            },
        }
    }
}
