//! `segue serve`: the server.

use super::{Failure, database::OpenDatabase, links, output, paste, signals::Signals};
use crate::{
    app::App,
    config::{SettingFlags, Settings, load},
    db::{Db, users},
    http, restored, telemetry,
};
use clap::Args;
use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
    task::Poll,
    time::Duration,
};

/// Run the server
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: SettingFlags,
}

impl Serve {
    pub(super) fn run(&self) -> Result<(), Failure> {
        run(|| Ok(load(&self.settings)?), |_, _, _| Ok(()), async |app, bound, ()| greet(app, bound).await)
    }
}

/// Runs a server until it is told to stop, also while it starts. `settings` is called first. `prepare` works on the open
/// database before anything else uses it, on a thread that may block, and returns early when the flag is set. `ready` is
/// called once the server answers, with the address it listens on and what `prepare` returned.
pub(super) fn run<P: Send + 'static>(
    settings: impl FnOnce() -> Result<Settings, Failure>,
    prepare: impl FnOnce(&Db, &Settings, &AtomicBool) -> Result<P, Failure> + Send + 'static,
    ready: impl AsyncFnOnce(&App, SocketAddr, P) -> Result<(), Failure>,
) -> Result<(), Failure> {
    http::block_on(async move {
        let mut signals = Signals::of_server()?;
        let settings = settings()?;
        telemetry::start_server(&settings, http::OF_STRANGERS);
        log::info!(
            version = env!("CARGO_PKG_VERSION"),
            database:% = settings.database_url,
            data_dir:% = settings.data_dir.display(),
            listen:% = settings.listen;
            "segue starts"
        );
        let opened = signals.during(move |stop| {
            let database = OpenDatabase::open(&settings, settings.database_connections)?;
            let prepared = prepare(&database, &settings, stop)?;
            Ok::<_, Failure>((settings, database, prepared))
        });
        let Some(opened) = opened.await? else { return Ok(()) };
        let (settings, database, prepared) = opened?;
        let app = Arc::new(App::open(settings, database.clone()).await?);
        let server = http::listen(Arc::clone(&app))?;
        log::info!(address:% = server.address, scheme = app.settings.scheme(); "listening");
        let poll = Duration::from_millis(app.settings.poll_ms);
        tokio::spawn(Arc::clone(&app.auth).keep_up(app.db.clone(), poll));
        tokio::spawn(restored::watch(Arc::clone(&app), poll));
        let directory = Arc::clone(&app.directory);
        tokio::spawn(async move { directory.heartbeat().await });
        app.start_search();
        app.start_scanning();
        match ready(&app, server.address, prepared).await {
            // Who does not read what `ready` prints may still use the server.
            Err(failure) if failure.is::<io::Error>() => log::debug!("standard output cannot be written to: {failure}"),
            outcome => outcome?,
        }
        let mut running = pin!(server.run());
        // From its first poll on the server receives signals itself; what arrived before is known here alone.
        let outcome = poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await;
        match outcome {
            Poll::Ready(outcome) => outcome?,
            Poll::Pending if signals.ask_for_end() => log::info!("stopping"),
            Poll::Pending => running.await?,
        }
        app.stop();
        Ok(())
    })
}

/// Prints where the server is and, while nobody has an account, how to make the first one: the link is the last line.
async fn greet(app: &App, bound: SocketAddr) -> Result<(), Failure> {
    let has_users = app.db.read(users::count).await? > 0;
    // Programs read this line: it says the port that was chosen for port 0.
    output::line(format_args!("listening {}://{bound}", app.settings.scheme()))?;
    let bases = links::bases(&app.settings, bound);
    if has_users {
        return open_line(&bases);
    }
    output::line("nobody has an account yet; the first one may do everything. Make it here, under any name:")?;
    if app.settings.hides_password() {
        output::line("  (with the database's address in SEGUE_DATABASE_URL: it holds a password and is not printed)")?;
    }
    let (program, database) = (paste::program(), paste::database_arguments(&app.settings));
    output::line(format_args!("  {program} user add admin --admin{database}"))?;
    output::line("or open this link in a browser, which works once:")?;
    let secret = app.auth.setup.open();
    bases.iter().try_for_each(|base| output::line(format_args!("  {base}/setup#{secret}")))?;
    Ok(())
}

/// Prints the addresses to open in a browser, the first one in the sentence that people look for.
pub(super) fn open_line(bases: &[String]) -> Result<(), Failure> {
    for (base, words) in
        bases.iter().zip(std::iter::once("open this in your browser to listen:").chain(std::iter::repeat("  or:")))
    {
        output::line(format_args!("{words} {base}/"))?;
    }
    Ok(())
}
