//! Music that was copied and then deleted where it was: the copy got an id of its own while both were there, and the
//! playlists name the other one. When a file is gone and the same music is in another one, the two tracks become one
//! with the older id, and all that hung on either hangs on it.

use super::write;
use crate::db::{
    DbConnection, DbError, changes,
    connection::insert_all,
    merged,
    schema::{
        album_artists, albums, departed_files, files, merged_tracks, playlist_items, playlists, plays, track_albums,
        tracks,
    },
};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, sql_query, sql_types::BigInt,
};
use std::collections::BTreeSet;

/// The most files that are looked at in one transaction.
const AT_ONCE: i64 = 200;
/// The most files that are compared for each of them, on average.
const CANDIDATES: i64 = 16;
/// By how much the lengths of the same recording in two codings may differ, in milliseconds.
const LENGTHS_MS: i64 = 1_000;

/// Every table with rows of a track itself, by its column `track_id`.
const ROWS_OF_TRACKS: [&str; 6] =
    ["former_albums", "former_artists", "sort_names", "track_albums", "track_artists", "track_genres"];

/// A file with a track.
#[derive(Debug, Clone)]
struct Twin {
    id: i64,
    name: Vec<u8>,
    fingerprint: String,
    /// The SHA-256, if the file was read as a whole.
    sha256: Option<String>,
    tag_key: Option<i64>,
    /// Disc, number and length.
    on_album: (i64, Option<i64>, i64),
    /// Whether tags or path have the disc.
    disc_known: bool,
    /// When it came out: a remaster is another recording.
    date: Option<String>,
    album_id: i64,
    added_us: i64,
    /// Whether another track became part of it just now.
    is_taken: bool,
}

impl Twin {
    /// How well another file fits as the copy of this one: the greatest is the best. `None` when it is other music.
    fn fit(&self, other: &Self) -> Option<(bool, bool, bool, bool, i64, i64)> {
        let bytes_differ = matches!((&self.sha256, &other.sha256), (Some(one), Some(other)) if one != other);
        let is_copy = !self.fingerprint.is_empty() && self.fingerprint == other.fingerprint && !bytes_differ;
        let ((disc, number, ms), (other_disc, other_number, other_ms)) = (self.on_album, other.on_album);
        let are_equal = (disc, number, &self.date) == (other_disc, other_number, &other.date);
        let is_recording = self.tag_key.is_some()
            && self.tag_key == other.tag_key
            && (disc == other_disc || !(self.disc_known && other.disc_known))
            && (number == other_number || number.is_none() || other_number.is_none())
            && dates_agree(self.date.as_deref(), other.date.as_deref())
            && ms.abs_diff(other_ms) <= LENGTHS_MS.unsigned_abs();
        (is_copy || is_recording).then(|| {
            let is_named_alike = self.name == other.name;
            (is_copy, are_equal, !other.is_taken, is_named_alike, other.added_us, other.id)
        })
    }
}

/// Whether two dates may be that of one recording: one is missing, or says the same less precisely.
fn dates_agree(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    one.starts_with(other) || other.starts_with(one)
}

/// Notes files that went missing, for [`reunite`].
pub(super) fn note(connection: &mut DbConnection, ids: &[i64]) -> Result<(), DbError> {
    diesel::delete(departed_files::table.filter(departed_files::id.eq_any(ids))).execute(connection)?;
    let rows: Vec<_> = ids.iter().map(|id| departed_files::id.eq(*id)).collect();
    insert_all!(connection, departed_files::table, rows);
    Ok(())
}

/// Notes files that are missing and have one of these fingerprints or tag keys: another file has it now.
pub(super) fn note_alike(
    connection: &mut DbConnection,
    fingerprints: &[&str],
    tag_keys: &[i64],
) -> Result<(), DbError> {
    let missing = || files::table.filter(files::missing_us.is_not_null()).select(files::id);
    let mut alike: Vec<i64> = missing().filter(files::fingerprint.eq_any(fingerprints)).load(connection)?;
    alike.extend(missing().filter(files::tag_key.eq_any(tag_keys)).load::<i64>(connection)?);
    alike.sort_unstable();
    alike.dedup();
    if alike.is_empty() { Ok(()) } else { note(connection, &alike) }
}

/// Joins some of the tracks whose files went missing with those that have the same music; returns whether there may be
/// more. To be called when a scan has found all files that moved.
///
/// # Errors
/// Those of the database.
pub fn reunite(connection: &mut DbConnection, new_id: &mut impl FnMut() -> i64) -> Result<bool, DbError> {
    connection.prefer_indices()?;
    let some = departed_files::table.select(departed_files::id).order(departed_files::id).limit(AT_ONCE);
    let some: Vec<i64> = some.load(connection)?;
    if some.is_empty() {
        return Ok(false);
    }
    diesel::delete(departed_files::table.filter(departed_files::id.eq_any(&some))).execute(connection)?;
    let gone = load(connection, TwinsOf::Gone(&some))?;
    let mut living = load(connection, TwinsOf::Like(&gone))?;
    let (mut albums_of, mut all_lost) = (BTreeSet::new(), Vec::new());
    for gone in gone {
        let Some(twin) =
            living.iter_mut().filter_map(|twin| Some((gone.fit(twin)?, twin))).max_by(|a, b| a.0.cmp(&b.0))
        else {
            continue;
        };
        let twin = twin.1;
        albums_of.insert((gone.album_id, twin.album_id));
        let keeps_gone = gone.added_us < twin.added_us || (gone.added_us == twin.added_us && !twin.is_taken);
        let (kept, lost) = if keeps_gone { (gone.id, twin.id) } else { (twin.id, gone.id) };
        write::mark_stale(connection, &[kept, lost])?;
        if keeps_gone {
            swap_tracks(connection, kept, lost, new_id())?;
        }
        strip_row(connection, lost, gone.added_us.min(twin.added_us), kept)?;
        hand_over(connection, lost, kept, new_id)?;
        write::mark_stale(connection, &[kept])?;
        all_lost.push(lost);
        (twin.id, twin.added_us, twin.is_taken) = (kept, gone.added_us.min(twin.added_us), true);
    }
    hand_over_plays(connection, &all_lost)?;
    for (gone, twin) in albums_of.into_iter().filter(|(gone, twin)| gone != twin) {
        join_albums(connection, gone, twin, new_id(), true)?;
    }
    Ok(true)
}

/// Which files are loaded.
#[derive(Debug, Clone, Copy)]
enum TwinsOf<'a> {
    /// Those with these ids that are missing.
    Gone(&'a [i64]),
    /// Those that are there, and may have the music of one of these.
    Like(&'a [Twin]),
}

fn load(connection: &mut DbConnection, wanted: TwinsOf<'_>) -> Result<Vec<Twin>, DbError> {
    type FileColumns = (i64, Vec<u8>, String, Option<String>, i64, Option<i64>);
    type Columns = (FileColumns, (i64, Option<i64>, i64), (Option<String>, i64, i64, Option<bool>));
    macro_rules! twins {
        ($filter:expr) => {
            files::table
                .inner_join(tracks::table.on(tracks::id.eq(files::id)))
                .left_join(track_albums::table.on(track_albums::track_id.eq(files::id)))
                .filter($filter)
                .select((
                    (files::id, files::name, files::fingerprint, files::sha256, files::sha256_us, files::tag_key),
                    (tracks::disc, tracks::number, tracks::duration_ms),
                    (tracks::date, tracks::album_id, tracks::added_us, track_albums::disc_known.nullable()),
                ))
        };
    }
    let is_there = || files::missing_us.is_null().and(files::error.is_null());
    let mut rows: Vec<Columns> = match wanted {
        TwinsOf::Gone(ids) => {
            twins!(files::id.eq_any(ids).and(files::missing_us.is_not_null())).order(files::id).load(connection)?
        }
        TwinsOf::Like(gone) => {
            let limit = i64::try_from(gone.len()).unwrap_or(i64::MAX).saturating_mul(CANDIDATES);
            let fingerprints: Vec<&str> =
                gone.iter().map(|file| file.fingerprint.as_str()).filter(|text| !text.is_empty()).collect();
            let tag_keys: Vec<i64> = gone.iter().filter_map(|file| file.tag_key).collect();
            let copies = twins!(files::fingerprint.eq_any(fingerprints).and(is_there()));
            let mut rows: Vec<Columns> = copies.order((files::fingerprint, files::id)).limit(limit).load(connection)?;
            let recordings = twins!(files::tag_key.eq_any(tag_keys).and(is_there()));
            rows.extend(recordings.order((files::tag_key, files::id)).limit(limit).load::<Columns>(connection)?);
            rows
        }
    };
    rows.sort_by_key(|row| row.0.0);
    rows.dedup_by_key(|row| row.0.0);
    let twin = |row: Columns| {
        let ((id, name, fingerprint, sha256, sha256_us, tag_key), on_album, (date, album_id, added_us, known)) = row;
        // Files without such a row were read by an earlier version.
        let disc_known = known.unwrap_or(true);
        let sha256 = sha256.filter(|_| sha256_us > 0);
        Twin { id, name, fingerprint, sha256, tag_key, on_album, disc_known, date, album_id, added_us, is_taken: false }
    };
    Ok(rows.into_iter().map(twin).collect())
}

/// Replaces an id by another one in the rows of tables.
macro_rules! rename {
    ($connection:expr; $($column:ident of $table:ident: $from:expr => $to:expr;)+) => {$(
        diesel::update($table::table.filter($table::$column.eq($from)))
            .set($table::$column.eq($to))
            .execute($connection)?;
    )+};
}

/// Exchanges the ids of two files and their tracks, of which one is gone.
fn swap_tracks(connection: &mut DbConnection, gone: i64, there: i64, between: i64) -> Result<(), DbError> {
    forget_rows(connection, gone)?;
    for table in ROWS_OF_TRACKS {
        let renamed = format!("UPDATE {table} SET track_id = $1 WHERE track_id = $2");
        sql_query(renamed).bind::<BigInt, _>(gone).bind::<BigInt, _>(there).execute(connection)?;
    }
    rename! { connection;
        id of files: gone => between;
        id of files: there => gone;
        id of files: between => there;
        id of tracks: gone => between;
        id of tracks: there => gone;
        id of tracks: between => there;
    }
    Ok(())
}

/// Removes the rows of a track whose file is gone for good.
fn forget_rows(connection: &mut DbConnection, track_id: i64) -> Result<(), DbError> {
    for table in ROWS_OF_TRACKS {
        let removed = sql_query(format!("DELETE FROM {table} WHERE track_id = $1"));
        removed.bind::<BigInt, _>(track_id).execute(connection)?;
    }
    Ok(())
}

/// Takes from a missing file's row all by which a file could be recognised as it, and keeps that it is part of `kept` now,
/// which was added at `added_us`.
fn strip_row(connection: &mut DbConnection, lost: i64, added_us: i64, kept: i64) -> Result<(), DbError> {
    forget_rows(connection, lost)?;
    let nothing = (
        (files::folder_id.eq(files::id), files::name.eq(Vec::<u8>::new())),
        (files::version.eq(""), files::fingerprint.eq(""), files::look.eq("")),
        (files::sha256.eq(None::<String>), files::tag_key.eq(None::<i64>)),
    );
    diesel::update(files::table.filter(files::id.eq(lost))).set(nothing).execute(connection)?;
    let change = changes::take(connection, 2)?;
    for ((id, added_us), change) in [(kept, Some(added_us)), (lost, None)].into_iter().zip(change..) {
        let here = || tracks::table.filter(tracks::id.eq(id));
        diesel::update(here()).set(tracks::change.eq(change)).execute(connection)?;
        if let Some(added_us) = added_us {
            diesel::update(here()).set(tracks::added_us.eq(added_us)).execute(connection)?;
        }
    }
    let chained = merged_tracks::table.filter(merged_tracks::into_id.eq(lost));
    diesel::update(chained).set(merged_tracks::into_id.eq(kept)).execute(connection)?;
    let row = (merged_tracks::id.eq(lost), merged_tracks::into_id.eq(kept));
    diesel::insert_into(merged_tracks::table).values(row).execute(connection)?;
    Ok(())
}

/// Lets all that hangs on the track `lost` hang on `kept`: what users saved, playlists, the number of plays.
fn hand_over(
    connection: &mut DbConnection,
    lost: i64,
    kept: i64,
    new_id: &mut impl FnMut() -> i64,
) -> Result<(), DbError> {
    save_as(connection, ["saved_tracks", "track_id"], lost, kept)?;
    let lists = playlist_items::table.filter(playlist_items::track_id.eq(lost)).select(playlist_items::playlist_id);
    let lists: Vec<i64> = lists.distinct().load(connection)?;
    let items = playlist_items::table.filter(playlist_items::track_id.eq(lost));
    diesel::update(items).set(playlist_items::track_id.eq(kept)).execute(connection)?;
    let change = changes::take(connection, lists.len())?;
    for (list, change) in lists.into_iter().zip(change..) {
        let row = (playlists::snapshot.eq(new_id()), playlists::change.eq(change));
        diesel::update(playlists::table.filter(playlists::id.eq(list))).set(row).execute(connection)?;
    }
    sql_query(
        "INSERT INTO play_counts (media_id, plays) SELECT $1, plays FROM play_counts WHERE media_id = $2
         ON CONFLICT (media_id) DO UPDATE SET plays = play_counts.plays + excluded.plays",
    )
    .bind::<BigInt, _>(kept)
    .bind::<BigInt, _>(lost)
    .execute(connection)?;
    sql_query("DELETE FROM play_counts WHERE media_id = $1").bind::<BigInt, _>(lost).execute(connection)?;
    Ok(())
}

/// Lets the plays of all these tracks be plays of those that they are part of. No index finds the plays of a track, so
/// that this is one pass over all plays.
fn hand_over_plays(connection: &mut DbConnection, all_lost: &[i64]) -> Result<(), DbError> {
    let targets = merged::targets(connection, all_lost.iter().copied())?;
    let lost = plays::table.filter(plays::media_id.eq_any(all_lost)).filter(plays::kind.eq("track"));
    let played: Vec<i64> = lost.select(plays::media_id).distinct().load(connection)?;
    for (lost, kept) in played.iter().filter_map(|lost| Some((*lost, *targets.get(lost)?))) {
        let here = plays::table.filter(plays::media_id.eq(lost)).filter(plays::kind.eq("track"));
        diesel::update(here).set(plays::media_id.eq(kept)).execute(connection)?;
    }
    Ok(())
}

/// Each user who has saved `lost` has saved `kept` then, since the earlier of both times.
pub(super) fn save_as(
    connection: &mut DbConnection,
    [table, column]: [&str; 2],
    lost: i64,
    kept: i64,
) -> Result<(), DbError> {
    let copied = format!(
        "INSERT INTO {table} (user_id, {column}, added_us) SELECT user_id, $1, added_us FROM {table} WHERE {column} = $2
         ON CONFLICT (user_id, {column}) DO UPDATE SET added_us =
         CASE WHEN excluded.added_us < {table}.added_us THEN excluded.added_us ELSE {table}.added_us END"
    );
    sql_query(copied).bind::<BigInt, _>(kept).bind::<BigInt, _>(lost).execute(connection)?;
    sql_query(format!("DELETE FROM {table} WHERE {column} = $1")).bind::<BigInt, _>(lost).execute(connection)?;
    Ok(())
}

/// Makes one of an album whose tracks are all gone and of the one to which the same tracks belong now: the older id stays,
/// if `may_keep`. Returns whether the id `gone` stayed.
pub(super) fn join_albums(
    connection: &mut DbConnection,
    gone: i64,
    there: i64,
    between: i64,
    may_keep: bool,
) -> Result<bool, DbError> {
    let living = tracks::table.filter(tracks::album_id.eq(gone)).filter(tracks::missing.eq(false));
    let living: Option<i64> = living.select(tracks::id).first(connection).optional()?;
    let ages = albums::table.filter(albums::id.eq_any([gone, there])).select((albums::id, albums::added_us));
    let ages: Vec<(i64, i64)> = ages.load(connection)?;
    let age = |id| ages.iter().find(|(album, _)| *album == id).map(|(_, added_us)| *added_us);
    let (Some(gone_us), Some(there_us), None) = (age(gone), age(there), living) else { return Ok(false) };
    if gone_us > there_us || !may_keep {
        save_as(connection, ["saved_albums", "album_id"], gone, there)?;
        return Ok(false);
    }
    diesel::delete(album_artists::table.filter(album_artists::album_id.eq(gone))).execute(connection)?;
    rename! { connection;
        id of albums: gone => between;
        id of albums: there => gone;
        id of albums: between => there;
        album_id of album_artists: there => gone;
        album_id of tracks: there => gone;
    }
    diesel::update(albums::table.filter(albums::id.eq_any([gone, there])))
        .set(albums::stale.eq(true))
        .execute(connection)?;
    save_as(connection, ["saved_albums", "album_id"], there, gone)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_a_disc_or_a_number_that_one_file_lacks_makes_no_other_recording() {
        let twin = |date: &str, disc: Option<i64>, number: Option<i64>| Twin {
            id: 1,
            name: Vec::new(),
            fingerprint: String::new(),
            sha256: None,
            tag_key: Some(1),
            on_album: (disc.unwrap_or(1), number, 1_000),
            disc_known: disc.is_some(),
            date: (!date.is_empty()).then(|| date.to_owned()),
            album_id: 1,
            added_us: 1,
            is_taken: false,
        };
        let plain = twin("1999", Some(1), Some(3));
        let fits = |other: &Twin| {
            assert_eq!(plain.fit(other).is_some(), other.fit(&plain).is_some(), "{other:?}");
            plain.fit(other).is_some()
        };
        for other in [
            twin("1999", Some(1), Some(3)),
            twin("", Some(1), Some(3)),
            twin("1999-05-01", Some(1), Some(3)),
            twin("1999", None, Some(3)),
            twin("1999", Some(1), None),
        ] {
            assert!(fits(&other), "{other:?}");
        }
        for other in [twin("2001", Some(1), Some(3)), twin("1999", Some(2), Some(3)), twin("1999", Some(1), Some(4))] {
            assert!(!fits(&other), "{other:?}");
        }
        assert!(twin("", Some(2), Some(3)).fit(&twin("", None, Some(3))).is_some(), "the disc was not tagged");
        assert!(plain.fit(&plain) > plain.fit(&twin("", None, None)), "the same is preferred");
    }

    #[test]
    fn every_table_of_tracks_is_known_here() {
        let tables = include_str!("../schema.rs").split("diesel::table! {").skip(1);
        let of_tracks = tables.filter(|table| table.contains("track_id -> "));
        let names = of_tracks.filter_map(|table| table.split_whitespace().next());
        let of_users = ["playlist_items", "saved_tracks"];
        let unknown: Vec<&str> =
            names.filter(|name| ![&ROWS_OF_TRACKS[..], &of_users].concat().contains(name)).collect();
        assert!(unknown.is_empty(), "what becomes of their rows when two tracks become one? {unknown:?}");
    }
}
