//! `segue serve`: the server.

use super::{Failure, output};
use crate::{
    app::App,
    config::{SettingFlags, Settings, load},
    db::users,
    http, restored, telemetry,
};
use clap::Args;
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Run the server
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: SettingFlags,
}

impl Serve {
    pub(super) fn run(&self) -> Result<(), Failure> {
        run(load(&self.settings)?, async |_, _| Ok(()))
    }
}

/// Runs a server until it is told to stop; `ready` is called once it answers, with the address it listens on.
pub(super) fn run(
    settings: Settings,
    ready: impl AsyncFnOnce(&App, SocketAddr) -> Result<(), Failure>,
) -> Result<(), Failure> {
    telemetry::start(&settings);
    http::block_on(async move {
        let app = Arc::new(App::open(settings).await?);
        let server = http::listen(Arc::clone(&app))?;
        // The one line that programs read: how a port 0 becomes known.
        output::line(format_args!("listening {}://{}", app.settings.scheme(), server.address))?;
        let poll = Duration::from_millis(app.settings.poll_ms);
        tokio::spawn(Arc::clone(&app.auth).keep_up(app.db.clone(), poll));
        tokio::spawn(restored::watch(Arc::clone(&app), poll));
        let directory = Arc::clone(&app.directory);
        tokio::spawn(async move { directory.heartbeat().await });
        app.start_search();
        app.start_scanning();
        invite(&app, server.address).await?;
        ready(&app, server.address).await?;
        server.run().await?;
        app.scanner.stop();
        app.search.stop();
        Ok(())
    })
}

/// While nobody has an account: prints how to make the first one.
async fn invite(app: &App, bound: SocketAddr) -> Result<(), Failure> {
    if app.db.read(users::count).await? > 0 {
        return Ok(());
    }
    let base = app.settings.base_url(bound);
    output::line(format_args!("nobody has an account yet; open {base}/setup#{}", app.auth.setup.open()))?;
    output::line("or run: segue user add NAME --admin")?;
    Ok(())
}
