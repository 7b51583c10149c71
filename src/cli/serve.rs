//! `segue serve`: the server.

use super::{Failure, database::OpenDatabase, links, output, paste, signals::Signals};
use crate::{
    app::App,
    cache_upkeep,
    config::{ListenAddress, SettingFlags, Settings, load},
    db::{
        Db,
        claim::{Claim, Unclaimed},
        private, users,
    },
    http::{self, Listening},
    metrics, prewarm, restored, telemetry,
};
use clap::Args;
use std::{
    future::poll_fn,
    io,
    pin::pin,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

/// Between two tries to claim the database.
const CLAIM_RETRY: Duration = Duration::from_millis(200);
/// Tries after the first: 5 s.
const CLAIM_TRIES: u32 = 25;
/// Between two looks whether the database is still claimed for this process.
const CLAIM_CHECKED: Duration = Duration::from_secs(2);
/// How often it is checked whether much memory is free.
const MEMORY_CHECKED: Duration = Duration::from_secs(15);

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
    ready: impl AsyncFnOnce(&App, &ListenAddress, P) -> Result<(), Failure>,
) -> Result<(), Failure> {
    metrics::begin();
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
            private::data_folder(&settings.data_dir)?;
            let database = OpenDatabase::open(&settings, settings.database_connections)?;
            let claim = claim(&database, &settings, stop)?;
            let prepared = prepare(&database, &settings, stop)?;
            Ok::<_, Failure>((settings, database, Arc::new(claim), prepared))
        });
        let Some(opened) = opened.await? else { return Ok(()) };
        let (settings, database, claim, prepared) = opened?;
        let app = Arc::new(App::open(settings, database.clone()).await?);
        let server = http::listen(Arc::clone(&app)).await?;
        let Listening { bound, descriptors, .. } = &server;
        log::info!(address:% = bound, scheme = app.settings.scheme(), descriptors; "listening");
        let poll = Duration::from_millis(app.settings.poll_ms);
        tokio::spawn(Arc::clone(&app.auth).keep_up(app.db.clone(), poll));
        tokio::spawn(restored::watch(Arc::clone(&app), poll));
        tokio::spawn(prewarm::run(Arc::clone(&app)));
        tokio::spawn(cache_upkeep::run(Arc::clone(&app)));
        let directory = Arc::clone(&app.directory);
        tokio::spawn(async move { directory.heartbeat().await });
        let directory = Arc::clone(&app.directory);
        tokio::spawn(async move { directory.follow_logins().await });
        tokio::spawn(give_memory_back(Arc::clone(&app)));
        app.start_search();
        app.start_scanning();
        match ready(&app, &server.bound, prepared).await {
            // A closed standard output does not end the server.
            Err(failure) if failure.is::<io::Error>() => log::debug!("standard output cannot be written to: {failure}"),
            outcome => outcome?,
        }
        let mut running = pin!(server.run());
        // From its first poll on the server receives signals itself; what arrived before is known here alone.
        let outcome = poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await;
        let outcome = match outcome {
            Poll::Ready(outcome) => outcome.map_err(Failure::from),
            Poll::Pending if signals.ask_for_end() => {
                log::info!("stopping");
                Ok(())
            }
            Poll::Pending => tokio::select! {
                outcome = running => outcome.map_err(Failure::from),
                lost = lost(Arc::clone(&claim)) => Err(lost.into()),
            },
        };
        app.stop();
        outcome
    })
}

/// Claims the database. One that another server has is asked for again for some time: that server may be about to end, and
/// PostgreSQL takes a moment to notice that a process was killed. Blocks.
fn claim(db: &Db, settings: &Settings, stop: &AtomicBool) -> Result<Claim, Unclaimed> {
    let description = format!("segue process {}, listening at {}", process::id(), settings.listen);
    let mut waits = 0..CLAIM_TRIES;
    loop {
        match db.claim(&description) {
            Err(taken @ Unclaimed::Taken(_)) if !stop.load(Ordering::Relaxed) && waits.next().is_some() => {
                log::debug!("{taken}");
                thread::sleep(CLAIM_RETRY);
            }
            outcome => return outcome,
        }
    }
}

/// Waits until another server has claimed the database, which can be when the connection to PostgreSQL was broken.
async fn lost(claim: Arc<Claim>) -> Unclaimed {
    loop {
        tokio::time::sleep(CLAIM_CHECKED).await;
        let claim = Arc::clone(&claim);
        match tokio::task::spawn_blocking(move || claim.renew()).await {
            Ok(Err(taken @ Unclaimed::Taken(_))) => return taken,
            Ok(Err(Unclaimed::Db(error))) => log::debug!("the claim on the database cannot be renewed: {error}"),
            Ok(Ok(())) | Err(_) => {}
        }
    }
}

/// Gives memory that was freed back to the system: after many log-ins, covers, or devices that came at once.
async fn give_memory_back(app: Arc<App>) {
    let mut keeper = segue_heap::Keeper::default();
    loop {
        tokio::time::sleep(MEMORY_CHECKED).await;
        app.auth.passwords.release();
        let looked = tokio::task::spawn_blocking(move || {
            keeper.look();
            keeper
        });
        keeper = looked.await.unwrap_or_default();
    }
}

/// Prints where the server is and, while nobody has an account, how to make the first one: the links are the last lines.
async fn greet(app: &App, bound: &ListenAddress) -> Result<(), Failure> {
    let has_users = app.db.read(users::count).await? > 0;
    // Programs read this line: it says the port that was chosen for port 0.
    match bound {
        ListenAddress::Unix(_) => output::line(format_args!("listening {bound}"))?,
        _ => output::line(format_args!("listening {}://{bound}", app.settings.scheme()))?,
    }
    let bases = links::bases(&app.settings, bound);
    let (program, database) = (paste::program(), paste::database_arguments(&app.settings));
    if has_users {
        open_line(&bases)?;
        if !app.db.read(users::has_admin).await? {
            output::line(format_args!(
                "nobody is an admin: make one with `{program} user add NAME --admin{database}`"
            ))?;
        }
        return Ok(());
    }
    output::line("nobody has an account yet; the first one may do everything. Make it here, under any name:")?;
    if app.settings.hides_password() {
        output::line("  (with the database's address in SEGUE_DATABASE_URL: it holds a password and is not printed)")?;
    }
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
