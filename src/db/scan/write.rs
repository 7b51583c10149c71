//! Writes the rows of files and tracks, and the rows that link tracks with artists and genres.

#![allow(clippy::ref_option_ref, reason = "diesel's derives make them")]

use super::{
    Content, FoundFile,
    names::NameIds,
    regroup::{self, Had},
    sorting,
};
use crate::{
    db::{
        DbConnection, DbError,
        connection::insert_all,
        schema::{albums, artists, files, genres, track_artists, track_genres, tracks},
    },
    media::version::{Stat, is_untouched},
    values::spelling::{identity, sort_key},
};
use diesel::{
    AsChangeset, ExpressionMethods as _, Insertable, OptionalExtension as _, QueryDsl as _, Queryable,
    RunQueryDsl as _, Selectable, SelectableHelper as _,
};
use std::collections::HashMap;

/// All columns of a row of `files`; an absent value is written as NULL.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = files, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct FileRow<'a> {
    id: i64,
    folder_id: i64,
    name: &'a [u8],
    size: i64,
    mtime_ns: i64,
    inode: i64,
    reader: i64,
    version: &'a str,
    fingerprint: &'a str,
    sha256: Option<&'a str>,
    tag_key: Option<i64>,
    error: Option<&'a str>,
    missing_us: Option<i64>,
    sha256_us: i64,
    ctime_ns: i64,
    look: &'a str,
    losses: String,
    etag: Option<&'a str>,
}

pub(super) fn file_row(file: &FoundFile, id: i64, reader: i64) -> FileRow<'_> {
    let Stat { size, mtime_ns, ctime_ns, inode } = file.stat;
    let names = file.version.as_ref();
    FileRow {
        id,
        folder_id: file.folder.id,
        name: &file.name,
        size,
        mtime_ns,
        inode,
        reader,
        version: names.map_or("", |names| &names.version),
        fingerprint: names.map_or("", |names| &names.fingerprint),
        sha256: None,
        tag_key: file.content.as_ref().ok().and_then(|content| content.tag_key),
        error: file.content.as_ref().err().map(String::as_str),
        missing_us: None,
        sha256_us: 0,
        ctime_ns,
        look: names.map_or("", |names| &names.look),
        losses: file.content.as_ref().map(|content| content.losses.join("\n")).unwrap_or_default(),
        etag: file.etag.as_deref(),
    }
}

/// Overwrites the row of a known file. It keeps its version only when its bytes are known to be the same: by their SHA-256,
/// or because it looks the same and was not touched.
///
/// The SHA-256 is kept with the version, and when the fingerprint is the same; in the second case it is unconfirmed until
/// the file is read as a whole.
pub(super) fn update_file(
    connection: &mut DbConnection,
    file: &FoundFile,
    id: i64,
    reader: i64,
    now_us: i64,
) -> Result<(), DbError> {
    let row = file_row(file, id, reader);
    let here = files::table.filter(files::id.eq(id));
    let known: Option<KnownBytes> = here.select(KnownBytes::as_select()).get_result(connection).optional()?;
    let place =
        known.as_ref().filter(|known| known.are_read_as(&row)).map(|known| known.missing_us.map(|_| None::<i64>));
    let (had_sum, had_us) = known.as_ref().map(|known| (known.sha256.clone(), known.sha256_us)).unwrap_or_default();
    let sum = file.sha256.map(|sum| sum.to_string());
    let bytes = known.map(|known| known.after(&row, sum, now_us)).unwrap_or_default();
    let (version, sha256) = (bytes.version.as_deref().unwrap_or(row.version), bytes.sha256.as_deref());
    if let Some(missing_us) = place {
        let FileRow { folder_id, name, ctime_ns, .. } = row;
        let sha256 = (sha256 != had_sum.as_deref()).then_some(sha256);
        let sha256_us = (bytes.sha256_us != had_us).then_some(bytes.sha256_us);
        let moved = MovedRow { folder_id, name, ctime_ns, version, missing_us, sha256, sha256_us };
        diesel::update(here).set(moved).execute(connection)?;
        return Ok(());
    }
    diesel::update(here).set(FileRow { version, sha256, sha256_us: bytes.sha256_us, ..row }).execute(connection)?;
    Ok(())
}

/// The columns that change in the row of a file that moved; an absent value is left as it is. SQLite writes an index anew
/// for each of its columns that a statement names, so that this writes three in place of ten.
#[derive(AsChangeset)]
#[diesel(table_name = files)]
#[allow(clippy::option_option, reason = "diesel's way to say: left as it is, or NULL")]
struct MovedRow<'a> {
    folder_id: i64,
    name: &'a [u8],
    ctime_ns: i64,
    version: &'a str,
    missing_us: Option<Option<i64>>,
    sha256: Option<Option<&'a str>>,
    sha256_us: Option<i64>,
}

/// What a row says of the bytes of its file.
#[derive(Queryable, Selectable)]
#[diesel(table_name = files)]
struct KnownBytes {
    version: String,
    look: String,
    fingerprint: String,
    ctime_ns: i64,
    sha256: Option<String>,
    sha256_us: i64,
    reader: i64,
    tag_key: Option<i64>,
    error: Option<String>,
    missing_us: Option<i64>,
}

/// What the row says after the file was read again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bytes {
    /// `None` for the version that was computed.
    version: Option<String>,
    sha256: Option<String>,
    sha256_us: i64,
}

impl KnownBytes {
    /// Whether the file was read before, by the same version of the tag reader, with the same result: its bytes, size,
    /// modification time and inode are the same.
    fn are_read_as(&self, row: &FileRow<'_>) -> bool {
        let is_same_look = !row.look.is_empty() && self.look == row.look;
        let is_readable = self.error.is_none() && row.error.is_none();
        is_same_look && is_readable && self.reader == row.reader && self.tag_key == row.tag_key
    }

    /// `sum` is the SHA-256 of the file, if it was read as a whole at `now_us`.
    fn after(self, row: &FileRow<'_>, sum: Option<String>, now_us: i64) -> Bytes {
        let is_same_look = !row.look.is_empty() && self.look == row.look;
        let is_untouched = is_same_look && is_untouched(self.ctime_ns, row.ctime_ns);
        match (self.sha256, sum) {
            (Some(known), Some(sum)) if is_same_look && self.sha256_us > 0 => {
                let version = match (known == sum, self.version == row.version) {
                    (true, _) => Some(self.version),
                    // Other bytes under the same names: the disk is damaged.
                    (false, true) => Some(sum.chars().take(row.version.len()).collect()),
                    (false, false) => None,
                };
                Bytes { version, sha256: Some(sum), sha256_us: now_us }
            }
            (sha256, _) if is_untouched => Bytes { version: Some(self.version), sha256, sha256_us: self.sha256_us },
            (sha256, _) if self.fingerprint == row.fingerprint => Bytes { version: None, sha256, sha256_us: 0 },
            _ => Bytes::default(),
        }
    }
}

/// All columns of a row of `tracks` except `added_us`.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = tracks, treat_none_as_null = true, treat_none_as_default_value = false)]
struct StoredTrackRow<'a> {
    id: i64,
    album_id: i64,
    title: &'a str,
    sort_key: String,
    disc: i64,
    number: Option<i64>,
    date: Option<&'a str>,
    duration_ms: i64,
    container: &'a str,
    codec: &'a str,
    sample_rate_hz: Option<i64>,
    channels: Option<i64>,
    bit_depth: Option<i64>,
    bit_rate_kbps: Option<i64>,
    track_gain_db: Option<f64>,
    track_peak: Option<f64>,
    album_gain_db: Option<f64>,
    album_peak: Option<f64>,
    cover_id: Option<i64>,
    missing: bool,
    change: i64,
    other_titles: String,
    explicit: bool,
    composers: String,
    original_date: Option<&'a str>,
}

fn track_row(content: &Content, id: i64, album_id: i64, change: i64) -> StoredTrackRow<'_> {
    let audio = &content.audio;
    StoredTrackRow {
        id,
        album_id,
        title: &content.title,
        sort_key: sort_key(content.title_sort.as_deref().unwrap_or(&content.title)),
        disc: content.disc,
        number: content.number,
        date: content.date.as_deref(),
        duration_ms: i64::try_from(audio.duration_ms).unwrap_or(0),
        container: audio.container,
        codec: audio.codec,
        sample_rate_hz: audio.sample_rate_hz.map(i64::from),
        channels: audio.channels.map(i64::from),
        bit_depth: audio.bit_depth.map(i64::from),
        bit_rate_kbps: audio.bit_rate_kbps.map(i64::from),
        track_gain_db: content.gain.track_db,
        track_peak: content.gain.track_peak,
        album_gain_db: content.gain.album_db,
        album_peak: content.gain.album_peak,
        cover_id: content.cover.map(|cover| cover.id),
        missing: false,
        change,
        other_titles: content.other_titles.join("\n"),
        explicit: content.explicit,
        composers: content.composers.join("\n"),
        original_date: content.original_date.as_deref(),
    }
}

/// Writes the tracks of files whose rows exist. `had` has what was known of the album of each track that existed before; `change` is the
/// first of as many change numbers as there are rows.
pub(super) fn tracks(
    connection: &mut DbConnection,
    rows: &[(&FoundFile, i64)],
    had: &HashMap<i64, Had>,
    ids: &NameIds,
    now_us: i64,
    change: i64,
) -> Result<(), DbError> {
    let old: Vec<i64> = rows.iter().map(|(_, id)| *id).filter(|id| had.contains_key(id)).collect();
    if !old.is_empty() {
        diesel::delete(track_artists::table.filter(track_artists::track_id.eq_any(&old))).execute(connection)?;
        diesel::delete(track_genres::table.filter(track_genres::track_id.eq_any(&old))).execute(connection)?;
    }
    let (mut new, mut by, mut of, mut on) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((file, id), change) in rows.iter().zip(change..) {
        let here = tracks::table.filter(tracks::id.eq(*id));
        let Ok(content) = &file.content else {
            diesel::update(here).set((tracks::missing.eq(true), tracks::change.eq(change))).execute(connection)?;
            continue;
        };
        let key = identity(&content.album.title);
        // A track stays on its album while the title is the same, until the albums of the title are made again.
        let stays = had.get(id).filter(|had| had.key == key);
        let other = || ids.albums.get(&key).copied().unwrap_or_default();
        let row = track_row(content, *id, stays.map_or_else(other, |had| had.album_id), change);
        on.push(regroup::clues_row(content, *id, key, stays.is_some_and(|had| had.is_settled)));
        if had.contains_key(id) {
            diesel::update(here).set(row).execute(connection)?;
        } else {
            new.push((row, tracks::added_us.eq(now_us)));
        }
        by.extend(numbered(&content.artists, &ids.artists).map(|(position, (artist_id, name))| {
            (
                track_artists::track_id.eq(*id),
                track_artists::position.eq(position),
                track_artists::artist_id.eq(artist_id),
                track_artists::name.eq(name),
            )
        }));
        of.extend(numbered(&content.genres, &ids.genres).map(|(position, (genre_id, name))| {
            (
                track_genres::track_id.eq(*id),
                track_genres::position.eq(position),
                track_genres::genre_id.eq(genre_id),
                track_genres::name.eq(name),
            )
        }));
    }
    insert_all!(connection, tracks::table, new);
    insert_all!(connection, track_artists::table, by);
    insert_all!(connection, track_genres::table, of);
    regroup::store(connection, &on)?;
    sorting::record(connection, rows)?;
    let all: Vec<i64> = rows.iter().map(|(_, id)| *id).collect();
    mark_stale(connection, &all)
}

/// The id of each name once, with its first spelling, numbered from 0.
fn numbered<'a>(
    names: &'a [String],
    ids: &HashMap<String, i64>,
) -> impl Iterator<Item = (i64, (i64, &'a str))> + use<'a> {
    let mut once: Vec<(i64, &str)> = Vec::new();
    for name in names {
        if let Some(id) = ids.get(&identity(name))
            && !once.iter().any(|(known, _)| known == id)
        {
            once.push((*id, name));
        }
    }
    (0_i64..).zip(once)
}

/// Marks the albums, their titles, the artists and the genres of these tracks as stale.
pub(super) fn mark_stale(connection: &mut DbConnection, track_ids: &[i64]) -> Result<(), DbError> {
    if track_ids.is_empty() {
        return Ok(());
    }
    let of_tracks = tracks::table.filter(tracks::id.eq_any(track_ids)).select(tracks::album_id).distinct();
    let album_ids: Vec<i64> = of_tracks.load(connection)?;
    let fresh = albums::table.filter(albums::id.eq_any(album_ids)).filter(albums::stale.eq(false));
    diesel::update(fresh).set(albums::stale.eq(true)).execute(connection)?;
    regroup::mark_titles(connection, track_ids)?;
    let by_tracks = track_artists::table.filter(track_artists::track_id.eq_any(track_ids));
    let artist_ids: Vec<i64> = by_tracks.select(track_artists::artist_id).distinct().load(connection)?;
    let fresh = artists::table.filter(artists::id.eq_any(artist_ids)).filter(artists::stale.eq(false));
    diesel::update(fresh).set(artists::stale.eq(true)).execute(connection)?;
    let of_tracks = track_genres::table.filter(track_genres::track_id.eq_any(track_ids));
    let genre_ids: Vec<i64> = of_tracks.select(track_genres::genre_id).distinct().load(connection)?;
    let fresh = genres::table.filter(genres::id.eq_any(genre_ids)).filter(genres::stale.eq(false));
    diesel::update(fresh).set(genres::stale.eq(true)).execute(connection)?;
    Ok(())
}
