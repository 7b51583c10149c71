//! Which tracks can be put into a queue.

use super::{DbConnection, DbError, merged, schema};
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue_client::protocol::ids::MediaId;
use std::collections::{HashMap, HashSet};

/// Ids of one statement. SQLite allows 32,766 (sqlite.org/limits.html), but parsing long lists is slow.
const AT_ONCE: usize = 500;

/// The tracks among `ids` that can be played, in any order, with their durations in milliseconds; `None` when unknown.
/// Those that became part of another track can.
///
/// # Errors
/// The database's.
pub fn durations_ms(connection: &mut DbConnection, ids: &[MediaId]) -> Result<Vec<(MediaId, Option<i64>)>, DbError> {
    use schema::tracks::dsl::{duration_ms, id, missing, tracks};
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(AT_ONCE) {
        let asked: Vec<i64> = chunk.iter().map(|track| track.to_sql()).collect();
        let ask = |connection: &mut DbConnection, some: &[i64]| -> Result<Vec<(i64, i64)>, DbError> {
            Ok(tracks.filter(id.eq_any(some).and(missing.eq(false))).select((id, duration_ms)).load(connection)?)
        };
        let mut rows = ask(connection, &asked)?;
        let there: HashSet<i64> = rows.iter().map(|(track, _)| *track).collect();
        if there.len() < asked.len() {
            let targets = merged::targets(connection, asked.into_iter().filter(|track| !there.contains(track)))?;
            let others: Vec<i64> = targets.values().copied().collect();
            let lengths: HashMap<i64, i64> = ask(connection, &others)?.into_iter().collect();
            rows.extend(targets.iter().filter_map(|(track, target)| Some((*track, *lengths.get(target)?))));
        }
        found.extend(rows.into_iter().map(|(track, ms)| (MediaId::from_sql(track), (ms > 0).then_some(ms))));
    }
    Ok(found)
}
