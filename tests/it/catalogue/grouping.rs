//! Which tracks are one album is the same after one scan and after many; albums keep their ids, and say why they are one.

use super::library::{Library, Song, tag};
use crate::harness::Server;
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, RunQueryDsl as _};
use segue::db::schema::{albums, artists, files, folders, genres, tracks};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    path::PathBuf,
};

/// The paths of the tracks that are there, by the ids of their albums.
fn by_album(library: &Library) -> BTreeMap<i64, BTreeSet<String>> {
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = library
        .db
        .read_blocking(|connection| {
            Ok(tracks::table
                .inner_join(files::table.on(files::id.eq(tracks::id)))
                .inner_join(folders::table.on(folders::id.eq(files::folder_id)))
                .filter(tracks::missing.eq(false))
                .select((tracks::album_id, folders::path, files::name))
                .load(connection)?)
        })
        .expect("read");
    let mut found: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (album_id, folder, name) in rows {
        let path = PathBuf::from(OsString::from_vec(folder)).join(OsString::from_vec(name));
        let path = path.strip_prefix(library.music.path()).expect("inside").to_string_lossy().into_owned();
        found.entry(album_id).or_default().insert(path);
    }
    found
}

/// The same without the ids.
fn parts(library: &Library) -> BTreeSet<BTreeSet<String>> {
    by_album(library).into_values().collect()
}

/// All names of artists, albums with tracks, and genres.
fn names(library: &Library) -> Vec<String> {
    let read = library.db.read_blocking(|connection| {
        let mut names: Vec<String> = artists::table.select(artists::name).load(connection)?;
        names.extend(albums::table.filter(albums::track_count.gt(0)).select(albums::title).load::<String>(connection)?);
        names.extend(genres::table.select(genres::name).load::<String>(connection)?);
        names.sort();
        Ok(names)
    });
    read.expect("read")
}

fn weezer(date: &'static str, track: u32) -> Song {
    let artists = vec!["Weezer"];
    Song { title: "Song", artists, album: "Weezer", album_artist: "Weezer", date, track, ..Song::default() }
}

fn spelled(artist: &'static str, album: &'static str, genre: &'static str) -> Song {
    Song { title: "Song", artists: vec![artist], album, album_artist: artist, genre, ..Song::default() }
}

on_both_databases! {
    async fn albums_of_one_title_keep_their_ids_while_others_come_and_go(database) {
        let library = Library::new(database);
        for track in 1..=3 {
            library.add(format!("Blue/{track}.wav"), track, &weezer("1994", track));
        }
        library.scan();
        let blue = *by_album(&library).keys().next().expect("an album");
        for track in 1..=3 {
            library.add(format!("Green/{track}.wav"), 10 + track, &weezer("2001", track));
        }
        library.scan();
        let both = by_album(&library);
        assert_eq!(both.values().map(BTreeSet::len).collect::<Vec<_>>(), [3, 3], "{both:?}");
        assert!(both[&blue].contains("Blue/1.wav"));
        library.scan_again();
        assert_eq!(by_album(&library), both);
        // Moved, and away for a while.
        fs::rename(library.path("Blue"), library.path("Weezer (1994)")).expect("moved");
        library.scan();
        assert!(by_album(&library)[&blue].contains("Weezer (1994)/1.wav"));
        let aside = library.database.folder.path().join("aside");
        fs::rename(library.path("Weezer (1994)"), &aside).expect("away");
        library.scan();
        assert_eq!(by_album(&library).len(), 1);
        fs::rename(&aside, library.path("Blue")).expect("back");
        library.scan();
        assert_eq!(by_album(&library), both);
    }

    async fn corrected_spellings_show_and_the_most_frequent_one_wins(database) {
        let library = Library::new(database);
        let paths: Vec<_> = (1..=3)
            .map(|track| library.add(format!("{track}.wav"), track, &spelled("the beatles", "abbey road", "rock")))
            .collect();
        library.scan();
        assert_eq!(names(&library), ["abbey road", "rock", "the beatles"]);
        tag(&paths[0], &spelled("The Beatles", "Abbey Road", "Rock"));
        library.scan();
        assert_eq!(names(&library), ["abbey road", "rock", "the beatles"], "two of three");
        tag(&paths[1], &spelled("The Beatles", "Abbey Road", "Rock"));
        library.scan();
        assert_eq!(names(&library), ["Abbey Road", "Rock", "The Beatles"]);
        // One of each: capital letters come first.
        fs::remove_file(&paths[1]).expect("removed");
        library.scan();
        assert_eq!(names(&library), ["Abbey Road", "Rock", "The Beatles"]);
        library.scan_again();
        assert_eq!(names(&library), ["Abbey Road", "Rock", "The Beatles"]);
    }

    async fn an_album_that_was_in_parts_keeps_who_saved_it(database) {
        let library = Library::new(database);
        let paths: Vec<_> = (1..=4)
            .map(|track| {
                let date = if track < 4 { "1994" } else { "2001" };
                library.add(format!("{track}/a.wav"), track, &weezer(date, track))
            })
            .collect();
        library.scan();
        assert_eq!(parts(&library).len(), 2);
        let albums = by_album(&library);
        let small = *albums.iter().find(|(_, paths)| paths.len() == 1).expect("the smaller one").0;
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let saved = format!("/v1/me/albums?ids={small:016x}");
        assert_eq!(login.put(&saved, &serde_json::json!({})).await.status, 204, "{saved}");
        tag(&paths[3], &weezer("1994", 4));
        library.scan();
        assert_eq!(by_album(&library).len(), 1);
        let saved = login.get("/v1/me/albums").await.json();
        assert_eq!(saved["items"][0]["album"]["total_tracks"], 4, "{saved}");
    }

    async fn an_album_tells_admins_why_it_is_one(database) {
        let library = Library::new(database);
        library.add("Blue/1.wav", 1, &weezer("1994", 1));
        library.add("Green/1.wav", 2, &weezer("2001", 1));
        library.scan();
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let boss = server.admin(&library.database, "boss").await;
        let list = boss.get("/v1/albums").await.json();
        let why = list["items"][0]["why"].as_str().expect("a reason");
        assert!(why.contains("album artists") && why.contains("year"), "{why}");
        let one = format!("/v1/albums/{}", list["items"][0]["id"].as_str().expect("an id"));
        assert_eq!(boss.get(&one).await.json()["why"], why);
        assert!(ann.get("/v1/albums").await.json()["items"][0]["why"].is_null());
        assert!(ann.get(&one).await.json()["why"].is_null());
    }
}

/// Numbers that look random and are the same in each run.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}

fn any_song(state: &mut u64) -> Song {
    Song {
        title: ["One", "Two", "Three"][next(state) % 3],
        artists: vec![["Abba", "ABBA", "Queen", "Abba feat. X"][next(state) % 4]],
        album: ["Hits", "hits", "HITS"][next(state) % 3],
        album_artist: ["", "", "Abba", "abba", "Various Artists"][next(state) % 5],
        date: ["", "1994", "2001"][next(state) % 3],
        track: u32::try_from(next(state) % 4).expect("small"),
        genre: ["Pop", "pop"][next(state) % 2],
        compilation: next(state).is_multiple_of(6),
        ..Song::default()
    }
}

#[test]
fn albums_and_spellings_are_the_same_after_one_scan_and_after_many() {
    for seed in 0..6 {
        let mut state = seed;
        let library = Library::sqlite();
        let mut paths: Vec<String> = Vec::new();
        for step in 0..7 {
            for file in 0..=next(&mut state) % 3 {
                let path =
                    format!("{}/{step}-{file}.wav", ["A", "B/CD1", "B/CD2", "Hits", "Hits/X"][next(&mut state) % 5]);
                library.add(&path, u32::try_from(step * 10 + file).expect("small"), &any_song(&mut state));
                paths.push(path);
            }
            let one = next(&mut state) % paths.len();
            match next(&mut state) % 4 {
                0 => fs::remove_file(library.path(paths.swap_remove(one))).expect("removed"),
                1 => tag(&library.path(&paths[one]), &any_song(&mut state)),
                _ => {}
            }
            if !paths.is_empty() {
                library.scan();
            }
        }
        let fresh = Library::sqlite();
        for path in &paths {
            fs::create_dir_all(fresh.path(path).parent().expect("a folder")).expect("made");
            fs::copy(library.path(path), fresh.path(path)).expect("copied");
        }
        fresh.scan();
        assert_eq!(parts(&library), parts(&fresh), "seed {seed}");
        // Names of which no track is left stay as they were.
        let there = names(&fresh);
        assert!(there.iter().all(|name| names(&library).contains(name)), "seed {seed}: {there:?}");
    }
}
