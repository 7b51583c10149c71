//! What is listened to now: the plays of the last days, and what comes next where somebody listens.

use super::{
    DbConnection, DbError,
    schema::{nodes, plays},
    sessions,
};
use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryableByName, RunQueryDsl as _, dsl::min, sql_query, sql_types::BigInt,
};
use segue_actors::state::Record;
use segue_client::protocol::{
    ids::{MediaId, Micros, NodeId, UserId},
    playback::{Intent, MediaKind},
};

/// A day in microseconds.
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
/// A user who began no track for this time does not listen: longer than nearly every track, in microseconds.
const LISTENS_US: i64 = 30 * 60 * 1_000_000;
/// The most listeners whose next tracks are looked up.
const LISTENERS: i64 = 1_000;

/// How often a track was played on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct DayPlays {
    /// The track.
    #[diesel(sql_type = BigInt)]
    pub track: i64,
    /// How many days ago; 0 for the last 24 hours.
    #[diesel(sql_type = BigInt)]
    pub days: i64,
    /// How many plays.
    #[diesel(sql_type = BigInt)]
    pub plays: i64,
}

/// How often the tracks were played in each of the last `days` days, for at most `most` tracks and days, those with the most
/// plays first.
///
/// # Errors
/// The database's.
pub fn recent_plays(
    connection: &mut DbConnection,
    now: Micros,
    days: i64,
    most: i64,
) -> Result<Vec<DayPlays>, DbError> {
    let recent = sql_query(
        "SELECT track, days, count(*) AS plays FROM (
             SELECT media_id AS track, ($1 - started_us) / $2 AS days FROM plays
             WHERE kind = 'track' AND started_us > $3 AND started_us <= $1) AS recent
         GROUP BY track, days ORDER BY plays DESC, days, track LIMIT $4",
    )
    .bind::<BigInt, _>(now.0)
    .bind::<BigInt, _>(DAY_US)
    .bind::<BigInt, _>(now.0.saturating_sub(DAY_US.saturating_mul(days)))
    .bind::<BigInt, _>(most)
    .load(connection)?;
    Ok(recent)
}

/// The tracks that follow where somebody listens.
///
/// # Errors
/// The database's.
pub fn next_tracks(connection: &mut DbConnection, now: Micros) -> Result<Vec<MediaId>, DbError> {
    let listeners: Vec<i64> = plays::table
        .filter(plays::started_us.gt(now.0.saturating_sub(LISTENS_US)))
        .select(plays::user_id)
        .distinct()
        .limit(LISTENERS)
        .load(connection)?;
    let listeners: Vec<UserId> = listeners.into_iter().map(UserId::from_sql).collect();
    let records = sessions::records(connection, &listeners)?;
    let next = records.into_iter().filter_map(|(_, text)| {
        let playback = serde_json::from_str::<Record>(&text).ok()?.playback;
        let item = playback.next.filter(|_| playback.intent == Intent::Play)?;
        (item.kind == MediaKind::Track).then_some(item.media_id)
    });
    Ok(next.collect())
}

/// Whether this node is the first of those with a heartbeat since `since`.
///
/// # Errors
/// The database's.
pub fn is_first_node(connection: &mut DbConnection, this: NodeId, since: Micros) -> Result<bool, DbError> {
    let beating = nodes::table.filter(nodes::beat_us.ge(since.0));
    let first: Option<i64> = beating.select(min(nodes::node_id)).get_result(connection)?;
    Ok(first.is_none_or(|first| first >= this.to_sql()))
}
