//! Pages of long lists: the key of every hundredth row is kept in memory, and a page is read from the nearest key before
//! it. So a page at any offset costs about as much as the first one.

use super::{DbConnection, DbError, changes, connection::RowCount};
use diesel::{
    QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::{BigInt, Text},
};
use segue_actors::count;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Rows between two kept keys.
const STEP: i64 = 100;
/// The keys of a list that changes all the time are used for this many times the duration of reading them.
const PATIENCE: u32 = 20;

/// A list of the whole catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// Albums by title.
    AlbumsByName,
    /// Albums, the newest first.
    NewestAlbums,
    /// Artists by name.
    ArtistsByName,
    /// Artists, the newest first.
    NewestArtists,
    /// Tracks by title.
    TracksByName,
    /// Tracks, the newest first.
    NewestTracks,
}

/// The key of a row in the order of a list: its value as a number or as text, and its id.
#[derive(Debug, Clone, QueryableByName)]
struct ListKey {
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The kept keys of one list.
struct Index {
    change: i64,
    found: Instant,
    took: Duration,
    total: i64,
    keys: Vec<ListKey>,
}

/// The kept keys of all lists.
#[derive(Default)]
pub struct Lists(Mutex<HashMap<List, Arc<Index>>>);

impl List {
    /// Table, condition, and whether it is ordered by name. The conditions are written exactly as in the partial indices.
    const fn parts(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::AlbumsByName => ("albums", "track_count > 0", true),
            Self::NewestAlbums => ("albums", "track_count > 0", false),
            Self::ArtistsByName => ("artists", "track_count + album_count > 0", true),
            Self::NewestArtists => ("artists", "track_count + album_count > 0", false),
            Self::TracksByName => ("tracks", "NOT missing", true),
            Self::NewestTracks => ("tracks", "NOT missing", false),
        }
    }

    fn index(self, connection: &mut DbConnection, change: i64) -> Result<Index, DbError> {
        let begun = Instant::now();
        let (table, there, by_name) = self.parts();
        let (columns, order) = if by_name {
            ("sort_key AS text, 0 AS number", "sort_key, id")
        } else {
            ("'' AS text, added_us AS number", "added_us DESC, id DESC")
        };
        let keys = format!(
            "SELECT text, CAST(number AS BIGINT) AS number, id FROM (SELECT {columns}, id, \
             row_number() OVER (ORDER BY {order}) AS place FROM {table} WHERE {there}) AS numbered \
             WHERE place % {STEP} = 1 ORDER BY place"
        );
        let keys = sql_query(keys).load(connection)?;
        let count: RowCount =
            sql_query(format!("SELECT count(*) AS count FROM {table} WHERE {there}")).get_result(connection)?;
        Ok(Index { change, found: begun, took: begun.elapsed(), total: count.count, keys })
    }

    fn ids(self, connection: &mut DbConnection, from: &ListKey, limit: i64, skip: i64) -> Result<Vec<i64>, DbError> {
        let (table, there, by_name) = self.parts();
        let rows: Vec<Id> = if by_name {
            sql_query(format!(
                "SELECT id FROM {table} WHERE {there} AND (sort_key, id) >= ($1, $2) ORDER BY sort_key, id LIMIT $3 OFFSET $4"
            ))
            .bind::<Text, _>(&from.text)
            .bind::<BigInt, _>(from.id)
            .bind::<BigInt, _>(limit)
            .bind::<BigInt, _>(skip)
            .load(connection)?
        } else {
            sql_query(format!(
                "SELECT id FROM {table} WHERE {there} AND (added_us, id) <= ($1, $2) \
                 ORDER BY added_us DESC, id DESC LIMIT $3 OFFSET $4"
            ))
            .bind::<BigInt, _>(from.number)
            .bind::<BigInt, _>(from.id)
            .bind::<BigInt, _>(limit)
            .bind::<BigInt, _>(skip)
            .load(connection)?
        };
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}

impl Lists {
    /// Removes all keys: the database was restored, and its change numbers belong to other changes now.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A page of a list's ids, and how many ids the list has. While the catalogue changes, this number and pages at high
    /// offsets may be out of date by `PATIENCE`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn page(
        &self,
        connection: &mut DbConnection,
        list: List,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<i64>, i64), DbError> {
        let index = self.index(connection, list)?;
        let (step, skip) = (usize::try_from(offset / STEP).unwrap_or(usize::MAX), offset % STEP);
        let ids = match index.keys.get(step) {
            Some(key) => list.ids(connection, key, limit, skip)?,
            None => Vec::new(),
        };
        Ok((ids, index.total))
    }

    fn index(&self, connection: &mut DbConnection, list: List) -> Result<Arc<Index>, DbError> {
        let change = changes::last(connection)?;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&list).cloned();
        if let Some(index) = known
            && (index.change == change || index.found.elapsed() < index.took.saturating_mul(PATIENCE))
        {
            count::list(true);
            return Ok(index);
        }
        count::list(false);
        let index = Arc::new(list.index(connection, change)?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(list, Arc::clone(&index));
        Ok(index)
    }
}
