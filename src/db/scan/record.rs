//! Writes one batch of read files in one transaction.

use super::{
    Disk, Folder, FoundFile,
    identify::{Fate, identify},
    names, regroup, renamed, twins, write,
};
use crate::db::{
    DbConnection, DbError, changes,
    connection::insert_all,
    schema::{files, folders},
    unscaled,
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::{BTreeMap, HashSet};

/// The numbers of files of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Files that are new.
    pub added: u64,
    /// Files with an unchanged path that were read again.
    pub changed: u64,
    /// Files that had another path.
    pub moved: u64,
    /// Files of these that cannot be read.
    pub unreadable: u64,
    /// Parts of their tags that could not be read.
    pub losses: u64,
}

/// Writes a batch of files that version `reader` of our tag reading read at `now_us`; `new_id` returns a new id.
///
/// # Errors
/// Those of the database.
pub fn record(
    connection: &mut DbConnection,
    found: &[FoundFile],
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
        let losses = file.content.as_ref().map_or(0, |content| content.losses.len());
        recorded.losses = recorded.losses.saturating_add(u64::try_from(losses).unwrap_or(u64::MAX));
    }

    let old: Vec<i64> = identified.iter().filter(|row| row.fate != Fate::New).map(|row| row.id).collect();
    let moved = identified.iter().filter(|row| row.fate == Fate::Moved).map(|row| row.id);
    let wanted: HashSet<(i64, &[u8])> = found.iter().map(|file| (file.folder.id, file.name.as_slice())).collect();
    let in_the_way = moved.chain(displaced.iter().copied()).collect::<Vec<_>>();
    leave_places(connection, &in_the_way, &wanted)?;
    super::gone::mark(connection, &displaced, now_us)?;
    write::mark_stale(connection, &old)?;
    let had = regroup::had(connection, &old)?;
    let had_artists = renamed::had(connection, &old)?;
    let ids = names::ids(connection, found, now_us, new_id)?;

    let mut new_files = Vec::new();
    for (file, row) in found.iter().zip(&identified) {
        if row.fate == Fate::New {
            new_files.push(write::file_row(file, row.id, reader));
        } else {
            write::update_file(connection, file, row.id, reader, now_us)?;
        }
    }
    insert_all!(connection, files::table, new_files);
    let change = changes::take(connection, found.len())?;
    unscaled::note(connection, found.iter().filter_map(|file| file.content.as_ref().ok()?.cover))?;
    let rows: Vec<_> = found.iter().zip(&identified).map(|(file, row)| (file, row.id)).collect();
    write::tracks(connection, &rows, &had, &ids, now_us, change)?;
    renamed::note(connection, &rows, &had, &had_artists, &ids)?;
    let known = || found.iter().zip(&identified).filter(|(_, row)| row.fate != Fate::New).map(|(file, _)| file);
    let fingerprints: Vec<&str> =
        known().filter_map(|file| Some(file.version.as_ref()?.fingerprint.as_str())).collect();
    let tag_keys: Vec<i64> = known().filter_map(|file| file.content.as_ref().ok()?.tag_key).collect();
    twins::note_alike(connection, &fingerprints, &tag_keys)?;
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

/// Frees those of the `wanted` paths that are the paths of these rows, which are about to get another path or none, so that
/// two files may swap names. The folder id is set to the file's own id, which is no folder, so that the path is unique and
/// belongs to no file.
fn leave_places(connection: &mut DbConnection, ids: &[i64], wanted: &HashSet<(i64, &[u8])>) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let here = files::table.filter(files::id.eq_any(ids)).select((files::id, files::folder_id, files::name));
    let here: Vec<(i64, i64, Vec<u8>)> = here.load(connection)?;
    let taken = here.iter().filter(|(_, folder, name)| wanted.contains(&(*folder, name.as_slice())));
    let taken: Vec<i64> = taken.map(|(id, ..)| *id).collect();
    diesel::update(files::table.filter(files::id.eq_any(taken)))
        .set((files::folder_id.eq(files::id), files::name.eq(Vec::new())))
        .execute(connection)?;
    Ok(())
}
