//! `GET /metrics`: what the server counts, for admins, and for everybody at the listener of `metrics_listen`.

use super::{Admin, bind::tcp, reads};
use crate::{error::ApiError, metrics};
use actix_web::{App as WebApp, HttpResponse, HttpServer, dev::Server, http::header, rt, web};
use segue_actors::count::LoopDelays;
use std::{cell::Cell, io, net::SocketAddr, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Between two looks at how late the event loop of a worker is.
const LOOKED: Duration = Duration::from_millis(250);
/// The most connections to the listener of its own.
const CONNECTIONS: usize = 64;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/metrics").route(reads().to(for_admins)));
}

/// What the server counts, as `OpenMetrics`; for admins.
#[utoipa::path(get, path = "/metrics", tag = "server", responses(
    (status = 200, content_type = "application/openmetrics-text", body = String), (status = 403)))]
pub(super) async fn for_admins(_: Admin) -> Result<HttpResponse, ApiError> {
    answer()
}

fn answer() -> Result<HttpResponse, ApiError> {
    let text = metrics::text().map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, metrics::MEDIA_TYPE)).body(text))
}

/// A server that answers `/metrics` to everybody who reaches this address, and nothing else.
///
/// # Errors
/// When the address is taken or cannot be used.
pub(super) fn listen(address: SocketAddr) -> io::Result<Server> {
    let refused = |error: io::Error| {
        io::Error::new(error.kind(), format!("metrics_listen: {address} cannot be listened on: {error}"))
    };
    let listener = tcp(address).map_err(refused)?;
    log::info!(address:% = listener.local_addr()?; "/metrics is open to everybody at metrics_listen");
    let application = || WebApp::new().route("/metrics", reads().to(|| async { answer() }));
    let server = HttpServer::new(application).workers(1).max_connections(CONNECTIONS).disable_signals();
    Ok(server.listen(listener)?.run())
}

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// Measures from now on by how much the event loop of this worker's thread is late; a second call changes nothing.
pub(super) fn watch_loop() {
    if IS_WATCHED.replace(true) {
        return;
    }
    let delays = LoopDelays::of_a_worker();
    rt::spawn(async move {
        loop {
            let due = Instant::now() + LOOKED;
            sleep_until(due).await;
            delays.note(due.elapsed());
        }
    });
}
