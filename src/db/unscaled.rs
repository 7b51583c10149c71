//! Covers that are not scaled, because they cannot be decoded: they are announced in their own size alone.

use super::{DbConnection, DbError, connection::insert_all, schema::unscaled_covers};
use diesel::{ExpressionMethods as _, QueryDsl as _, Queryable, RunQueryDsl as _};
use std::collections::{BTreeMap, HashSet};

/// A cover that is not scaled, and its size in pixels where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Unscaled {
    /// The width.
    pub width: Option<i64>,
    /// The height.
    pub height: Option<i64>,
}

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// A hash of its bytes.
    pub id: i64,
    /// Present when it cannot be scaled.
    pub unscaled: Option<Unscaled>,
}

/// The id of a cover, and its row when it is not scaled.
pub(super) type CoverColumns = (Option<i64>, Option<(i64, Unscaled)>);

/// Stores which of these covers are not scaled.
///
/// # Errors
/// Those of the database.
pub(super) fn note(connection: &mut DbConnection, covers: impl IntoIterator<Item = Cover>) -> Result<(), DbError> {
    let by_id: BTreeMap<i64, Option<Unscaled>> = covers.into_iter().map(|cover| (cover.id, cover.unscaled)).collect();
    if by_id.is_empty() {
        return Ok(());
    }
    diesel::delete(unscaled_covers::table.filter(unscaled_covers::id.eq_any(by_id.keys()))).execute(connection)?;
    let unscaled = by_id.into_iter().filter_map(|(id, unscaled)| {
        let Unscaled { width, height } = unscaled?;
        Some((unscaled_covers::id.eq(id), unscaled_covers::width.eq(width), unscaled_covers::height.eq(height)))
    });
    let unscaled: Vec<_> = unscaled.collect();
    insert_all!(connection, unscaled_covers::table, unscaled);
    Ok(())
}

/// Those of these covers that are not scaled.
///
/// # Errors
/// Those of the database.
pub(super) fn among(
    connection: &mut DbConnection,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashSet<i64>, DbError> {
    let ids: HashSet<i64> = ids.into_iter().collect();
    let mut found = HashSet::new();
    for some in ids.into_iter().collect::<Vec<_>>().chunks(1_000) {
        let here = unscaled_covers::table.filter(unscaled_covers::id.eq_any(some));
        found.extend(here.select(unscaled_covers::id).load::<i64>(connection)?);
    }
    Ok(found)
}
