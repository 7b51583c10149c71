//! Loads into the CDN what is listened to now, through the CDN's own address and ahead of those who will ask for it. What is
//! cold is left to its listeners.

use crate::{
    app::App,
    config::Delivery,
    db::{
        DbConnection, DbError,
        hot::{self, DayPlays},
        media::{self, Media},
    },
    media::delivery::{Cdn, expiry_s, media_path},
    time,
};
use segue_client::protocol::ids::{MediaId, Micros, NodeId};
use std::{
    collections::HashMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

/// So many intervals of `poll_ms` lie between two looks.
const POLLS: u32 = 12;
/// Plays of so many days count.
const DAYS: i64 = 14;
/// What a play of the last 24 hours counts.
const FRESH: i64 = 10_000;
/// What it counts a day later, of [`FRESH`]: half after three days.
const NEXT_DAY: i64 = 7_937;
/// A track is hot from here on: three plays within a day, or more that are older.
const HOT: i64 = 3 * FRESH;
/// The most tracks of one look.
const MOST: usize = 500;
/// The most rows of plays that are read for it.
const MOST_ROWS: i64 = 10_000;
/// A track that was loaded is not loaded again for this time: the CDN may have thrown it away.
const LOADED_FOR: Duration = Duration::from_hours(24);
/// A node whose last heartbeat is older than this has ended.
const LIVE_MS: i64 = 10_000;
/// How long the CDN may send nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// Loads what is hot until the server ends. Returns at once where there is no CDN.
pub(crate) async fn run(app: Arc<App>) {
    let rate = app.settings.prewarm_mb_per_s.saturating_mul(1_000_000);
    let Some(cdn) = app.cdn.as_ref().filter(|_| rate > 0) else { return };
    // The one that the rest of the program uses; there may be one already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().read_timeout(SILENCE).redirect(reqwest::redirect::Policy::none()).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return log::warn!("nothing is loaded into the CDN ahead of demand: {error}"),
    };
    let mut looks = tokio::time::interval(Duration::from_millis(app.settings.poll_ms).saturating_mul(POLLS));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut loaded: HashMap<String, Instant> = HashMap::new();
    loop {
        looks.tick().await;
        loaded.retain(|_, at| at.elapsed() < LOADED_FOR);
        let (node, now) = (app.node, time::now());
        let wanted = match app.db.read(move |connection| wanted(connection, node, now)).await {
            Ok(wanted) => wanted,
            Err(error) => {
                log::debug!("what is hot cannot be read now: {error}");
                continue;
            }
        };
        let is_wanted =
            |media: &Media| app.settings.delivery(&media.path) == Delivery::Cdn && !loaded.contains_key(&media.version);
        for media in wanted.into_iter().filter(is_wanted).collect::<Vec<_>>() {
            match load(&client, cdn, &media, rate).await {
                Ok(()) => {
                    loaded.insert(media.version, Instant::now());
                }
                Err(error) => {
                    log::warn!("the CDN does not take what is hot; trying again: {error}");
                    break;
                }
            }
        }
    }
}

/// The files of hot tracks, the hottest first; none where another node loads them.
fn wanted(connection: &mut DbConnection, node: NodeId, now: Micros) -> Result<Vec<Media>, DbError> {
    if !hot::is_first_node(connection, node, now.plus_ms(-LIVE_MS))? {
        return Ok(Vec::new());
    }
    let plays = hot::recent_plays(connection, now, DAYS, MOST_ROWS)?;
    let next = hot::next_tracks(connection, now)?;
    let mut found = Vec::new();
    for track in hottest(&plays, &next) {
        found.extend(media::of_track(connection, track)?);
    }
    Ok(found)
}

/// The hot tracks, the hottest first: what was played often of late, and what comes next where somebody listens.
fn hottest(plays: &[DayPlays], next: &[MediaId]) -> Vec<MediaId> {
    let mut heats: HashMap<MediaId, i64> = HashMap::new();
    for DayPlays { track, days, plays } in plays {
        let weight = (0..*days).fold(FRESH, |weight, _| weight * NEXT_DAY / FRESH);
        let heat = heats.entry(MediaId::from_sql(*track)).or_default();
        *heat = heat.saturating_add(plays.saturating_mul(weight));
    }
    for track in next {
        let heat = heats.entry(*track).or_default();
        *heat = heat.saturating_add(HOT);
    }
    let mut hot: Vec<_> = heats.into_iter().filter(|(_, heat)| *heat >= HOT).collect();
    hot.sort_unstable_by_key(|(track, heat)| (-heat, track.0));
    hot.into_iter().map(|(track, _)| track).take(MOST).collect()
}

/// Has the CDN send a file, which it keeps then, at `rate` bytes a second.
async fn load(
    client: &reqwest::Client,
    cdn: &Cdn,
    media: &Media,
    rate: u64,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let now_s = u64::try_from(time::now().0.div_euclid(1_000_000)).unwrap_or(0);
    let address = cdn.address(&media_path(&media.version, &media.container), expiry_s(now_s))?;
    let began = Instant::now();
    // The signature is nobody's business: errors leave the address out.
    let answer = client.get(address).send().await.map_err(reqwest::Error::without_url)?;
    // A file that is gone is no reason to give the others up.
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(());
    }
    let mut answer = answer.error_for_status().map_err(reqwest::Error::without_url)?;
    let mut bytes = 0_u64;
    while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        bytes = bytes.saturating_add(u64::try_from(chunk.len())?);
        tokio::time::sleep(due(bytes, rate).saturating_sub(began.elapsed())).await;
    }
    log::debug!("{} is at the CDN ahead of demand", media.path.display());
    Ok(())
}

/// How long so many bytes take at `rate` bytes a second.
fn due(bytes: u64, rate: u64) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1_000).checked_div(rate).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_at_the_rate_and_no_faster() {
        assert_eq!(due(12_500_000, 5_000_000), Duration::from_millis(2_500));
        assert_eq!(due(16_384, 1_000_000), Duration::from_millis(16));
        assert!(due(u64::MAX, 1) > Duration::from_hours(24));
    }

    #[test]
    fn what_was_played_often_of_late_is_hot_and_what_is_cold_is_left_out() {
        let plays = |track, days, plays| DayPlays { track, days, plays };
        let all = [
            plays(1, 0, 3),
            plays(2, 0, 2),
            plays(3, 3, 7),
            plays(4, 3, 5),
            plays(5, 0, 9),
            plays(6, 13, 40),
            plays(7, 0, 2),
            plays(7, 1, 2),
        ];
        let next = [MediaId::from_sql(8), MediaId::from_sql(2)];
        let hot: Vec<i64> = hottest(&all, &next).into_iter().map(MediaId::to_sql).collect();
        // A play counts half after three days; 2 is next somewhere and was played twice; 4 and 6 are cold.
        assert_eq!(hot, [5, 2, 7, 3, 1, 8]);
        assert!(hottest(&[], &[]).is_empty());
        let many: Vec<_> = (0..2_000).map(|track| plays(track, 0, 3)).collect();
        assert_eq!(hottest(&many, &[]).len(), MOST);
    }
}
