//! Looks after the cache of blocks while the server runs: finds them after the start, checks them at a limited rate, and
//! removes those whose track is gone.

use crate::{app::App, db::media};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Between two looks for versions that are gone lies at least this…
const SOONEST: Duration = Duration::from_secs(5);
/// … and at most this: other processes change the catalogue, too.
const LATEST: Duration = Duration::from_mins(10);
/// How many versions are looked up at once.
const VERSIONS: usize = 500;

/// Never returns, unless nothing is kept.
pub(crate) async fn run(app: Arc<App>) {
    if app.settings.cache_mb == 0 {
        return;
    }
    match app.blocks.load().await {
        Ok((0, _)) => {}
        Ok((count, bytes)) => log::info!("{count} blocks of objects are in cache_dir, {} MB", bytes / 1_000_000),
        Err(error) => log::warn!("cache_dir cannot be read, so that what it has is fetched again: {error}"),
    }
    let rate = app.settings.check_mb_per_s.saturating_mul(1_000_000);
    tokio::spawn(app.blocks.check(rate));
    let mut changes = app.scanner.board().changes();
    let mut looks = interval(SOONEST);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Err(error) = forget(&app).await {
            log::debug!("blocks of tracks that are gone stay for now: {error}");
        }
        // Whichever of the two it was, it is time for a look; the sender lives as long as the app.
        let _ = timeout(LATEST, changes.changed()).await;
    }
}

/// Removes the blocks of versions that no track has.
async fn forget(app: &App) -> Result<(), Box<dyn Error + Send + Sync>> {
    for versions in app.blocks.versions().await?.chunks(VERSIONS) {
        let asked = versions.to_vec();
        let there = app.db.read(move |connection| media::present_versions(connection, &asked)).await?;
        let gone: Vec<String> = versions.iter().filter(|version| !there.contains(*version)).cloned().collect();
        if !gone.is_empty() {
            let count = app.blocks.forget(&gone).await?;
            log::info!("{count} blocks of {} objects are removed from cache_dir: no track has them", gone.len());
        }
    }
    Ok(())
}
