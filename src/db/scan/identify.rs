//! Finds the row of a file, so that a track keeps its id when the file is moved, renamed, tagged or encoded again.

use super::{Disk, FoundFile};
use crate::{
    db::{
        DbConnection, DbError,
        schema::{files, folders},
        stat::{StatColumns, stat_of},
    },
    media::version::{Stat, Version},
};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

/// The most rows for one fingerprint or tag key that are compared, on average over a batch.
const CANDIDATES: i64 = 4;

/// The columns of a file's row that identify the file.
#[derive(Debug, Clone)]
pub(super) struct IdentityRow {
    pub(super) id: i64,
    /// Folder and name: unique among rows.
    pub(super) place: (i64, Vec<u8>),
    folder_path: Option<Vec<u8>>,
    stat: Stat,
    look: String,
    fingerprint: String,
    sha256: Option<String>,
    tag_key: Option<i64>,
    missing: bool,
}

/// The row of a found file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identified {
    /// The row, new or old.
    pub(super) id: i64,
    /// How the file relates to that row.
    pub(super) fate: Fate,
}

/// How a found file relates to the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// No row fits: it gets a new one.
    New,
    /// A row with this path: tags or bytes changed.
    Changed,
    /// A row with another path: the file moved.
    Moved,
}

/// Finds the row of each found file. Returns also the rows whose path another file has now.
///
/// `disk` checks whether a path still has the file of a row, and reads whole files when nothing else distinguishes rows.
pub(super) fn identify(
    connection: &mut DbConnection,
    found: &[FoundFile],
    new_id: &mut impl FnMut() -> i64,
    disk: &impl Disk,
) -> Result<(Vec<Identified>, Vec<i64>), DbError> {
    let rows = CandidateRows::load(connection, found)?;
    let mut taken = HashSet::new();
    let mut identified = Vec::with_capacity(found.len());
    // Each path is checked once in a batch: with many similar files each of them asks for the rows of all others.
    let gone = RefCell::new(HashMap::new());
    let is_gone = |row: &IdentityRow| {
        let held = || row.folder_path.as_ref().is_some_and(|folder| disk.holds(folder, &row.place.1, row.stat));
        row.missing || *gone.borrow_mut().entry(row.id).or_insert_with(|| !held())
    };
    for file in found {
        let place = (file.folder.id, file.name.clone());
        let here = rows.by_place.get(&place).and_then(|id| rows.by_id.get(id)).filter(|row| !taken.contains(&row.id));
        let is_free = |row: &&IdentityRow| !taken.contains(&row.id) && row.place != place && is_gone(row);
        let chosen = choose(&rows, file, here, &is_free, disk);
        let answer = match chosen {
            Some(row) if row.place == place => Identified { id: row.id, fate: Fate::Changed },
            Some(row) => Identified { id: row.id, fate: Fate::Moved },
            None => Identified { id: new_id(), fate: Fate::New },
        };
        taken.insert(answer.id);
        identified.push(answer);
    }
    let places: HashSet<(i64, &[u8])> = found.iter().map(|file| (file.folder.id, file.name.as_slice())).collect();
    let displaced = rows
        .by_id
        .values()
        .filter(|row| places.contains(&(row.place.0, row.place.1.as_slice())) && !taken.contains(&row.id));
    let displaced = displaced.map(|row| row.id).collect();
    Ok((identified, displaced))
}

/// In this order: the row with the same look; the row with this path and the same recording; a row with the same content
/// or recording whose own path has no file; the row with this path.
fn choose<'a>(
    rows: &'a CandidateRows,
    file: &FoundFile,
    here: Option<&'a IdentityRow>,
    is_free: &impl Fn(&&'a IdentityRow) -> bool,
    disk: &impl Disk,
) -> Option<&'a IdentityRow> {
    let tag_key = file.content.as_ref().ok().and_then(|content| content.tag_key);
    if let Some(Version { look, fingerprint, .. }) = &file.version {
        let same_look = here.filter(|row| row.look == *look);
        if let Some(row) = same_look.or_else(|| rows.with_look(look).find(is_free)) {
            return Some(row);
        }
        if let Some(row) =
            here.filter(|row| row.fingerprint == *fingerprint || (tag_key.is_some() && row.tag_key == tag_key))
        {
            return Some(row);
        }
        let alike: Vec<&IdentityRow> = rows.with_fingerprint(fingerprint).filter(is_free).collect();
        if let Some(row) = of_its_sum(&alike, file, disk).or(alike.first().copied()) {
            return Some(row);
        }
    }
    tag_key.and_then(|key| rows.with_tag_key(key).find(is_free)).or(here)
}

/// Of rows whose files have equal size and equal ends, the one with the file's SHA-256. Such files are rare; reading a
/// whole file takes long.
fn of_its_sum<'a>(alike: &[&'a IdentityRow], file: &FoundFile, disk: &impl Disk) -> Option<&'a IdentityRow> {
    let differ = alike.iter().any(|row| alike.first().is_some_and(|first| first.sha256 != row.sha256));
    let sum = differ.then(|| disk.sum(&file.folder.path, &file.name, file.stat)).flatten()?.to_string();
    alike.iter().copied().find(|row| row.sha256.as_ref() == Some(&sum))
}

/// The candidate rows for the files of a batch.
#[expect(clippy::struct_field_names, reason = "they are all indices of the same rows")]
#[derive(Default)]
struct CandidateRows {
    by_id: HashMap<i64, IdentityRow>,
    by_place: HashMap<(i64, Vec<u8>), i64>,
    by_look: HashMap<String, Vec<i64>>,
    by_fingerprint: HashMap<String, Vec<i64>>,
    by_tag_key: HashMap<i64, Vec<i64>>,
}

impl CandidateRows {
    fn load(connection: &mut DbConnection, found: &[FoundFile]) -> Result<Self, DbError> {
        let limit = i64::try_from(found.len()).unwrap_or(i64::MAX).saturating_mul(CANDIDATES);
        let folders_of: HashSet<i64> = found.iter().map(|file| file.folder.id).collect();
        let names: HashSet<&[u8]> = found.iter().map(|file| file.name.as_slice()).collect();
        let versions = || found.iter().filter_map(|file| file.version.as_ref());
        let tag_keys = found.iter().filter_map(|file| file.content.as_ref().ok()?.tag_key);
        macro_rules! rows {
            ($filter:expr) => {
                files::table.left_join(folders::table.on(folders::id.eq(files::folder_id))).filter($filter).select((
                    files::id,
                    files::folder_id,
                    files::name,
                    folders::path.nullable(),
                    (files::size, files::mtime_ns, files::ctime_ns, files::inode),
                    files::look,
                    files::fingerprint,
                    files::sha256,
                    files::tag_key,
                    files::missing_us,
                ))
            };
        }
        // Ordered by the indexed column: with a limit and an order by id PostgreSQL would read all rows in that order.
        macro_rules! candidates {
            ($column:expr, $values:expr) => {
                rows!($column.eq_any($values)).order(($column, files::id)).limit(limit).load(connection)?
            };
        }
        let mut all = Self::default();
        all.add(
            rows!(files::folder_id.eq_any(folders_of))
                .filter(files::name.eq_any(names))
                .order(files::id)
                .load(connection)?,
        );
        all.add(candidates!(files::look, versions().map(|version| &version.look)));
        all.add(candidates!(files::fingerprint, versions().map(|version| &version.fingerprint)));
        all.add(candidates!(files::tag_key, tag_keys));
        Ok(all)
    }

    fn add(&mut self, loaded: Vec<LoadedRow>) {
        for (id, folder_id, name, folder_path, stat, look, fingerprint, sha256, tag_key, missing) in loaded {
            if self.by_id.contains_key(&id) {
                continue;
            }
            self.by_place.insert((folder_id, name.clone()), id);
            self.by_look.entry(look.clone()).or_default().push(id);
            self.by_fingerprint.entry(fingerprint.clone()).or_default().push(id);
            if let Some(key) = tag_key {
                self.by_tag_key.entry(key).or_default().push(id);
            }
            let stat = stat_of(stat);
            let missing = missing.is_some();
            let place = (folder_id, name);
            self.by_id
                .insert(id, IdentityRow { id, place, folder_path, stat, look, fingerprint, sha256, tag_key, missing });
        }
    }

    fn with_look(&self, look: &str) -> impl Iterator<Item = &IdentityRow> {
        self.rows(self.by_look.get(look))
    }

    fn with_fingerprint(&self, fingerprint: &str) -> impl Iterator<Item = &IdentityRow> {
        self.rows(self.by_fingerprint.get(fingerprint))
    }

    fn with_tag_key(&self, key: i64) -> impl Iterator<Item = &IdentityRow> {
        self.rows(self.by_tag_key.get(&key))
    }

    fn rows<'a>(&'a self, ids: Option<&'a Vec<i64>>) -> impl Iterator<Item = &'a IdentityRow> {
        ids.into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }
}

type LoadedRow =
    (i64, i64, Vec<u8>, Option<Vec<u8>>, StatColumns, String, String, Option<String>, Option<i64>, Option<i64>);
