//! The media files of tracks: path, version, SHA-256.

use super::{
    DbConnection, DbError, merged,
    schema::{files, folders, tracks},
    stat::{StatColumns, stat_of},
};
use crate::{
    media::{digest::Digest, version::Stat},
    values::object::ObjectUrl,
};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use segue_client::protocol::ids::MediaId;
use std::{collections::HashSet, ffi::OsString, os::unix::ffi::OsStringExt as _, path::PathBuf};

/// A media file as the last scan saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its track.
    pub track: MediaId,
    /// The path.
    pub path: PathBuf,
    /// Size, times and inode as of the last scan.
    pub stat: Stat,
    /// The version of its bytes.
    pub version: String,
    /// SHA-256 of the whole file; `None` until the file was read as a whole at this path.
    pub sha256: Option<Digest>,
    /// File format, which is also the extension in its URL.
    pub container: String,
    /// Coding of the samples.
    pub codec: String,
    /// The object that it is, where `path` is in a bucket; `None` for a file on a disk.
    pub object: Option<BucketObject>,
}

/// A media file that is an object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketObject {
    /// Its bucket and key.
    pub url: ObjectUrl,
    /// Its entity tag without quotes as of the last scan; empty where the service gives none.
    pub etag: String,
}

type MediaRow = (i64, Vec<u8>, Vec<u8>, StatColumns, (String, Option<String>), (Option<String>, i64), (String, String));

/// A query for [`MediaRow`]s.
macro_rules! media {
    () => {
        files::table
            .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
            .inner_join(tracks::table.on(tracks::id.eq(files::id)))
            .select((
                files::id,
                folders::path,
                files::name,
                (files::size, files::mtime_ns, files::ctime_ns, files::inode),
                (files::version, files::etag),
                (files::sha256, files::sha256_us),
                (tracks::container, tracks::codec),
            ))
    };
}

fn from_row(row: MediaRow) -> Media {
    let (id, folder, name, stat, (version, etag), (sha256, sha256_us), (container, codec)) = row;
    let path = PathBuf::from(OsString::from_vec(folder)).join(OsString::from_vec(name));
    Media {
        track: MediaId::from_sql(id),
        object: etag.and_then(|etag| Some(BucketObject { url: ObjectUrl::of_path(&path)?, etag })),
        path,
        stat: stat_of(stat),
        version,
        sha256: sha256.filter(|_| sha256_us > 0).and_then(|text| text.parse().ok()),
        container,
        codec,
    }
}

/// The file of a track, or of the one that it became part of.
///
/// # Errors
/// The database's.
pub fn of_track(connection: &mut DbConnection, track: MediaId) -> Result<Option<Media>, DbError> {
    let asked = track.to_sql();
    let found: Option<MediaRow> = media!().filter(files::id.eq(asked)).get_result(connection).optional()?;
    if found.is_some() {
        return Ok(found.map(from_row));
    }
    let Some(target) = merged::targets(connection, [asked])?.remove(&asked) else { return Ok(None) };
    let found: Option<MediaRow> = media!().filter(files::id.eq(target)).get_result(connection).optional()?;
    Ok(found.map(|row| Media { track, ..from_row(row) }))
}

/// A file with this version; files that are missing are returned only when there is no other.
///
/// # Errors
/// The database's.
pub fn of_version(connection: &mut DbConnection, version: &str) -> Result<Option<Media>, DbError> {
    let found = media!().filter(files::version.eq(version)).order(files::missing_us.is_not_null());
    Ok(found.first(connection).optional()?.map(from_row))
}

/// Those of these versions that files have which are not missing.
///
/// # Errors
/// The database's.
pub fn present_versions(connection: &mut DbConnection, versions: &[String]) -> Result<HashSet<String>, DbError> {
    let present = files::table.filter(files::version.eq_any(versions)).filter(files::missing_us.is_null());
    Ok(present.select(files::version).load(connection)?.into_iter().collect())
}

/// How a SHA-256 that was computed relates to the one that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// None was stored.
    First,
    /// It equals the stored one.
    Same,
    /// Another one was stored.
    Other {
        /// Whether the stored one was computed from the file at this path; otherwise it came from the file that this
        /// one seemed to be a copy of.
        confirmed: bool,
    },
}

/// Stores the SHA-256 of a version whose file was read as a whole. When a confirmed other SHA-256 was stored, the file
/// gets another version, because the bytes of a version never change.
///
/// # Errors
/// The database's.
pub fn record_sum(connection: &mut DbConnection, version: &str, sum: Digest, now_us: i64) -> Result<Sum, DbError> {
    let text = sum.to_string();
    let here = files::table.filter(files::version.eq(version));
    let known: Vec<(Option<String>, i64)> = here.select((files::sha256, files::sha256_us)).load(connection)?;
    let others = || known.iter().filter(|(known, _)| known.as_ref().is_some_and(|known| *known != text));
    let found = match (others().max_by_key(|(_, taken_us)| *taken_us), known.iter().any(|(known, _)| known.is_some())) {
        (Some((_, taken_us)), _) => Sum::Other { confirmed: *taken_us > 0 },
        (None, true) => Sum::Same,
        (None, false) => Sum::First,
    };
    diesel::update(here).set((files::sha256.eq(&text), files::sha256_us.eq(now_us))).execute(connection)?;
    if found == (Sum::Other { confirmed: true }) {
        let other: String = text.chars().take(version.len()).collect();
        diesel::update(here).set(files::version.eq(other)).execute(connection)?;
    }
    Ok(found)
}

/// A file whose SHA-256 is to be computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its row.
    pub id: i64,
    /// The path of its folder.
    pub folder: Vec<u8>,
    /// Its name in the folder.
    pub name: Vec<u8>,
    /// Size, times and inode as of the last scan.
    pub stat: Stat,
    /// The version of its bytes.
    pub version: String,
}

/// At most `limit` files on disks that were not read as a whole since `since_us`, those read longest ago first.
///
/// # Errors
/// The database's.
pub fn unread_since(connection: &mut DbConnection, since_us: i64, limit: i64) -> Result<Vec<Unread>, DbError> {
    type UnreadRow = (i64, Vec<u8>, Vec<u8>, StatColumns, String);
    let rows: Vec<UnreadRow> = files::table
        .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
        .filter(files::missing_us.is_null())
        .filter(files::error.is_null())
        .filter(files::etag.is_null())
        .filter(files::sha256_us.lt(since_us))
        .order((files::sha256_us, files::id))
        .limit(limit)
        .select((
            files::id,
            folders::path,
            files::name,
            (files::size, files::mtime_ns, files::ctime_ns, files::inode),
            files::version,
        ))
        .load(connection)?;
    let file = |(id, folder, name, stat, version)| Unread { id, folder, name, stat: stat_of(stat), version };
    Ok(rows.into_iter().map(file).collect())
}

/// Stores that a file could not be read as a whole at `now_us`, so that it comes after the others next time. Removes a
/// SHA-256 that was never confirmed.
///
/// # Errors
/// The database's.
pub fn pass_over(connection: &mut DbConnection, id: i64, now_us: i64) -> Result<(), DbError> {
    let here = files::table.filter(files::id.eq(id));
    let unconfirmed = diesel::update(here.filter(files::sha256_us.eq(0)));
    unconfirmed.set(files::sha256.eq(None::<String>)).execute(connection)?;
    diesel::update(here).set(files::sha256_us.eq(now_us)).execute(connection)?;
    Ok(())
}
