//! Pages of long lists: the key of every hundredth row is kept in memory, and a page is read from the nearest key before
//! it. So a page at any offset costs about as much as the first one, which is read without keys.

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

/// What was read of one list, and when.
struct KnownPart<T> {
    change: i64,
    found: Instant,
    took: Duration,
    value: Arc<T>,
}

/// What was read of each list.
type KeptOfLists<T> = Mutex<HashMap<List, KnownPart<T>>>;

/// The lengths of all lists, and their kept keys.
#[derive(Default)]
pub struct Lists {
    totals: KeptOfLists<i64>,
    keys: KeptOfLists<Vec<ListKey>>,
}

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

    /// The columns of the key as text and as a number, of the rows of `table`.
    fn columns(self, table: &str) -> String {
        if self.parts().2 {
            format!("{table}.sort_key, CAST(0 AS BIGINT)")
        } else {
            format!("CAST('' AS TEXT), {table}.added_us")
        }
    }

    const fn order(self) -> &'static str {
        if self.parts().2 { "sort_key, id" } else { "added_us DESC, id DESC" }
    }

    fn total(self, connection: &mut DbConnection) -> Result<i64, DbError> {
        let (table, there, _) = self.parts();
        let count = sql_query(format!("SELECT count(*) AS count FROM {table} WHERE {there}"));
        Ok(count.get_result::<RowCount>(connection)?.count)
    }

    /// Every hundredth key, each found from the one before: to skip rows of an index costs a quarter of numbering them.
    fn keys(self, connection: &mut DbConnection) -> Result<Vec<ListKey>, DbError> {
        let ((table, there, by_name), order) = (self.parts(), self.order());
        // The sign takes the type of `id` away: with it SQLite does not use the second column of the index.
        let next =
            if by_name { "(sort_key, id) > (kept.text, +kept.id)" } else { "(added_us, id) < (kept.number, +kept.id)" };
        let (first, later) = (self.columns(table), self.columns("later"));
        let keys = format!(
            "WITH RECURSIVE kept (text, number, id) AS (
                 SELECT * FROM (SELECT {first}, id FROM {table} WHERE {there} ORDER BY {order} LIMIT 1) AS head
                 UNION ALL SELECT {later}, later.id FROM kept JOIN {table} AS later ON later.id = (
                     SELECT id FROM {table} WHERE {there} AND {next} ORDER BY {order} LIMIT 1 OFFSET {skipped}
                 )
             ) SELECT text, number, id FROM kept",
            skipped = STEP - 1,
        );
        Ok(sql_query(keys).load(connection)?)
    }

    /// Ids from the beginning.
    fn first_ids(self, connection: &mut DbConnection, limit: i64, skip: i64) -> Result<Vec<i64>, DbError> {
        let ((table, there, _), order) = (self.parts(), self.order());
        let rows = sql_query(format!("SELECT id FROM {table} WHERE {there} ORDER BY {order} LIMIT $1 OFFSET $2"));
        let rows: Vec<Id> = rows.bind::<BigInt, _>(limit).bind::<BigInt, _>(skip).load(connection)?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Ids from a key.
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
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
        let total = *current(&self.totals, connection, list, List::total)?;
        if offset < STEP {
            return Ok((list.first_ids(connection, limit, offset)?, total));
        }
        let keys = current(&self.keys, connection, list, List::keys)?;
        let (step, skip) = (usize::try_from(offset / STEP).unwrap_or(usize::MAX), offset % STEP);
        let ids = match keys.get(step) {
            Some(key) => list.ids(connection, key, limit, skip)?,
            None => Vec::new(),
        };
        Ok((ids, total))
    }
}

/// What was read of the list, read again where the catalogue has changed since.
fn current<T>(
    of_lists: &KeptOfLists<T>,
    connection: &mut DbConnection,
    list: List,
    read: fn(List, &mut DbConnection) -> Result<T, DbError>,
) -> Result<Arc<T>, DbError> {
    let change = changes::last(connection)?;
    if let Some(known) = of_lists.lock().unwrap_or_else(PoisonError::into_inner).get(&list)
        && (known.change == change || known.found.elapsed() < known.took.saturating_mul(PATIENCE))
    {
        count::list(true);
        return Ok(Arc::clone(&known.value));
    }
    count::list(false);
    let found = Instant::now();
    let value = Arc::new(read(list, connection)?);
    let kept = KnownPart { change, found, took: found.elapsed(), value: Arc::clone(&value) };
    of_lists.lock().unwrap_or_else(PoisonError::into_inner).insert(list, kept);
    Ok(value)
}
