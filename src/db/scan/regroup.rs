//! Makes the albums of a title: which of its tracks are one album, and which row that album has.

use super::{
    Content,
    names::{mark_artists, new_album},
};
use crate::{
    db::{
        DbConnection, DbError, changes,
        connection::insert_all,
        schema::{album_artists, albums, artists, saved_albums, stale_titles, track_albums, track_artists, tracks},
    },
    values::{
        grouping::{self, AlbumClues, AlbumGroup, most_common},
        spelling::{identity, sort_key},
    },
};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, Insertable, JoinOnDsl as _, NullableExpressionMethods as _,
    QueryDsl as _, Queryable, RunQueryDsl as _, Selectable, SelectableHelper as _,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The most titles whose albums are made in one transaction.
const TITLES: i64 = 100;
/// No more titles are begun in a transaction that has this many tracks.
const TRACKS: usize = 5_000;

/// What was known of the album of a track before its file was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Had {
    pub(super) album_id: i64,
    /// The identity of the album's title.
    pub(super) key: String,
    /// Whether the album was made of what the file said.
    pub(super) is_settled: bool,
}

/// What is known of the albums of these tracks; files that were read by an earlier version count as settled.
pub(super) fn had(connection: &mut DbConnection, track_ids: &[i64]) -> Result<HashMap<i64, Had>, DbError> {
    type HadRow = (i64, i64, Option<String>, Option<bool>);
    let rows: Vec<HadRow> = tracks::table
        .left_join(albums::table.on(albums::id.eq(tracks::album_id)))
        .left_join(track_albums::table.on(track_albums::track_id.eq(tracks::id)))
        .filter(tracks::id.eq_any(track_ids))
        .select((tracks::id, tracks::album_id, albums::identity.nullable(), track_albums::settled.nullable()))
        .load(connection)?;
    let known = |(id, album_id, key, settled): HadRow| {
        (id, Had { album_id, key: key.unwrap_or_default(), is_settled: settled.unwrap_or(true) })
    };
    Ok(rows.into_iter().map(known).collect())
}

/// A row of `track_albums`.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = track_albums)]
pub(super) struct CluesRow {
    track_id: i64,
    title: String,
    title_key: String,
    artists: String,
    release_id: Option<String>,
    compilation: bool,
    place: i64,
    home: i64,
    settled: bool,
    disc_known: bool,
}

pub(super) fn clues_row(content: &Content, track_id: i64, title_key: String, settled: bool) -> CluesRow {
    let album = &content.album;
    CluesRow {
        track_id,
        title: album.title.clone(),
        title_key,
        artists: album.artists.join("\n"),
        release_id: album.release.clone(),
        compilation: album.compilation,
        place: album.place,
        home: album.home,
        settled,
        disc_known: content.disc_known,
    }
}

/// Writes rows in place of those of the same tracks.
pub(super) fn store(connection: &mut DbConnection, rows: &[CluesRow]) -> Result<(), DbError> {
    let ids = rows.iter().map(|row| row.track_id);
    diesel::delete(track_albums::table.filter(track_albums::track_id.eq_any(ids))).execute(connection)?;
    insert_all!(connection, track_albums::table, rows);
    Ok(())
}

/// Notes that the albums of the titles of these tracks have to be made again.
pub(super) fn mark_titles(connection: &mut DbConnection, track_ids: &[i64]) -> Result<(), DbError> {
    let of_tracks = track_albums::table.filter(track_albums::track_id.eq_any(track_ids));
    let keys: Vec<String> = of_tracks.select(track_albums::title_key).distinct().load(connection)?;
    let known = stale_titles::table.filter(stale_titles::title_key.eq_any(&keys));
    let known: HashSet<String> = known.select(stale_titles::title_key).load(connection)?.into_iter().collect();
    let new: Vec<_> = keys
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter(|key| !known.contains(key))
        .map(|key| stale_titles::title_key.eq(key))
        .collect();
    insert_all!(connection, stale_titles::table, new);
    Ok(())
}

/// Makes the albums of some stale titles; returns whether there were any.
pub(super) fn regroup(
    connection: &mut DbConnection,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<bool, DbError> {
    let stale = stale_titles::table.order(stale_titles::title_key).limit(TITLES);
    let keys: Vec<String> = stale.select(stale_titles::title_key).load(connection)?;
    let mut count = 0_usize;
    for key in &keys {
        count = count.saturating_add(regroup_title(connection, key, now_us, new_id)?);
        diesel::delete(stale_titles::table.filter(stale_titles::title_key.eq(key))).execute(connection)?;
        if count > TRACKS {
            break;
        }
    }
    Ok(!keys.is_empty())
}

/// A track of a title.
struct Member {
    clues: CluesRow,
    /// The album that it is on.
    album_id: i64,
}

/// Makes the albums of one title; returns the number of its tracks.
fn regroup_title(
    connection: &mut DbConnection,
    key: &str,
    now_us: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<usize, DbError> {
    let (members, clues) = members(connection, key)?;
    let groups = grouping::albums(&clues);
    let of_title = albums::table.filter(albums::identity.eq(key)).order(albums::id).select(albums::id);
    let rows: Vec<i64> = of_title.load(connection)?;
    let free = free_rows(connection, &rows)?;
    let known: HashSet<i64> = rows.into_iter().collect();
    let mut chosen = choose(&members, &groups, &known);
    let mut free = free.into_iter();
    for (group, chosen) in groups.iter().zip(&mut chosen) {
        if chosen.is_none() {
            let title = title_of(&members, group);
            *chosen = Some(match free.next() {
                Some(id) => id,
                None => new_album(connection, key, &title, now_us, new_id)?,
            });
        }
    }
    let mut moved: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut left: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (group, album_id) in groups.iter().zip(chosen.iter().flatten()) {
        for member in group.tracks.iter().filter_map(|index| members.get(*index)) {
            if member.album_id != *album_id {
                moved.entry(*album_id).or_default().push(member.clues.track_id);
            }
            if member.clues.settled {
                left.entry(member.album_id).or_default().push(*album_id);
            }
        }
        describe(connection, *album_id, &members, group)?;
    }
    for (album_id, track_ids) in &moved {
        move_tracks(connection, *album_id, track_ids)?;
    }
    let unsettled = members.iter().filter(|member| !member.clues.settled).map(|member| member.clues.track_id);
    for ids in unsettled.collect::<Vec<_>>().chunks(1_000) {
        diesel::update(track_albums::table.filter(track_albums::track_id.eq_any(ids)))
            .set(track_albums::settled.eq(true))
            .execute(connection)?;
    }
    // An album whose tracks are all on others now was split by mistake: it is saved no more, the one that has most is.
    let used: HashSet<i64> = chosen.iter().flatten().copied().collect();
    for (album_id, now) in left.into_iter().filter(|(album_id, _)| !used.contains(album_id)) {
        if let Some(heir) = most_common(now.into_iter()) {
            inherit_saves(connection, album_id, heir)?;
        }
    }
    let all: Vec<i64> = known.union(&used).copied().collect();
    let fresh = albums::table.filter(albums::id.eq_any(all)).filter(albums::stale.eq(false));
    diesel::update(fresh).set(albums::stale.eq(true)).execute(connection)?;
    Ok(members.len())
}

/// The tracks of a title that are not missing, in a fixed order.
fn members(connection: &mut DbConnection, key: &str) -> Result<(Vec<Member>, Vec<AlbumClues>), DbError> {
    type MemberRow = (CluesRow, (i64, String, i64, Option<i64>, Option<String>), Option<String>);
    let first_artist =
        track_artists::table.on(track_artists::track_id.eq(tracks::id).and(track_artists::position.eq(0)));
    let rows: Vec<MemberRow> = track_albums::table
        .inner_join(tracks::table.on(tracks::id.eq(track_albums::track_id)))
        .left_join(first_artist)
        .left_join(artists::table.on(artists::id.nullable().eq(track_artists::artist_id.nullable())))
        .filter(track_albums::title_key.eq(key))
        .filter(tracks::missing.eq(false))
        .order(tracks::id)
        .select((
            CluesRow::as_select(),
            (tracks::album_id, tracks::title, tracks::disc, tracks::number, tracks::date),
            artists::identity.nullable(),
        ))
        .load(connection)?;
    let (mut members, mut clues) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for (row, (album_id, title, disc, number, date), artist) in rows {
        clues.push(AlbumClues {
            title: identity(&title),
            artist: artist.unwrap_or_default(),
            album_artists: row.artists.lines().map(identity).collect(),
            release: row.release_id.clone(),
            date,
            compilation: row.compilation,
            place: row.place,
            home: row.home,
            disc,
            number,
        });
        members.push(Member { clues: row, album_id });
    }
    Ok((members, clues))
}

/// Those of these rows on which no track ever was for good: they were made while files were recorded.
fn free_rows(connection: &mut DbConnection, rows: &[i64]) -> Result<Vec<i64>, DbError> {
    let taken: HashSet<i64> = tracks::table
        .left_join(track_albums::table.on(track_albums::track_id.eq(tracks::id)))
        .filter(tracks::album_id.eq_any(rows))
        .filter(track_albums::settled.nullable().is_null().or(track_albums::settled.nullable().eq(true)))
        .select(tracks::album_id)
        .distinct()
        .load(connection)?
        .into_iter()
        .collect();
    Ok(rows.iter().copied().filter(|id| !taken.contains(id)).collect())
}

/// The row of each album: the one on which most of its tracks are, each row once.
fn choose(members: &[Member], groups: &[AlbumGroup], known: &HashSet<i64>) -> Vec<Option<i64>> {
    let mut shares = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for member in group.tracks.iter().filter_map(|index| members.get(*index)) {
            if member.clues.settled && known.contains(&member.album_id) {
                *counts.entry(member.album_id).or_default() += 1;
            }
        }
        shares.extend(counts.into_iter().map(|(album_id, count)| (std::cmp::Reverse(count), index, album_id)));
    }
    // Groups are in the order of the smallest ids of their tracks.
    shares.sort_unstable();
    let (mut chosen, mut taken) = (vec![None; groups.len()], HashSet::new());
    for (_, index, album_id) in shares {
        if let Some(chosen @ None) = chosen.get_mut(index)
            && taken.insert(album_id)
        {
            *chosen = Some(album_id);
        }
    }
    chosen
}

fn of_group<'a>(members: &'a [Member], group: &'a AlbumGroup) -> impl Iterator<Item = &'a CluesRow> {
    group.tracks.iter().filter_map(|index| members.get(*index)).map(|member| &member.clues)
}

/// The most frequent spelling of the title.
fn title_of(members: &[Member], group: &AlbumGroup) -> String {
    most_common(of_group(members, group).map(|clues| clues.title.as_str())).unwrap_or_default().to_owned()
}

/// Writes what an album is called, by whom it is, and why it is one.
fn describe(
    connection: &mut DbConnection,
    album_id: i64,
    members: &[Member],
    group: &AlbumGroup,
) -> Result<(), DbError> {
    let all = || of_group(members, group);
    let title = title_of(members, group);
    let keys = |artists: &str| artists.lines().map(identity).collect::<Vec<_>>();
    let marked = all().filter(|clues| clues.compilation).count();
    let compilation = marked.saturating_mul(2) >= group.tracks.len() && marked > 0;
    let all_tagged = || all().filter(|clues| !clues.artists.is_empty()).map(|clues| keys(&clues.artists));
    // A compilation each of whose tracks has its own artist as album artist is by various artists.
    let is_shared = |artists: &Vec<String>| {
        let (count, all) = (all_tagged().filter(|other| other == artists).count(), all_tagged().count());
        !compilation || count == all || count.saturating_mul(2) > all
    };
    let tagged = most_common(all_tagged()).filter(is_shared);
    let columns = (
        albums::title.eq(&title),
        albums::sort_key.eq(sort_key(&title)),
        albums::tagged.eq(tagged.is_some()),
        albums::compilation.eq(compilation),
        albums::why.eq(&group.why),
    );
    diesel::update(albums::table.filter(albums::id.eq(album_id))).set(columns).execute(connection)?;
    let Some(tagged) = tagged else { return Ok(()) };
    let spellings = || all().map(|clues| clues.artists.as_str()).filter(|artists| keys(artists) == tagged);
    let names = most_common(spellings()).unwrap_or_default();
    set_artists(connection, album_id, &tagged, &names.lines().collect::<Vec<_>>())
}

/// Makes these the artists of an album; those that were are marked stale.
fn set_artists(
    connection: &mut DbConnection,
    album_id: i64,
    identities: &[String],
    names: &[&str],
) -> Result<(), DbError> {
    let ids = artists::table.filter(artists::identity.eq_any(identities)).select((artists::identity, artists::id));
    let ids: HashMap<String, i64> = ids.load(connection)?.into_iter().collect();
    let mut wanted: Vec<(i64, String)> = Vec::new();
    for (identity, name) in identities.iter().zip(names) {
        if let Some(id) = ids.get(identity).filter(|id| !wanted.iter().any(|(known, _)| known == *id)) {
            wanted.push((*id, (*name).to_owned()));
        }
    }
    let here = album_artists::table.filter(album_artists::album_id.eq(album_id));
    let before: Vec<(i64, String)> =
        here.order(album_artists::position).select((album_artists::artist_id, album_artists::name)).load(connection)?;
    if before == wanted {
        return Ok(());
    }
    diesel::delete(here).execute(connection)?;
    let rows: Vec<_> = (0_i64..)
        .zip(&wanted)
        .map(|(position, (artist_id, name))| {
            (
                album_artists::album_id.eq(album_id),
                album_artists::position.eq(position),
                album_artists::artist_id.eq(artist_id),
                album_artists::name.eq(name),
            )
        })
        .collect();
    insert_all!(connection, album_artists::table, rows);
    mark_artists(connection, &before.iter().chain(&wanted).map(|(id, _)| *id).collect::<Vec<_>>())
}

pub(super) fn move_tracks(connection: &mut DbConnection, album_id: i64, track_ids: &[i64]) -> Result<(), DbError> {
    let change = changes::take(connection, track_ids.len())?;
    for (id, change) in track_ids.iter().zip(change..) {
        diesel::update(tracks::table.filter(tracks::id.eq(*id)))
            .set((tracks::album_id.eq(album_id), tracks::change.eq(change)))
            .execute(connection)?;
    }
    Ok(())
}

/// Saves album `heir` for those who saved `album_id`.
fn inherit_saves(connection: &mut DbConnection, album_id: i64, heir: i64) -> Result<(), DbError> {
    let of = |id| saved_albums::table.filter(saved_albums::album_id.eq(id));
    let have: Vec<i64> = of(heir).select(saved_albums::user_id).load(connection)?;
    diesel::delete(of(album_id).filter(saved_albums::user_id.eq_any(have))).execute(connection)?;
    diesel::update(of(album_id)).set(saved_albums::album_id.eq(heir)).execute(connection)?;
    Ok(())
}
