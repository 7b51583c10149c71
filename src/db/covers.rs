//! Covers: pictures in folders and in audio files, named by a hash of their bytes.

use super::{
    DbConnection, DbError,
    scan::Folder,
    schema::{self, albums, files, folders, tracks},
    secrets,
    stat::{StatColumns, stat_of},
    unscaled::{Cover, note},
};
use crate::{media::version::Stat, values::path};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use std::path::{Path, PathBuf};

/// A file from which the bytes of a cover can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A picture file.
    Picture(PathBuf),
    /// The front cover within an audio file.
    Audio(PathBuf),
}

impl Source {
    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Picture(path) | Self::Audio(path) => path,
        }
    }
}

/// A folder's cover, as of the last scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderCover {
    /// The picture's name.
    pub name: Option<Vec<u8>>,
    /// Its size, times and inode.
    pub stat: Stat,
}

/// The secret that is hashed into the ids of covers. The first call stores `fresh`; later calls return what is stored.
///
/// # Errors
/// Those of the database.
pub fn salt(connection: &mut DbConnection, fresh: i64) -> Result<i64, DbError> {
    let text = secrets::get_or_insert(connection, "covers", &fresh.to_string())?;
    Ok(text.parse().unwrap_or(fresh))
}

/// The secret in the ids of covers; 0 before the first scan, when there are no covers.
///
/// # Errors
/// Those of the database.
pub fn known_salt(connection: &mut DbConnection) -> Result<i64, DbError> {
    let text: Option<String> =
        schema::secrets::table.find("covers").select(schema::secrets::value).get_result(connection).optional()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Files from which the bytes of a cover can be read, pictures before audio files; at most `limit` of each kind.
///
/// # Errors
/// Those of the database.
pub fn sources(connection: &mut DbConnection, cover_id: i64, limit: i64) -> Result<Vec<Source>, DbError> {
    let pictures: Vec<(Vec<u8>, Option<Vec<u8>>)> = folders::table
        .filter(folders::cover_id.eq(cover_id))
        .select((folders::path, folders::cover_name))
        .limit(limit)
        .load(connection)?;
    let audio: Vec<(Vec<u8>, Vec<u8>)> = tracks::table
        .inner_join(files::table.on(files::id.eq(tracks::id)))
        .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
        .filter(tracks::cover_id.eq(cover_id))
        .filter(tracks::missing.eq(false))
        .select((folders::path, files::name))
        .limit(limit)
        .load(connection)?;
    let at = |folder: &[u8], name: &[u8]| path::from_bytes(folder).join(path::from_bytes(name));
    let pictures = pictures.iter().filter_map(|(folder, name)| Some(Source::Picture(at(folder, name.as_ref()?))));
    Ok(pictures.chain(audio.iter().map(|(folder, name)| Source::Audio(at(folder, name)))).collect())
}

/// The covers of these folders, as of the last scan.
///
/// # Errors
/// Those of the database.
pub fn of_folders(connection: &mut DbConnection, folder_ids: &[i64]) -> Result<Vec<(i64, FolderCover)>, DbError> {
    let rows: Vec<(i64, Option<Vec<u8>>, StatColumns)> = folders::table
        .filter(folders::id.eq_any(folder_ids))
        .select((
            folders::id,
            folders::cover_name,
            (folders::cover_size, folders::cover_mtime_ns, folders::cover_ctime_ns, folders::cover_inode),
        ))
        .load(connection)?;
    Ok(rows.into_iter().map(|(id, name, stat)| (id, FolderCover { name, stat: stat_of(stat) })).collect())
}

/// Stores a folder's cover, or that it has none, and marks the albums in it as stale.
///
/// # Errors
/// Those of the database.
pub fn set(
    connection: &mut DbConnection,
    folder: &Folder,
    picture: Option<(&[u8], Stat)>,
    cover: Option<Cover>,
) -> Result<(), DbError> {
    note(connection, cover)?;
    let cover_id = cover.map(|cover| cover.id);
    let here = folders::table.filter(folders::id.eq(folder.id));
    let before: Option<Option<i64>> = here.select(folders::cover_id).get_result(connection).optional()?;
    let none = Stat { size: 0, mtime_ns: 0, ctime_ns: 0, inode: 0 };
    let Stat { size, mtime_ns, ctime_ns, inode } = picture.map_or(none, |(_, stat)| stat);
    diesel::update(here)
        .set((
            folders::cover_name.eq(picture.map(|(name, _)| name)),
            folders::cover_size.eq(size),
            folders::cover_mtime_ns.eq(mtime_ns),
            folders::cover_ctime_ns.eq(ctime_ns),
            folders::cover_inode.eq(inode),
            folders::cover_id.eq(cover_id),
        ))
        .execute(connection)?;
    if before.flatten() == cover_id {
        return Ok(());
    }
    // The folder and all below it: folders of single discs use the cover of the folder above.
    let (mut first, mut end) = (folder.path.clone(), folder.path.clone());
    first.push(b'/');
    end.push(b'/'.saturating_add(1));
    let below = folders::table.filter(folders::path.ge(first)).filter(folders::path.lt(end));
    let mut ids: Vec<i64> = below.select(folders::id).limit(1_000).load(connection)?;
    ids.push(folder.id);
    let there = files::table.inner_join(tracks::table.on(tracks::id.eq(files::id)));
    let album_ids: Vec<i64> =
        there.filter(files::folder_id.eq_any(ids)).select(tracks::album_id).distinct().load(connection)?;
    let fresh = albums::table.filter(albums::id.eq_any(album_ids)).filter(albums::stale.eq(false));
    diesel::update(fresh).set(albums::stale.eq(true)).execute(connection)?;
    Ok(())
}
