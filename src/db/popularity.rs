//! How often each track was played by all users: counted in the background, in batches, from plays not counted yet.
//!
//! Storing a play does not update the counts. Rows whose popularity changed get a new change number, by which the search
//! index notices them.

use super::{
    DbConnection, DbError, changes,
    schema::{albums, artists, play_counts, plays, track_artists, tracks},
};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryableByName, RunQueryDsl as _, dsl::count_star,
    sql_query, sql_types::BigInt,
};
use std::collections::{BTreeMap, HashMap};

/// The most plays that are counted in one transaction.
const BATCH: i64 = 500;

#[derive(QueryableByName)]
struct Played {
    #[diesel(sql_type = BigInt)]
    media_id: i64,
}

#[derive(QueryableByName)]
struct PlayCount {
    #[diesel(sql_type = BigInt)]
    plays: i64,
}

/// The popularity of something with this many plays, from 0 to 100. It grows with the logarithm, so that it seldom
/// changes, and so that the many plays of one user do not outweigh those of all others.
#[must_use]
pub fn of_plays(plays: i64) -> u8 {
    // log2 in sixteenths without floating point: whole bits, and the four that follow them.
    let plays = u64::try_from(plays).unwrap_or(0).saturating_add(1);
    let bits = u64::from(plays.ilog2());
    let following = if bits >= 4 { plays >> (bits - 4) } else { plays << (4 - bits) } & 0xf;
    u8::try_from((bits * 16 + following) * 5 / 16).unwrap_or(u8::MAX).min(100)
}

/// Whether there are plays to count.
///
/// # Errors
/// Those of the database.
pub fn is_behind(connection: &mut DbConnection) -> Result<bool, DbError> {
    // Written as in the partial index: with a bound value SQLite would read the whole table.
    let some: Vec<Played> = sql_query("SELECT media_id FROM plays WHERE NOT counted LIMIT 1").load(connection)?;
    Ok(!some.is_empty())
}

/// Counts some of the plays that were not counted yet. Says whether there may be more.
///
/// # Errors
/// Those of the database.
pub fn count(connection: &mut DbConnection) -> Result<bool, DbError> {
    // Takes the lock of changes: when two nodes count at once, the second waits and sees what the first has counted.
    changes::take(connection, 0)?;
    let played: Vec<Played> = sql_query(
        "UPDATE plays SET counted = TRUE, media_id = CASE WHEN kind = 'track' THEN coalesce(
             (SELECT into_id FROM merged_tracks WHERE merged_tracks.id = plays.media_id), media_id) ELSE media_id END
         WHERE NOT counted AND (user_id, epoch, revision) IN
         (SELECT user_id, epoch, revision FROM plays WHERE NOT counted LIMIT $1)
         RETURNING CASE WHEN kind = 'track' THEN media_id ELSE 0 END AS media_id",
    )
    .bind::<BigInt, _>(BATCH)
    .load(connection)?;
    let mut more: BTreeMap<i64, i64> = BTreeMap::new();
    for Played { media_id } in played.iter().filter(|played| played.media_id != 0) {
        *more.entry(*media_id).or_default() += 1;
    }
    let mut noticed = Vec::new();
    for (media_id, more) in &more {
        let PlayCount { plays } = sql_query(
            "INSERT INTO play_counts (media_id, plays) VALUES ($1, $2)
             ON CONFLICT (media_id) DO UPDATE SET plays = play_counts.plays + excluded.plays RETURNING plays",
        )
        .bind::<BigInt, _>(media_id)
        .bind::<BigInt, _>(more)
        .get_result(connection)?;
        if of_plays(plays) != of_plays(plays - more) {
            noticed.push(*media_id);
        }
    }
    let played_ids: Vec<i64> = more.keys().copied().collect();
    let of_albums = tracks::table.filter(tracks::id.eq_any(&played_ids)).select((tracks::album_id, tracks::id));
    let of_albums = grown(of_albums.load(connection)?, &more);
    let of_artists = track_artists::table
        .filter(track_artists::track_id.eq_any(&played_ids))
        .select((track_artists::artist_id, track_artists::track_id));
    let of_artists = grown(of_artists.load(connection)?, &more);
    let albums_now = albums(connection, &of_albums.keys().copied().collect::<Vec<_>>())?;
    let artists_now = artists(connection, &of_artists.keys().copied().collect::<Vec<_>>())?;
    let (albums, artists) = (risen(&of_albums, &albums_now), risen(&of_artists, &artists_now));
    let mut number = changes::take(connection, noticed.len() + albums.len() + artists.len())?;
    macro_rules! mark {
        ($($table:ident: $ids:expr;)+) => {$(
            for id in $ids {
                diesel::update($table::table.find(id)).set($table::change.eq(number)).execute(connection)?;
                number += 1;
            }
        )+};
    }
    mark! { tracks: noticed; albums: albums; artists: artists; }
    Ok(i64::try_from(played.len()).is_ok_and(|counted| counted >= BATCH))
}

/// The plays that each of these tracks has; those without any are left out.
///
/// # Errors
/// Those of the database.
pub fn tracks(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, i64>, DbError> {
    let counts = play_counts::table.filter(play_counts::media_id.eq_any(ids));
    let rows: Vec<(i64, i64)> = counts.select((play_counts::media_id, play_counts::plays)).load(connection)?;
    Ok(rows.into_iter().collect())
}

/// The plays that the tracks of each of these albums have together.
///
/// # Errors
/// Those of the database.
pub fn albums(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, i64>, DbError> {
    let rows: Vec<(i64, i64)> = tracks::table
        .inner_join(play_counts::table.on(play_counts::media_id.eq(tracks::id)))
        .filter(tracks::album_id.eq_any(ids))
        .select((tracks::album_id, play_counts::plays))
        .load(connection)?;
    Ok(summed(rows))
}

/// The plays that the tracks of each of these artists have together.
///
/// # Errors
/// Those of the database.
pub fn artists(connection: &mut DbConnection, ids: &[i64]) -> Result<HashMap<i64, i64>, DbError> {
    let rows: Vec<(i64, i64)> = track_artists::table
        .inner_join(play_counts::table.on(play_counts::media_id.eq(track_artists::track_id)))
        .filter(track_artists::artist_id.eq_any(ids))
        .select((track_artists::artist_id, play_counts::plays))
        .load(connection)?;
    Ok(summed(rows))
}

/// The ids of an artist's tracks that are there, those played most by everybody first.
///
/// # Errors
/// Those of the database.
pub fn top_tracks_of(connection: &mut DbConnection, artist_id: i64, limit: i64) -> Result<Vec<i64>, DbError> {
    let ids = track_artists::table
        .inner_join(tracks::table.on(tracks::id.eq(track_artists::track_id)))
        .left_join(play_counts::table.on(play_counts::media_id.eq(track_artists::track_id)))
        .filter(track_artists::artist_id.eq(artist_id))
        .filter(tracks::missing.eq(false))
        .order((diesel::dsl::sql::<BigInt>("coalesce(play_counts.plays, 0)").desc(), tracks::sort_key, tracks::id))
        .select(tracks::id);
    Ok(ids.limit(limit).load(connection)?)
}

/// Takes the plays of these users, which are about to be deleted, out of the counts.
///
/// # Errors
/// Those of the database.
pub fn forget(connection: &mut DbConnection, users: &[i64]) -> Result<(), DbError> {
    let counted: Vec<(i64, i64)> = plays::table
        .filter(plays::user_id.eq_any(users))
        .filter(plays::kind.eq("track"))
        .filter(plays::counted)
        .group_by(plays::media_id)
        .select((plays::media_id, count_star()))
        .load(connection)?;
    for (media_id, plays) in counted {
        diesel::update(play_counts::table.find(media_id))
            .set(play_counts::plays.eq(play_counts::plays - plays))
            .execute(connection)?;
    }
    Ok(())
}

/// By how much each album or artist has grown, given its tracks.
fn grown(of: Vec<(i64, i64)>, more: &BTreeMap<i64, i64>) -> HashMap<i64, i64> {
    summed(of.into_iter().map(|(id, track_id)| (id, more.get(&track_id).copied().unwrap_or(0))).collect())
}

fn summed(rows: Vec<(i64, i64)>) -> HashMap<i64, i64> {
    let mut sums = HashMap::new();
    for (id, plays) in rows {
        *sums.entry(id).or_default() += plays;
    }
    sums
}

/// The ids whose popularity is higher than before their plays grew.
fn risen(grown: &HashMap<i64, i64>, now: &HashMap<i64, i64>) -> Vec<i64> {
    let has_risen = |id: &i64, by: i64| {
        let now = now.get(id).copied().unwrap_or(0);
        of_plays(now) != of_plays(now.saturating_sub(by))
    };
    grown.iter().filter(|(id, by)| has_risen(id, **by)).map(|(id, _)| *id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_grows_with_the_logarithm() {
        let of = [0, 1, 2, 3, 10, 100, 1_000, 1_000_000, i64::MAX, -1].map(of_plays);
        assert_eq!(of, [0, 5, 7, 10, 16, 32, 49, 99, 100, 0]);
        assert!((0..10_000).all(|plays| of_plays(plays) <= of_plays(plays + 1)));
    }
}
