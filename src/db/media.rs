//! Where the bytes of tracks lie, and what is known of them.

use super::{
    DbConnection, DbError,
    schema::{files, folders, tracks},
};
use crate::media::{digest::Digest, version::Stat};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use segue_actors::ids::MediaId;
use std::{ffi::OsString, os::unix::ffi::OsStringExt as _, path::PathBuf};

/// A media file as the last scan saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Its track.
    pub track: MediaId,
    /// Where it lies.
    pub path: PathBuf,
    /// What the file system said of it.
    pub stat: Stat,
    /// The name of its bytes.
    pub version: String,
    /// SHA-256 of the whole, once somebody has read the whole.
    pub sha256: Option<Digest>,
    /// File format, which is also the ending of its URL.
    pub container: String,
    /// Coding of the samples.
    pub codec: String,
}

type Row = (i64, Vec<u8>, Vec<u8>, (i64, i64, i64), String, Option<String>, (String, String));

/// A query for [`Row`]s.
macro_rules! media {
    () => {
        files::table
            .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
            .inner_join(tracks::table.on(tracks::id.eq(files::id)))
            .select((
                files::id,
                folders::path,
                files::name,
                (files::size, files::mtime_ns, files::inode),
                files::version,
                files::sha256,
                (tracks::container, tracks::codec),
            ))
    };
}

fn from_row(row: Row) -> Media {
    let (id, folder, name, (size, mtime_ns, inode), version, sha256, (container, codec)) = row;
    Media {
        track: MediaId::from_sql(id),
        path: PathBuf::from(OsString::from_vec(folder)).join(OsString::from_vec(name)),
        stat: Stat { size, mtime_ns, inode },
        version,
        sha256: sha256.and_then(|text| text.parse().ok()),
        container,
        codec,
    }
}

/// The file of a track.
///
/// # Errors
/// The database's.
pub fn of_track(connection: &mut DbConnection, track: MediaId) -> Result<Option<Media>, DbError> {
    Ok(media!().filter(files::id.eq(track.to_sql())).first(connection).optional()?.map(from_row))
}

/// A file with these bytes; one that is there, if any is.
///
/// # Errors
/// The database's.
pub fn of_version(connection: &mut DbConnection, version: &str) -> Result<Option<Media>, DbError> {
    let found = media!().filter(files::version.eq(version)).order(files::missing_us.is_not_null());
    Ok(found.first(connection).optional()?.map(from_row))
}

/// Records the SHA-256 of the bytes of this version.
///
/// # Errors
/// The database's.
pub fn set_sha256(connection: &mut DbConnection, version: &str, sha256: Digest) -> Result<(), DbError> {
    let rows = diesel::update(files::table.filter(files::version.eq(version)));
    rows.set(files::sha256.eq(sha256.to_string())).execute(connection)?;
    Ok(())
}
