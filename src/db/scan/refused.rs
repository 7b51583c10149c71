//! Files that could not be opened or looked at: they are tried again by each scan, and what is known of them stays.

use super::{FoundFile, record::add_folders, write};
use crate::db::{
    DbConnection, DbError,
    connection::insert_all,
    schema::files::{self, error, folder_id, id, missing_us, name, reader},
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::{HashMap, HashSet};

/// The version of the tag reader in the rows of files that it could not try to read. No version has it, so that the next
/// scan tries again.
const NOT_TRIED: i64 = 0;

/// What became of files that were refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Untried {
    /// How many are new.
    pub added: u64,
    /// The indices of those that could be read before: their rows were left as they are.
    pub kept: Vec<usize>,
}

/// Notes files that could not be opened or looked at. New ones get a row with the reason; known ones stay as they are.
///
/// # Errors
/// Those of the database.
pub fn refuse(
    connection: &mut DbConnection,
    found: &[FoundFile],
    new_id: &mut impl FnMut() -> i64,
) -> Result<Untried, DbError> {
    type NotedRow = (i64, Vec<u8>, i64, Option<String>, i64, Option<i64>);
    connection.prefer_indices()?;
    add_folders(connection, found.iter().map(|file| &*file.folder))?;
    let folders: HashSet<i64> = found.iter().map(|file| file.folder.id).collect();
    let names: HashSet<&[u8]> = found.iter().map(|file| file.name.as_slice()).collect();
    let known: Vec<NotedRow> = files::table
        .filter(folder_id.eq_any(folders))
        .filter(name.eq_any(names))
        .select((folder_id, name, id, error, reader, missing_us))
        .load(connection)?;
    let known: HashMap<(i64, Vec<u8>), _> = known
        .into_iter()
        .map(|(folder, file, row, text, version, gone)| ((folder, file), (row, text, version, gone)))
        .collect();
    let (mut refused, mut new) = (Untried::default(), Vec::new());
    for (index, file) in found.iter().enumerate() {
        let Err(reason) = &file.content else { continue };
        match known.get(&(file.folder.id, file.name.clone())) {
            None => new.push(write::file_row(file, new_id(), NOT_TRIED)),
            Some((_, None, ..)) => refused.kept.push(index),
            Some((_, Some(text), NOT_TRIED, None)) if text == reason => {}
            Some((row, ..)) => {
                diesel::update(files::table.filter(id.eq(row)))
                    .set((error.eq(reason), reader.eq(NOT_TRIED), missing_us.eq(None::<i64>)))
                    .execute(connection)?;
            }
        }
    }
    refused.added = u64::try_from(new.len()).unwrap_or(u64::MAX);
    insert_all!(connection, files::table, new);
    Ok(refused)
}
