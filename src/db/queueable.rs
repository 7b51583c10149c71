//! Which tracks can be put into a queue.

use super::{DbConnection, DbError, schema};
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue_client::protocol::ids::MediaId;

/// Ids of one statement. SQLite allows 32,766 (sqlite.org/limits.html), but parsing long lists is slow.
const AT_ONCE: usize = 500;

/// The tracks among `ids` that can be played, in any order, with their durations in milliseconds; `None` when unknown.
///
/// # Errors
/// The database's.
pub fn durations_ms(connection: &mut DbConnection, ids: &[MediaId]) -> Result<Vec<(MediaId, Option<i64>)>, DbError> {
    use schema::tracks::dsl::{duration_ms, id, missing, tracks};
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(AT_ONCE) {
        let chunk = chunk.iter().map(|track| track.to_sql());
        let rows: Vec<(i64, i64)> =
            tracks.filter(id.eq_any(chunk).and(missing.eq(false))).select((id, duration_ms)).load(connection)?;
        found.extend(rows.into_iter().map(|(track, ms)| (MediaId::from_sql(track), (ms > 0).then_some(ms))));
    }
    Ok(found)
}
