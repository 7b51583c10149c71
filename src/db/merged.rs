//! Tracks that became part of another one, because the same music was in two files and one of them is gone. The ids that
//! they had stay good: programs and queues may still name them.

use super::{
    DbConnection, DbError,
    schema::merged_tracks::{self, id, into_id},
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::HashMap;

/// For those of these tracks that became part of another one: the id of that.
pub(in crate::db) fn targets(
    connection: &mut DbConnection,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, i64>, DbError> {
    let ids: Vec<i64> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(i64, i64)> = merged_tracks::table.filter(id.eq_any(ids)).select((id, into_id)).load(connection)?;
    Ok(found.into_iter().collect())
}
