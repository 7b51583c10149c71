//! Files of the music folders: where a track's bytes lie, and which files cannot be read.

use super::{
    DbConnection, DbError,
    scan::Known,
    schema::{files, folders, tracks},
};
use crate::{catalog::path, media::version::Stat};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, dsl::count_star,
};
use segue_actors::ids::MediaId;
use std::path::PathBuf;

/// Where the bytes of a track lie, as of the last scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// What the file system said about it; another answer now means other bytes.
    pub stat: Stat,
    /// The version of the bytes: 32 hex digits.
    pub version: String,
    /// File format, for example `flac`.
    pub container: String,
    /// Coding of the samples, for example `opus`.
    pub codec: String,
    /// Length in milliseconds.
    pub duration_ms: i64,
}

/// Where a track's bytes lie; `None` when there is no such track or its file is missing.
///
/// # Errors
/// Those of the database.
pub fn location(connection: &mut DbConnection, id: MediaId) -> Result<Option<Location>, DbError> {
    type Row = (Vec<u8>, Vec<u8>, (i64, i64, i64), String, String, String, i64);
    let row: Option<Row> = files::table
        .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
        .inner_join(tracks::table.on(tracks::id.eq(files::id)))
        .filter(files::id.eq(id.to_sql()))
        .filter(tracks::missing.eq(false))
        .select((
            folders::path,
            files::name,
            (files::size, files::mtime_ns, files::inode),
            files::version,
            tracks::container,
            tracks::codec,
            tracks::duration_ms,
        ))
        .first(connection)
        .optional()?;
    Ok(row.map(|(folder, name, (size, mtime_ns, inode), version, container, codec, duration_ms)| Location {
        path: path::from_bytes(&folder).join(path::from_bytes(&name)),
        stat: Stat { size, mtime_ns, inode },
        version,
        container,
        codec,
        duration_ms,
    }))
}

/// The rows of all files that were last seen in these folders.
///
/// # Errors
/// Those of the database.
pub fn known_in(connection: &mut DbConnection, folder_ids: &[i64]) -> Result<Vec<Known>, DbError> {
    type Row = (i64, i64, Vec<u8>, (i64, i64, i64), i64, Option<i64>);
    let rows: Vec<Row> = files::table
        .filter(files::folder_id.eq_any(folder_ids))
        .select((
            files::id,
            files::folder_id,
            files::name,
            (files::size, files::mtime_ns, files::inode),
            files::reader,
            files::missing_us,
        ))
        .load(connection)?;
    let known = |(id, folder_id, name, (size, mtime_ns, inode), reader, missing_us): Row| Known {
        id: MediaId::from_sql(id),
        folder_id,
        name,
        stat: Stat { size, mtime_ns, inode },
        reader,
        missing: missing_us.is_some(),
    };
    Ok(rows.into_iter().map(known).collect())
}

/// How many files were there at the last look.
///
/// # Errors
/// Those of the database.
pub fn count(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(files::table.filter(files::missing_us.is_null()).select(count_star()).first(connection)?)
}

/// A file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// A page of the files that cannot be read, in the order of their ids, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn unreadable(
    connection: &mut DbConnection,
    limit: i64,
    offset: i64,
) -> Result<(Vec<UnreadableFile>, i64), DbError> {
    let broken = || files::table.filter(files::error.is_not_null()).filter(files::missing_us.is_null());
    let rows: Vec<(Vec<u8>, Vec<u8>, Option<String>)> = broken()
        .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
        .order(files::id)
        .limit(limit)
        .offset(offset)
        .select((folders::path, files::name, files::error))
        .load(connection)?;
    let file = |(folder, name, reason): (Vec<u8>, Vec<u8>, Option<String>)| UnreadableFile {
        path: path::from_bytes(&folder).join(path::from_bytes(&name)),
        reason: reason.unwrap_or_default(),
    };
    let total = broken().select(count_star()).first(connection)?;
    Ok((rows.into_iter().map(file).collect(), total))
}
