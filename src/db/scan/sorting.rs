//! The names by which albums and artists are sorted, and when albums first came out: from the tags of their tracks.

use super::{FoundFile, SortNames};
use crate::{
    db::{
        DbConnection, DbError,
        connection::insert_all,
        schema::{album_artists, albums, artists, sort_names, track_artists, tracks},
    },
    values::spelling::sort_key,
};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _};
use std::collections::{BTreeMap, HashMap};

/// Writes the sort names that the tags of these tracks have; those they had before are removed.
pub(super) fn record(connection: &mut DbConnection, rows: &[(&FoundFile, i64)]) -> Result<(), DbError> {
    let ids: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
    diesel::delete(sort_names::table.filter(sort_names::track_id.eq_any(ids))).execute(connection)?;
    let new: Vec<_> = rows
        .iter()
        .filter_map(|(file, id)| Some((*id, &file.content.as_ref().ok()?.sorts)))
        .filter(|(_, sorts)| **sorts != SortNames::default())
        .map(|(id, sorts)| {
            (
                sort_names::track_id.eq(id),
                sort_names::artists.eq(sorts.artists.join("\n")),
                sort_names::album.eq(&sorts.album),
                sort_names::album_artists.eq(sorts.album_artists.join("\n")),
            )
        })
        .collect();
    insert_all!(connection, sort_names::table, new);
    Ok(())
}

/// Writes the sort names and original dates of these albums: those that most of their tracks have.
pub(super) fn albums(connection: &mut DbConnection, ids: &[i64]) -> Result<(), DbError> {
    type SortedAlbumRow = (i64, String, String, Option<String>, Option<String>);
    let here = || tracks::table.filter(tracks::album_id.eq_any(ids)).filter(tracks::missing.eq(false));
    let names: Vec<(i64, String)> = here()
        .inner_join(sort_names::table.on(sort_names::track_id.eq(tracks::id)))
        .filter(sort_names::album.ne(""))
        .select((tracks::album_id, sort_names::album))
        .load(connection)?;
    let dates: Vec<(i64, Option<String>)> = here()
        .filter(tracks::original_date.is_not_null())
        .select((tracks::album_id, tracks::original_date))
        .load(connection)?;
    let names = most_of(names.into_iter());
    let dates = most_of(dates.into_iter().filter_map(|(id, date)| Some((id, date?))));
    let columns = (albums::id, albums::title, albums::sort_key, albums::sort_name, albums::original_date);
    let rows: Vec<SortedAlbumRow> = albums::table.filter(albums::id.eq_any(ids)).select(columns).load(connection)?;
    for (id, title, key, name, date) in rows {
        let (wanted, first) = (names.get(&id).filter(|name| **name != title), dates.get(&id));
        let (wanted, first) = (wanted.map(String::as_str), first.map(String::as_str));
        let wanted_key = sort_key(wanted.unwrap_or(&title));
        if (key, name.as_deref(), date.as_deref()) != (wanted_key.clone(), wanted, first) {
            let columns =
                (albums::sort_key.eq(wanted_key), albums::sort_name.eq(wanted), albums::original_date.eq(first));
            diesel::update(albums::table.filter(albums::id.eq(id))).set(columns).execute(connection)?;
        }
    }
    Ok(())
}

/// Writes the sort names of these artists: those that most of the tracks have that are by them or on albums by them.
pub(super) fn artists(connection: &mut DbConnection, ids: &[i64]) -> Result<(), DbError> {
    let of_tracks: Vec<(i64, i64, String)> = track_artists::table
        .inner_join(sort_names::table.on(sort_names::track_id.eq(track_artists::track_id)))
        .inner_join(tracks::table.on(tracks::id.eq(track_artists::track_id)))
        .filter(track_artists::artist_id.eq_any(ids))
        .filter(sort_names::artists.ne(""))
        .filter(tracks::missing.eq(false))
        .select((track_artists::artist_id, track_artists::position, sort_names::artists))
        .load(connection)?;
    let of_albums: Vec<(i64, i64, String)> = album_artists::table
        .inner_join(tracks::table.on(tracks::album_id.eq(album_artists::album_id)))
        .inner_join(sort_names::table.on(sort_names::track_id.eq(tracks::id)))
        .filter(album_artists::artist_id.eq_any(ids))
        .filter(sort_names::album_artists.ne(""))
        .filter(tracks::missing.eq(false))
        .select((album_artists::artist_id, album_artists::position, sort_names::album_artists))
        .load(connection)?;
    let one = |(id, position, names): (i64, i64, String)| {
        let name = names.lines().nth(usize::try_from(position).ok()?)?.to_owned();
        Some((id, name))
    };
    let names = most_of(of_tracks.into_iter().chain(of_albums).filter_map(one));
    let columns = (artists::id, artists::name, artists::sort_key, artists::sort_name);
    let rows: Vec<(i64, String, String, Option<String>)> =
        artists::table.filter(artists::id.eq_any(ids)).select(columns).load(connection)?;
    for (id, shown, key, name) in rows {
        let wanted = names.get(&id).filter(|name| **name != shown).map(String::as_str);
        let wanted_key = sort_key(wanted.unwrap_or(&shown));
        if (key, name.as_deref()) != (wanted_key.clone(), wanted) {
            let columns = (artists::sort_key.eq(wanted_key), artists::sort_name.eq(wanted));
            diesel::update(artists::table.filter(artists::id.eq(id))).set(columns).execute(connection)?;
        }
    }
    Ok(())
}

/// The most frequent value of each id; of several the smallest.
fn most_of(values: impl Iterator<Item = (i64, String)>) -> HashMap<i64, String> {
    let mut counts: BTreeMap<(i64, String), u64> = BTreeMap::new();
    for value in values {
        let count = counts.entry(value).or_default();
        *count = count.saturating_add(1);
    }
    let mut most: HashMap<i64, (u64, String)> = HashMap::new();
    for ((id, value), count) in counts {
        if most.get(&id).is_none_or(|(before, _)| *before < count) {
            most.insert(id, (count, value));
        }
    }
    most.into_iter().map(|(id, (_, value))| (id, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_value_is_taken() {
        let values = [(1, "b"), (1, "a"), (2, "x"), (2, "y"), (2, "y")];
        let most = most_of(values.into_iter().map(|(id, value)| (id, value.to_owned())));
        assert_eq!(most, HashMap::from([(1, "a".to_owned()), (2, "y".to_owned())]));
    }
}
