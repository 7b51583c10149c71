//! Files that are gone: their rows are marked as missing, not deleted, so that playlists and history keep them.

use super::{twins, write};
use crate::db::{
    DbConnection, DbError, changes,
    schema::{files, folders, tracks},
};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    RunQueryDsl as _,
};
use std::collections::HashMap;

/// A file that a scan did not find at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Its id.
    pub id: i64,
    /// Its folder. When the row has another path by now, the file has moved and is not gone.
    pub folder_id: i64,
    /// Its name in the folder.
    pub name: Vec<u8>,
}

/// Marks those of `gone` whose rows still have that path; returns how many were marked.
///
/// # Errors
/// Those of the database.
pub fn mark_missing(connection: &mut DbConnection, gone: &[Gone], now_us: i64) -> Result<usize, DbError> {
    let here: Vec<(i64, i64, Vec<u8>)> = files::table
        .filter(files::id.eq_any(gone.iter().map(|file| file.id)))
        .filter(files::missing_us.is_null())
        .select((files::id, files::folder_id, files::name))
        .load(connection)?;
    let mut places: HashMap<i64, (i64, &[u8])> =
        gone.iter().map(|file| (file.id, (file.folder_id, file.name.as_slice()))).collect();
    let still: Vec<i64> = here
        .into_iter()
        .filter(|(id, folder_id, name)| places.remove(id) == Some((*folder_id, name.as_slice())))
        .map(|(id, ..)| id)
        .collect();
    mark(connection, &still, now_us)?;
    Ok(still.len())
}

/// Marks the file with this name in a folder as missing, which is about to be deleted; returns whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove_file(connection: &mut DbConnection, folder_id: i64, name: &[u8], now_us: i64) -> Result<bool, DbError> {
    let here = files::table.filter(files::folder_id.eq(folder_id)).filter(files::name.eq(name));
    let ids: Vec<i64> = here.filter(files::missing_us.is_null()).select(files::id).load(connection)?;
    mark(connection, &ids, now_us)?;
    Ok(!ids.is_empty())
}

/// Marks files as missing.
pub(super) fn mark(connection: &mut DbConnection, ids: &[i64], now_us: i64) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    diesel::update(files::table.filter(files::id.eq_any(ids)))
        .set(files::missing_us.eq(Some(now_us)))
        .execute(connection)?;
    twins::note(connection, ids)?;
    let change = changes::take(connection, ids.len())?;
    for (id, change) in ids.iter().zip(change..) {
        diesel::update(tracks::table.filter(tracks::id.eq(*id)))
            .set((tracks::missing.eq(true), tracks::change.eq(change)))
            .execute(connection)?;
    }
    write::mark_stale(connection, ids)
}

/// Marks up to `limit` files of folders that a scan did not find; returns how many were marked.
///
/// # Errors
/// Those of the database.
pub fn forget_folders(
    connection: &mut DbConnection,
    folder_ids: &[i64],
    limit: i64,
    now_us: i64,
) -> Result<usize, DbError> {
    let there: Vec<i64> = files::table
        .filter(files::folder_id.eq_any(folder_ids))
        .filter(files::missing_us.is_null())
        .select(files::id)
        .limit(limit)
        .load(connection)?;
    mark(connection, &there, now_us)?;
    Ok(there.len())
}

/// The tracks of these folders whose files are missing: folder and name of each file. Files that could not be read when they
/// were seen last are left out.
///
/// # Errors
/// Those of the database.
pub fn missing_tracks(connection: &mut DbConnection, folder_ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    Ok(files::table
        .inner_join(tracks::table.on(tracks::id.eq(files::id)))
        .filter(files::folder_id.eq_any(folder_ids))
        .filter(files::missing_us.is_not_null())
        .filter(files::error.is_null())
        .select((files::folder_id, files::name))
        .load(connection)?)
}

/// Up to `limit` folders after the one with id `after`, in the order of their ids: id and path.
///
/// # Errors
/// Those of the database.
pub fn folders_after(
    connection: &mut DbConnection,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>)>, DbError> {
    let all = folders::table.select((folders::id, folders::path)).order(folders::id).limit(limit);
    Ok(match after {
        Some(after) => all.filter(folders::id.gt(after)).load(connection)?,
        None => all.load(connection)?,
    })
}

/// Whether any row has a path in this folder or below it and is not missing.
///
/// # Errors
/// Those of the database.
pub fn has_files_below(connection: &mut DbConnection, path: &[u8]) -> Result<bool, DbError> {
    let (mut first, mut end) = (path.to_vec(), path.to_vec());
    first.push(b'/');
    end.push(b'/'.saturating_add(1));
    let within = folders::path.eq(path.to_vec()).or(folders::path.ge(first).and(folders::path.lt(end)));
    let there: Option<i64> = files::table
        .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
        .filter(within)
        .filter(files::missing_us.is_null())
        .select(files::id)
        .first(connection)
        .optional()?;
    Ok(there.is_some())
}
