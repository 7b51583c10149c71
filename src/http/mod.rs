//! HTTP: the only user of actix-web. One file per noun, each with a `routes` function that is named below.

mod addresses;
mod albums;
mod artists;
mod auth;
#[cfg(target_os = "linux")]
mod bare;
mod bind;
mod body;
mod bundle;
mod client;
mod codes;
mod command_query;
mod commands;
mod compress;
mod connection;
mod contexts;
mod covers;
mod delivery;
mod described;
mod descriptors;
mod errors;
mod fields;
mod following;
mod forwarded;
mod full_albums;
mod genres;
mod health;
mod history;
mod identity;
mod ids;
mod keys;
mod library;
mod library_uris;
mod link;
mod lists;
mod media;
mod method;
mod metrics;
mod notions;
mod objects;
mod openapi;
mod origin;
mod page;
mod playback;
mod player;
mod player_files;
mod player_state;
mod playlist_items;
mod playlist_object;
mod playlist_tracks;
mod playlists;
mod reached;
mod refusals;
mod requests;
mod saved;
mod scopes;
mod search;
mod serve;
mod slow;
mod socket;
mod spotify;
mod strangers;
mod stream;
mod tls;
mod tracks;
mod upgrade;
mod uri;
mod uris;
mod user_object;
mod users;
mod validators;
mod ways;
mod websocket;

pub use identity::{Admin, AuthUser};
pub use openapi::openapi;
pub use page::{Page, Paging, address};

use crate::{app::App, config::ListenAddress, service_manager};
use actix_web::{
    dev::{Extensions, Server},
    http::header,
    middleware::{Condition, DefaultHeaders, from_fn},
    web,
};
use bare::BareMedia;
use bind::{Bound, SocketFile, bind};
use connection::Door;
use method::reads;
use serve::{BoundListeners, serve};
use std::{any::Any, io, sync::Arc, time::Duration};
use strangers::Strangers;
use tls::Certificate;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use websocket::OpenSockets;

/// How long sockets may take, once their sessions have sent them away, to take their last frames.
const SOCKETS_WITHIN: Duration = Duration::from_secs(2);
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
    metrics::routes(config);
    history::routes(config);
    auth::routes(config);
    keys::routes(config);
    users::routes(config);
    ways::routes(config);
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
    /// Where it listens; a port 0 of the settings is replaced by the port that the system gave.
    pub bound: ListenAddress,
    /// How many descriptors the process may open; each connection takes one.
    pub descriptors: usize,
    server: Server,
    /// The listener of `metrics_listen`.
    metrics: Option<Server>,
    app: Arc<App>,
    sockets: OpenSockets,
    certificate: Option<Arc<Certificate>>,
    hang_ups: Signal,
    /// Of a Unix socket; removed at the end.
    socket_file: Option<SocketFile>,
}

/// Takes the place to listen at that the settings name. From here on SIGHUP reloads the files of TLS. Call it within
/// [`block_on`].
///
/// # Errors
/// When that place is taken or cannot be used, or the files of TLS cannot be used.
pub async fn listen(app: Arc<App>) -> io::Result<Listening> {
    let hang_ups = signal(SignalKind::hangup())?;
    let wanted = app.settings.listen.clone();
    let data = web::Data::from(Arc::clone(&app));
    let sockets = OpenSockets::default();
    let counted = web::Data::new(sockets.clone());
    let application = move || {
        metrics::watch_loop();
        actix_web::App::new()
            .app_data(data.clone())
            .app_data(counted.clone())
            .wrap(from_fn(uri::limit))
            .wrap(from_fn(errors::as_json))
            .wrap(from_fn(validators::validate))
            // Answers hold tokens, and links that are signed for one person. What may be kept says so itself.
            .wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")))
            .wrap(from_fn(compress::json))
            .wrap(Condition::new(!data.settings.allowed_origins.is_empty(), origin::cors(&data.settings)))
            .wrap(from_fn(origin::explain))
            .wrap(from_fn(requests::observe))
            .wrap(from_fn(slow::limit))
            .wrap(from_fn(addresses::rewrite))
            .configure(routes)
    };
    let descriptors = descriptors::raise();
    let door = Door {
        strangers: Strangers::new(descriptors),
        proxies: app.settings.trusted_proxies.clone(),
        send_timeout: Duration::from_secs(app.settings.send_timeout_s),
    };
    let media = BareMedia::new(&app, &door);
    let on_connect = move |connection: &dyn Any, known: &mut Extensions| door.enter(connection, known);
    let refused = |error: io::Error| io::Error::new(error.kind(), format!("{wanted} cannot be listened on: {error}"));
    let certificate = tls::open(&app.settings)?;
    let metrics = app.settings.metrics_listen.map(metrics::listen).transpose()?;
    let (listeners, bound, certificate, socket_file) = match (bind(&wanted).await.map_err(refused)?, certificate) {
        (Bound::Tcp(bound, listeners), Some((tls, certificate))) => {
            (BoundListeners::Tls(listeners, Box::new(tls)), bound, Some(certificate), None)
        }
        (Bound::Tcp(bound, listeners), None) => (BoundListeners::Plain(listeners), bound, None, None),
        (Bound::Unix(listener, file), _) => (BoundListeners::Unix(listener), wanted, None, Some(file)),
    };
    // The descriptors are the limit: actix would stop accepting, without a word, at a number of its own.
    let server = serve(listeners, &application, &on_connect, descriptors, media.as_ref())?;
    Ok(Listening { bound, descriptors, server, metrics, app, sockets, certificate, hang_ups, socket_file })
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
        let metrics = self.metrics.map(|server| {
            let handle = server.handle();
            actix_web::rt::spawn(server);
            handle
        });
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
            if timeout(SOCKETS_WITHIN, self.sockets.none()).await.is_err() {
                log::info!("some devices did not take the end of their sockets in time");
            }
            if let Some(metrics) = metrics {
                metrics.stop(false).await;
            }
            handle.stop(true).await;
        });
        let outcome = self.server.await;
        drop(self.socket_file);
        outcome
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
