//! The order of changes: every row of artists, albums, tracks and playlists has the number of its last change, so that a
//! reader (the search index) can read all rows changed since a number, in order, without missing one.
//!
//! Numbers are assigned within the transaction that writes the rows, under the lock of one row, so that they become
//! visible in order on PostgreSQL too. Rows that are gone are marked, which is a change as well. Playlists deleted with
//! their owner keep their number in `gone_playlists`.

use super::{
    DbConnection, DbError,
    schema::{albums, artists, changes, gone_playlists, playlists, tracks},
};
use crate::values::document::ItemKind;
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

/// A row's last change. It may mean that the row is gone: an artist without tracks and albums, an album without tracks, a
/// track that is missing, a playlist that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowChange {
    /// Its number; higher is later.
    pub number: i64,
    /// What kind of row.
    pub kind: ItemKind,
    /// The row's id.
    pub id: i64,
}

/// Takes `count` numbers for rows that this transaction changes, and returns the first.
pub(in crate::db) fn take(connection: &mut DbConnection, count: usize) -> Result<i64, DbError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    diesel::update(changes::table).set(changes::last.eq(changes::last + count)).execute(connection)?;
    let last: i64 = changes::table.select(changes::last).get_result(connection)?;
    Ok(last - count + 1)
}

/// The number of the latest change.
///
/// # Errors
/// Those of the database.
pub fn last(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(changes::table.select(changes::last).get_result(connection)?)
}

/// The first `limit` rows whose last change came after number `after`, in order.
///
/// # Errors
/// Those of the database.
pub fn since(connection: &mut DbConnection, after: i64, limit: i64) -> Result<Vec<RowChange>, DbError> {
    let mut all = Vec::new();
    macro_rules! read {
        ($($table:ident: $kind:expr;)+) => {$(
            let rows: Vec<(i64, i64)> = $table::table
                .filter($table::change.gt(after))
                .order($table::change)
                .limit(limit)
                .select(($table::change, $table::id))
                .load(connection)?;
            all.extend(rows.into_iter().map(|(number, id)| RowChange { number, kind: $kind, id }));
        )+};
    }
    read! { artists: ItemKind::Artist; albums: ItemKind::Album; tracks: ItemKind::Track; playlists: ItemKind::Playlist; gone_playlists: ItemKind::Playlist; }
    all.sort_unstable_by_key(|change| change.number);
    all.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(all)
}
