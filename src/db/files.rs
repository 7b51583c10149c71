//! Files of the music folders: their rows, and those that cannot be read.

use super::{
    DbConnection, DbError,
    scan::KnownFile,
    schema::{files, folders},
    stat::{StatColumns, stat_of},
};
use crate::values::path;
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _,
    dsl::count_star,
};
use segue_client::protocol::ids::MediaId;
use std::path::PathBuf;

/// The rows of all files that were last seen in these folders.
///
/// # Errors
/// Those of the database.
pub fn known_in(connection: &mut DbConnection, folder_ids: &[i64]) -> Result<Vec<KnownFile>, DbError> {
    type KnownFileRow = (i64, i64, Vec<u8>, StatColumns, Option<String>, i64, Option<i64>);
    let rows: Vec<KnownFileRow> = files::table
        .filter(files::folder_id.eq_any(folder_ids))
        .select((
            files::id,
            files::folder_id,
            files::name,
            (files::size, files::mtime_ns, files::ctime_ns, files::inode),
            files::etag,
            files::reader,
            files::missing_us,
        ))
        .load(connection)?;
    let known = |(id, folder_id, name, stat, etag, reader, missing_us): KnownFileRow| KnownFile {
        id: MediaId::from_sql(id),
        folder_id,
        name,
        stat: stat_of(stat),
        etag,
        reader,
        missing: missing_us.is_some(),
    };
    Ok(rows.into_iter().map(known).collect())
}

/// How many files are not missing, as of the last scan.
///
/// # Errors
/// Those of the database.
pub fn count(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(files::table.filter(files::missing_us.is_null()).select(count_star()).get_result(connection)?)
}

/// A file with trouble: it cannot be read, or its tags have parts that cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTrouble {
    /// The path.
    pub path: PathBuf,
    /// Whether its audio can be read.
    pub is_readable: bool,
    /// What is wrong, one sentence each.
    pub reasons: Vec<String>,
}

/// A page of the files with trouble, in the order of their ids, and how many there are.
///
/// # Errors
/// Those of the database.
pub fn troubles(connection: &mut DbConnection, limit: i64, offset: i64) -> Result<(Vec<FileTrouble>, i64), DbError> {
    type TroubleRow = (Vec<u8>, Vec<u8>, Option<String>, String);
    let odd = || {
        let trouble = files::error.is_not_null().or(files::losses.ne(""));
        files::table.filter(trouble).filter(files::missing_us.is_null())
    };
    let rows: Vec<TroubleRow> = odd()
        .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
        .order(files::id)
        .limit(limit)
        .offset(offset)
        .select((folders::path, files::name, files::error, files::losses))
        .load(connection)?;
    let file = |(folder, name, error, losses): TroubleRow| FileTrouble {
        path: path::from_bytes(&folder).join(path::from_bytes(&name)),
        is_readable: error.is_none(),
        reasons: error.into_iter().chain(losses.lines().map(str::to_owned)).collect(),
    };
    let total = odd().select(count_star()).get_result(connection)?;
    Ok((rows.into_iter().map(file).collect(), total))
}

/// A file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableFile {
    /// The path.
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
    let broken = files::table.filter(files::error.is_not_null()).filter(files::missing_us.is_null());
    let rows: Vec<(Vec<u8>, Vec<u8>, Option<String>)> = broken
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
    Ok((rows.into_iter().map(file).collect(), count_unreadable(connection)?))
}

/// How many files cannot be read, as of the last scan.
///
/// # Errors
/// Those of the database.
pub fn count_unreadable(connection: &mut DbConnection) -> Result<i64, DbError> {
    let broken = files::table.filter(files::error.is_not_null()).filter(files::missing_us.is_null());
    Ok(broken.select(count_star()).get_result(connection)?)
}
