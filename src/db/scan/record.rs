//! One batch of files that were read, written in one transaction.

use super::{
    Disk, Folder, Found,
    identify::{Fate, identify},
    names, write,
};
use crate::db::{
    DbConnection, DbError, changes,
    connection::insert_all,
    schema::{albums, files, folders, tracks},
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a batch came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Files that were never seen before.
    pub added: u64,
    /// Files that were there before, and read anew.
    pub changed: u64,
    /// Files that were elsewhere before.
    pub moved: u64,
    /// Files of these that cannot be read.
    pub unreadable: u64,
}

/// Writes a batch of files as seen at `now_us` by version `reader` of our tag reading.
///
/// `new_id` makes ids.
///
/// # Errors
/// Those of the database.
pub fn record(
    connection: &mut DbConnection,
    found: &[Found],
    reader: i64,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
    disk: &impl Disk,
) -> Result<Recorded, DbError> {
    connection.prefer_indices()?;
    add_folders(connection, found.iter().map(|file| &*file.folder))?;
    let (identified, displaced) = identify(connection, found, new_id, disk)?;
    let mut recorded = Recorded::default();
    for (file, row) in found.iter().zip(&identified) {
        match row.fate {
            Fate::New => recorded.added += 1,
            Fate::Changed => recorded.changed += 1,
            Fate::Moved => recorded.moved += 1,
        }
        recorded.unreadable += u64::from(file.content.is_err());
    }

    let old: Vec<i64> = identified.iter().filter(|row| row.fate != Fate::New).map(|row| row.id).collect();
    let moved = identified.iter().filter(|row| row.fate == Fate::Moved).map(|row| row.id);
    leave_places(connection, &moved.chain(displaced.iter().copied()).collect::<Vec<_>>())?;
    super::gone::mark(connection, &displaced, now_us)?;
    write::mark_stale(connection, &old)?;
    let had: HashMap<i64, i64> = tracks::table
        .filter(tracks::id.eq_any(&old))
        .select((tracks::id, tracks::album_id))
        .load(connection)?
        .into_iter()
        .collect();
    rename_albums(connection, found, &identified, &had)?;
    let ids = names::ids(connection, found, now_us, new_id)?;

    let mut new_files = Vec::new();
    for (file, row) in found.iter().zip(&identified) {
        if row.fate == Fate::New {
            new_files.push(write::file_row(file, row.id, reader));
        } else {
            write::update_file(connection, file, row.id, reader)?;
        }
    }
    insert_all!(connection, files::table, new_files);
    let change = changes::take(connection, found.len())?;
    let rows: Vec<_> = found.iter().zip(&identified).map(|(file, row)| (file, row.id)).collect();
    write::tracks(connection, &rows, &had, &ids, now_us, change)?;
    Ok(recorded)
}

/// Makes rows for folders that have none.
///
/// # Errors
/// Those of the database.
pub fn add_folders<'a>(connection: &mut DbConnection, all: impl Iterator<Item = &'a Folder>) -> Result<(), DbError> {
    let wanted: BTreeMap<i64, &Folder> = all.map(|folder| (folder.id, folder)).collect();
    let known = folders::table.filter(folders::id.eq_any(wanted.keys())).select(folders::id);
    let known: HashSet<i64> = known.load(connection)?.into_iter().collect();
    let new: Vec<_> = wanted
        .values()
        .filter(|folder| !known.contains(&folder.id))
        .map(|folder| {
            let cover = (folders::cover_size.eq(0), folders::cover_mtime_ns.eq(0));
            (folders::id.eq(folder.id), folders::path.eq(&folder.path), cover)
        })
        .collect();
    insert_all!(connection, folders::table, new);
    Ok(())
}

/// Frees the places of rows that are about to have another or none, so that files may swap names. No folder has the id
/// of a file, so such a place is nobody's.
fn leave_places(connection: &mut DbConnection, ids: &[i64]) -> Result<(), DbError> {
    if !ids.is_empty() {
        diesel::update(files::table.filter(files::id.eq_any(ids)))
            .set((files::folder_id.eq(files::id), files::name.eq(Vec::new())))
            .execute(connection)?;
    }
    Ok(())
}

/// An album that is known by its folder keeps its row when its files move to another folder.
fn rename_albums(
    connection: &mut DbConnection,
    found: &[Found],
    identified: &[super::identify::Identified],
    had: &HashMap<i64, i64>,
) -> Result<(), DbError> {
    let mut wanted = BTreeMap::new();
    for (file, row) in found.iter().zip(identified).filter(|(_, row)| row.fate == Fate::Moved) {
        if let (Ok(content), Some(album_id)) = (&file.content, had.get(&row.id))
            && content.album.artists.is_empty()
        {
            wanted.entry(*album_id).or_insert(&content.album);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let there = albums::table.filter(albums::identity.eq_any(wanted.values().map(|album| &album.identity)));
    let mut there: HashSet<String> = there.select(albums::identity).load(connection)?.into_iter().collect();
    for (album_id, album) in wanted {
        if there.insert(album.identity.clone()) {
            let same_title = albums::title.eq(&album.title);
            diesel::update(
                albums::table.filter(albums::id.eq(album_id)).filter(same_title).filter(albums::tagged.eq(false)),
            )
            .set(albums::identity.eq(&album.identity))
            .execute(connection)?;
        }
    }
    Ok(())
}
