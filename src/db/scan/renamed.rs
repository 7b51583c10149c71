//! Albums and artists whose names were corrected in the tags. A name that is new gets an id of its own while files still
//! have the old one. When none has it and most tracks of the old one went to the same new one, what users saved goes along,
//! and where the new one has nothing else, it has the id of the old one.

use super::{
    FoundFile,
    names::NameIds,
    regroup::{Had, move_tracks},
    twins,
};
use crate::{
    db::{
        DbConnection, DbError, changes,
        connection::{RowCount, insert_all},
        schema::{album_artists, albums, artists, former_albums, former_artists, track_albums, track_artists, tracks},
    },
    values::{grouping::most_common, spelling::identity},
};
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryableByName, RunQueryDsl as _, sql_query,
    sql_types::BigInt,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The most albums or artists that are looked at in one transaction.
const AT_ONCE: i64 = 200;

/// The artists of tracks before their files were read again.
pub(super) struct HadArtists {
    /// Those of the track, in order.
    of_tracks: HashMap<i64, Vec<i64>>,
    /// The album artists as tagged, in order.
    of_albums: HashMap<i64, Vec<i64>>,
}

/// The artists of these tracks.
pub(super) fn had(connection: &mut DbConnection, track_ids: &[i64]) -> Result<HadArtists, DbError> {
    let mut had = HadArtists { of_tracks: HashMap::new(), of_albums: HashMap::new() };
    let by = track_artists::table.filter(track_artists::track_id.eq_any(track_ids));
    let by = by.order((track_artists::track_id, track_artists::position));
    let by: Vec<(i64, i64)> = by.select((track_artists::track_id, track_artists::artist_id)).load(connection)?;
    for (track_id, artist_id) in by {
        had.of_tracks.entry(track_id).or_default().push(artist_id);
    }
    let tagged = track_albums::table.filter(track_albums::track_id.eq_any(track_ids));
    let tagged = tagged.filter(track_albums::artists.ne(""));
    let tagged: Vec<(i64, String)> = tagged.select((track_albums::track_id, track_albums::artists)).load(connection)?;
    let names: HashSet<String> = tagged.iter().flat_map(|(_, names)| names.lines().map(identity)).collect();
    let ids = artists::table.filter(artists::identity.eq_any(names)).select((artists::identity, artists::id));
    let ids: HashMap<String, i64> = ids.load(connection)?.into_iter().collect();
    for (track_id, names) in tagged {
        had.of_albums.insert(track_id, ids_of(names.lines(), &ids));
    }
    Ok(had)
}

fn ids_of<'a>(names: impl Iterator<Item = &'a str>, ids: &HashMap<String, i64>) -> Vec<i64> {
    names.filter_map(|name| ids.get(&identity(name)).copied()).collect()
}

/// Which artists were replaced by which: those that are no more, each with the one that came in its place.
fn replaced(before: &[i64], now: &[i64]) -> Vec<(i64, i64)> {
    let gone = before.iter().filter(|id| !now.contains(id)).copied();
    let new: Vec<i64> = now.iter().filter(|id| !before.contains(id)).copied().collect();
    let Some(last) = new.last().copied() else { return Vec::new() };
    gone.zip(new.into_iter().chain(std::iter::repeat(last))).collect()
}

/// Notes which of these tracks have other titles of albums and other artists than before.
pub(super) fn note(
    connection: &mut DbConnection,
    rows: &[(&FoundFile, i64)],
    albums_had: &HashMap<i64, Had>,
    artists_had: &HadArtists,
    ids: &NameIds,
) -> Result<(), DbError> {
    let mut left = Vec::new();
    let mut by_track: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for (file, id) in rows {
        let Ok(content) = &file.content else { continue };
        let key = identity(&content.album.title);
        if let Some(had) = albums_had.get(id).filter(|had| had.is_settled && !had.key.is_empty() && had.key != key) {
            left.push((*id, had.album_id));
        }
        let names = [(&artists_had.of_tracks, &content.artists), (&artists_had.of_albums, &content.album.artists)];
        for (before, now) in names {
            let Some(before) = before.get(id) else { continue };
            let pairs = replaced(before, &ids_of(now.iter().map(String::as_str), &ids.artists));
            if !pairs.is_empty() {
                by_track.entry(*id).or_default().extend(pairs);
            }
        }
    }
    note_albums(connection, &left)?;
    note_artists(connection, by_track)
}

fn note_albums(connection: &mut DbConnection, left: &[(i64, i64)]) -> Result<(), DbError> {
    if left.is_empty() {
        return Ok(());
    }
    let known = former_albums::table.filter(former_albums::track_id.eq_any(left.iter().map(|(track, _)| *track)));
    let known: HashSet<(i64, i64)> = known.load(connection)?.into_iter().collect();
    let new = left.iter().filter(|pair| !known.contains(pair));
    let new: Vec<_> =
        new.map(|(track, album)| (former_albums::track_id.eq(*track), former_albums::album_id.eq(*album))).collect();
    insert_all!(connection, former_albums::table, new);
    Ok(())
}

fn note_artists(connection: &mut DbConnection, by_track: BTreeMap<i64, Vec<(i64, i64)>>) -> Result<(), DbError> {
    if by_track.is_empty() {
        return Ok(());
    }
    let here = || former_artists::table.filter(former_artists::track_id.eq_any(by_track.keys()));
    let known: Vec<(i64, i64, i64)> = here().load(connection)?;
    diesel::delete(here()).execute(connection)?;
    let mut all: BTreeMap<(i64, i64), i64> =
        known.into_iter().map(|(track, before, now)| ((track, before), now)).collect();
    for (track, pairs) in by_track {
        for (before, now) in pairs {
            let earlier = all.range_mut((track, i64::MIN)..=(track, i64::MAX));
            earlier.filter(|(_, to)| **to == before).for_each(|(_, to)| *to = now);
            all.insert((track, before), now);
        }
    }
    let rows = all.into_iter().filter(|((_, before), now)| before != now);
    let rows: Vec<_> = rows
        .map(|((track, before), now)| {
            (former_artists::track_id.eq(track), former_artists::artist_id.eq(before), former_artists::now_id.eq(now))
        })
        .collect();
    insert_all!(connection, former_artists::table, rows);
    Ok(())
}

/// What may be renamed.
#[derive(Debug, Clone, Copy)]
enum RenamedKind {
    Album,
    Artist,
}

impl RenamedKind {
    /// Finds those that tracks left, and that have no tracks now.
    const fn emptied(self) -> &'static str {
        match self {
            Self::Album => {
                "SELECT DISTINCT former_albums.album_id AS id FROM former_albums WHERE NOT EXISTS (
                     SELECT 1 FROM tracks WHERE tracks.album_id = former_albums.album_id AND NOT tracks.missing
                 ) ORDER BY id LIMIT $1"
            }
            Self::Artist => {
                "SELECT DISTINCT former_artists.artist_id AS id FROM former_artists WHERE NOT EXISTS (
                     SELECT 1 FROM track_artists JOIN tracks ON tracks.id = track_artists.track_id
                     WHERE track_artists.artist_id = former_artists.artist_id AND NOT tracks.missing
                 ) AND NOT EXISTS (
                     SELECT 1 FROM album_artists JOIN albums ON albums.id = album_artists.album_id
                     WHERE album_artists.artist_id = former_artists.artist_id AND albums.track_count > 0
                 ) ORDER BY id LIMIT $1"
            }
        }
    }

    /// Finds the tracks that left one and are there, and which one each has now.
    const fn went(self) -> &'static str {
        match self {
            Self::Album => {
                "SELECT tracks.id AS track_id, tracks.album_id AS now_id FROM former_albums
                 JOIN tracks ON tracks.id = former_albums.track_id
                 WHERE former_albums.album_id = $1 AND NOT tracks.missing"
            }
            Self::Artist => {
                "SELECT tracks.id AS track_id, former_artists.now_id AS now_id FROM former_artists
                 JOIN tracks ON tracks.id = former_artists.track_id
                 WHERE former_artists.artist_id = $1 AND NOT tracks.missing"
            }
        }
    }

    /// Counts the tracks that stayed, which are all missing, without those that became part of others.
    const fn stayed(self) -> &'static str {
        match self {
            Self::Album => {
                "SELECT count(*) AS count FROM tracks WHERE album_id = $1
                 AND NOT EXISTS (SELECT 1 FROM merged_tracks WHERE merged_tracks.id = tracks.id)"
            }
            Self::Artist => {
                "SELECT count(*) AS count FROM track_artists WHERE artist_id = $1
                 AND NOT EXISTS (SELECT 1 FROM merged_tracks WHERE merged_tracks.id = track_artists.track_id)"
            }
        }
    }

    const fn forgotten(self) -> &'static str {
        match self {
            Self::Album => "DELETE FROM former_albums WHERE album_id = $1",
            Self::Artist => "DELETE FROM former_artists WHERE artist_id = $1",
        }
    }
}

#[derive(QueryableByName)]
struct Emptied {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Went {
    #[diesel(sql_type = BigInt)]
    track_id: i64,
    #[diesel(sql_type = BigInt)]
    now_id: i64,
}

/// Lets what users saved follow some of the albums and artists that were renamed; returns whether there may be more. To
/// be called when a scan has found all files, and the sums over them are made.
///
/// # Errors
/// Those of the database.
pub fn follow(connection: &mut DbConnection, new_id: &mut impl FnMut() -> i64) -> Result<bool, DbError> {
    connection.prefer_indices()?;
    let mut any = false;
    for kind in [RenamedKind::Album, RenamedKind::Artist] {
        let emptied: Vec<Emptied> = sql_query(kind.emptied()).bind::<BigInt, _>(AT_ONCE).load(connection)?;
        for Emptied { id } in emptied {
            any = true;
            let Some((heir, went)) = heir(connection, kind, id)? else { continue };
            match kind {
                RenamedKind::Album => follow_album(connection, id, heir, &went, new_id)?,
                RenamedKind::Artist => follow_artist(connection, id, heir, &went, new_id)?,
            }
        }
    }
    Ok(any)
}

/// Where most tracks of one that has none now went, and which they are. It is asked for once: what was noted is removed.
fn heir(connection: &mut DbConnection, kind: RenamedKind, gone: i64) -> Result<Option<(i64, HashSet<i64>)>, DbError> {
    let went: Vec<Went> = sql_query(kind.went()).bind::<BigInt, _>(gone).load(connection)?;
    let stayed: RowCount = sql_query(kind.stayed()).bind::<BigInt, _>(gone).get_result(connection)?;
    sql_query(kind.forgotten()).bind::<BigInt, _>(gone).execute(connection)?;
    let went: Vec<(i64, i64)> = went.into_iter().map(|row| (row.track_id, row.now_id)).collect();
    Ok(heir_of(&went, stayed.count))
}

/// Where most of the tracks went: to which id, and which tracks. `left` is the number of tracks that went nowhere.
fn heir_of(now: &[(i64, i64)], left: i64) -> Option<(i64, HashSet<i64>)> {
    let heir = most_common(now.iter().map(|(_, to)| *to))?;
    let went: HashSet<i64> = now.iter().filter(|(_, to)| *to == heir).map(|(track, _)| *track).collect();
    let all = now.len().saturating_add(usize::try_from(left).unwrap_or(usize::MAX));
    (went.len().saturating_mul(2) > all).then_some((heir, went))
}

fn follow_album(
    connection: &mut DbConnection,
    gone: i64,
    heir: i64,
    went: &HashSet<i64>,
    new_id: &mut impl FnMut() -> i64,
) -> Result<(), DbError> {
    let living = tracks::table.filter(tracks::album_id.eq(heir)).filter(tracks::missing.eq(false));
    let living: Vec<i64> = living.select(tracks::id).load(connection)?;
    let has_no_other = living.iter().all(|id| went.contains(id));
    if twins::join_albums(connection, gone, heir, new_id(), has_no_other)? {
        rename(connection, [["former_albums", "album_id"]], heir, gone)?;
        move_tracks(connection, gone, &living)?;
    }
    Ok(())
}

fn follow_artist(
    connection: &mut DbConnection,
    gone: i64,
    heir: i64,
    went: &HashSet<i64>,
    new_id: &mut impl FnMut() -> i64,
) -> Result<(), DbError> {
    let by_heir: Vec<i64> = track_artists::table
        .inner_join(tracks::table.on(tracks::id.eq(track_artists::track_id)))
        .filter(track_artists::artist_id.eq(heir))
        .filter(tracks::missing.eq(false))
        .select(tracks::id)
        .load(connection)?;
    let on_albums: Vec<i64> = album_artists::table
        .inner_join(tracks::table.on(tracks::album_id.eq(album_artists::album_id)))
        .filter(album_artists::artist_id.eq(heir))
        .filter(tracks::missing.eq(false))
        .select(tracks::id)
        .load(connection)?;
    let ages = artists::table.filter(artists::id.eq_any([gone, heir])).select((artists::id, artists::added_us));
    let ages: HashMap<i64, i64> = ages.load(connection)?.into_iter().collect();
    let has_no_other = by_heir.iter().chain(&on_albums).all(|id| went.contains(id));
    if !has_no_other || ages.get(&gone) > ages.get(&heir) {
        return twins::save_as(connection, ["followed_artists", "artist_id"], gone, heir);
    }
    let between = new_id();
    for (from, to) in [(gone, between), (heir, gone), (between, heir)] {
        rename(connection, [["artists", "id"]], from, to)?;
    }
    let columns = [
        ["track_artists", "artist_id"],
        ["album_artists", "artist_id"],
        ["former_artists", "artist_id"],
        ["former_artists", "now_id"],
    ];
    rename(connection, columns, heir, gone)?;
    diesel::update(artists::table.filter(artists::id.eq_any([gone, heir])))
        .set(artists::stale.eq(true))
        .execute(connection)?;
    let of_artist = album_artists::table.filter(album_artists::artist_id.eq(gone)).select(album_artists::album_id);
    let of_artist: Vec<i64> = of_artist.load(connection)?;
    diesel::update(albums::table.filter(albums::id.eq_any(of_artist)))
        .set(albums::stale.eq(true))
        .execute(connection)?;
    let change = changes::take(connection, by_heir.len())?;
    for (id, change) in by_heir.iter().zip(change..) {
        diesel::update(tracks::table.filter(tracks::id.eq(*id))).set(tracks::change.eq(change)).execute(connection)?;
    }
    twins::save_as(connection, ["followed_artists", "artist_id"], heir, gone)
}

/// Replaces an id by another one in these columns.
fn rename<const COUNT: usize>(
    connection: &mut DbConnection,
    columns: [[&str; 2]; COUNT],
    from: i64,
    to: i64,
) -> Result<(), DbError> {
    for [table, column] in columns {
        let renamed = sql_query(format!("UPDATE {table} SET {column} = $1 WHERE {column} = $2"));
        renamed.bind::<BigInt, _>(to).bind::<BigInt, _>(from).execute(connection)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artists_are_replaced_by_those_in_their_place() {
        for (before, now, expected) in [
            (&[1][..], &[2][..], &[(1, 2)][..]),
            (&[1, 3], &[2, 3], &[(1, 2)]),
            (&[1, 2], &[3, 4], &[(1, 3), (2, 4)]),
            (&[1, 2], &[3], &[(1, 3), (2, 3)]),
            (&[1], &[2, 3], &[(1, 2)]),
            (&[1, 2], &[2], &[]),
            (&[1, 2], &[2, 1], &[]),
            (&[], &[1], &[]),
        ] {
            assert_eq!(replaced(before, now), expected, "{before:?} to {now:?}");
        }
    }

    #[test]
    fn most_tracks_decide_where_what_was_saved_goes() {
        assert_eq!(heir_of(&[(1, 7), (2, 7), (3, 8)], 0), Some((7, HashSet::from([1, 2]))));
        assert_eq!(heir_of(&[(1, 7), (2, 8)], 0), None);
        assert_eq!(heir_of(&[(1, 7)], 1), None, "half of them are missing");
        assert_eq!(heir_of(&[], 1), None);
    }
}
