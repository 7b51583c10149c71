//! Audio files of other projects, read by us and by mutagen; a table has the reason for each difference.

use super::library::Library;
use crate::harness::python;
use segue::db::tracks;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The greatest allowed difference of two durations, in milliseconds.
const MAX_APART_MS: i64 = 50;
/// All known differences: file, field and reason, separated by tabs.
const DIFFERENCES: &str = include_str!("../../corpora/differences.tsv");

/// The folders, each with a short name for the table.
fn corpora(transcoded: &Path) -> Vec<(&'static str, PathBuf)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/fetch.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("tests/corpora/fetch.sh runs");
    assert!(output.status.success(), "tests/corpora/fetch.sh failed; its words are above");
    let archives = PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end());
    let share = Path::new("/usr/share");
    vec![
        ("beets", archives.join("beets-2.5.1/test/rsrc")),
        ("mutagen", archives.join("mutagen-1.47.0/tests/data")),
        ("wesnoth", share.join("games/wesnoth/1.16/data/core/music")),
        ("hyperrogue", share.join("hyperrogue")),
        ("warzone", share.join("games/warzone2100/music")),
        ("transcoded", transcoded.to_owned()),
    ]
}

/// Makes FLAC, M4A and MP3 files with covers, which the archives do not have, from one of their files.
fn transcode(folder: &Path) {
    let cover = folder.join("cover.png");
    image::RgbImage::new(32, 32).save(&cover).expect("saved");
    let music = "/usr/share/games/wesnoth/1.16/data/core/music/frantic.ogg";
    for (name, codec) in [("a.flac", "flac"), ("b.m4a", "aac"), ("c.m4a", "alac"), ("d.mp3", "libmp3lame")] {
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-t", "3", "-i", music, "-i"])
            .arg(&cover)
            .args(["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-c:a", codec, "-disposition:v", "attached_pic"])
            .args(["-map_metadata", "0:s:0", "-metadata", "album_artist=The Ålbum Artist", "-metadata", "disc=2/3"])
            .arg(folder.join(name))
            .status()
            .expect("ffmpeg runs");
        assert!(status.success(), "{name}");
    }
    std::fs::remove_file(cover).expect("removed");
}

/// A file as we read it.
struct Ours {
    error: Option<String>,
    track: Option<tracks::Track>,
}

fn ours(library: &Library) -> BTreeMap<String, Ours> {
    let rows = library.rows();
    let ids: Vec<i64> = rows.values().map(|row| row.id).collect();
    let found = library.db.read_blocking(|connection| tracks::load(connection, &ids)).expect("read");
    let mut by_id: BTreeMap<i64, tracks::Track> = found.into_iter().map(|track| (track.row.id, track)).collect();
    rows.into_iter().map(|(path, row)| (path, Ours { track: by_id.remove(&row.id), error: row.error })).collect()
}

/// The fields in which we and mutagen differ about a file.
fn differences(theirs: &Value, ours: &Ours) -> Vec<(&'static str, String)> {
    let readable = theirs["error"].is_null() || theirs["ffprobe"] == true;
    let Some(track) = &ours.track else {
        let reason = ours.error.clone().unwrap_or_default();
        let who = if readable { "somebody reads it" } else { "nobody reads it" };
        return vec![("unreadable", format!("{who}, we do not: {reason}"))];
    };
    let names = |names: &[segue::db::albums::Name]| names.iter().map(|name| Value::from(name.name.as_str())).collect();
    let year = track.row.date.as_ref().and_then(|date| date.get(..4)?.parse::<i64>().ok());
    let mine: [(&str, Value); 7] = [
        ("title", track.row.title.as_str().into()),
        ("artists", names(&track.artists)),
        ("album", track.album.title.as_str().into()),
        ("album_artists", names(&track.album.artists)),
        ("disc", track.row.disc.into()),
        ("track", track.row.number.into()),
        ("year", year.into()),
    ];
    let mut found: Vec<(&str, String)> = mine
        .into_iter()
        .filter(|(field, mine)| !theirs[*field].is_null() && theirs[*field] != *mine)
        .map(|(field, mine)| (field, format!("mutagen has {}, we have {mine}", theirs[field])))
        .collect();
    if let Some(length) = theirs["duration_ms"].as_i64()
        && (length - track.row.duration_ms).abs() > MAX_APART_MS
    {
        found.push(("duration", format!("mutagen has {length} ms, we have {} ms", track.row.duration_ms)));
    }
    found
}

on_both_databases! {
    async fn every_file_is_read_as_mutagen_reads_it(database) {
        let library = Library::new(database);
        transcode(library.music.path());
        let corpora = corpora(library.music.path());
        let folders: Vec<PathBuf> = corpora.iter().map(|(_, folder)| folder.clone()).collect();
        let progress = library.scan_folders(&folders);
        assert!(progress.complete && progress.trouble_count == 0, "{progress:?}");
        let ours = ours(&library);

        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/second_opinion.py");
        let output = python().arg(script).args(&folders).stderr(Stdio::inherit()).output().expect("python runs");
        assert!(output.status.success());
        let mut seen = BTreeMap::new();
        let mut count = 0;
        for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
            let theirs: Value = serde_json::from_str(line).expect("JSON");
            let path = theirs["path"].as_str().expect("a path");
            let (name, folder) =
                corpora.iter().find(|(_, folder)| Path::new(path).starts_with(folder)).expect("one of the folders");
            let short = format!("{name}/{}", Path::new(path).strip_prefix(folder).expect("below").display());
            let inside = Path::new(path).strip_prefix(library.music.path()).map_or(path.to_owned(), |path| path.display().to_string());
            let mine = ours.get(&inside).unwrap_or_else(|| panic!("{short} was not seen"));
            if *name == "transcoded" {
                assert!(mine.track.as_ref().is_some_and(|track| track.row.cover_id.is_some()), "{short} has a cover");
            }
            count += 1;
            for (field, what) in differences(&theirs, mine) {
                seen.insert(format!("{short}\t{field}"), what);
            }
        }
        assert!(count > 320, "only {count} files were there");
        let listed: BTreeSet<String> = DIFFERENCES
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let (key, reason) = line.rsplit_once('\t').expect("file, field and reason");
                assert!(!reason.trim().is_empty() && key.contains('\t'), "{line}");
                key.to_owned()
            })
            .collect();
        let unlisted: Vec<_> = seen.iter().filter(|(key, _)| !listed.contains(*key)).collect();
        assert!(unlisted.is_empty(), "differences that tests/corpora/differences.tsv does not explain: {unlisted:#?}");
        let vanished: Vec<_> = listed.iter().filter(|key| !seen.contains_key(*key)).collect();
        assert!(vanished.is_empty(), "tests/corpora/differences.tsv explains what is no longer so: {vanished:#?}");
    }
}
