//! Music that is copied and then deleted where it was keeps its id, and all that hangs on it, in whatever order the
//! copying, the scans and the deleting come.

use super::library::{Library, Song, tag, wav};
use crate::harness::{Dialect, TestDatabase};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};
use segue::db::{
    playlists::{self, Playlist, PlaylistItem},
    queueable,
    saved::{self, Saved},
    schema::{play_counts, plays, tracks, users},
    tracks as loaded,
};
use segue_client::protocol::ids::MediaId;
use std::{collections::BTreeSet, fs};

const USER: i64 = 7;
const LIST: i64 = 70;

/// Makes a user with an empty playlist.
fn with_user(library: &Library) {
    let playlist = Playlist {
        id: LIST,
        owner_id: USER,
        name: "List".to_owned(),
        description: String::new(),
        public: false,
        snapshot: 1,
        track_count: 0,
        created_us: 1,
        updated_us: 1,
    };
    let made = library.db.write_blocking(|connection| {
        diesel::insert_into(users::table)
            .values((
                (users::id.eq(USER), users::name.eq("anna"), users::name_key.eq("anna")),
                (users::password.eq(""), users::role.eq("user"), users::created_us.eq(1)),
            ))
            .execute(connection)?;
        playlists::add(connection, &playlist)
    });
    made.expect("made");
}

/// Saves the tracks and puts them into the playlist.
fn keep(library: &Library, ids: &[i64]) {
    let kept = library.db.write_blocking(|connection| {
        saved::add(connection, Saved::Tracks, USER, ids, 1)?;
        let before = playlists::items(connection, LIST, 1_000, 0)?;
        let new = ids.iter().map(|id| PlaylistItem { track_id: *id, added_by: USER, added_us: 1 });
        let all: Vec<PlaylistItem> = before.iter().copied().chain(new).collect();
        playlists::set_items(connection, LIST, &before, &all, 2, 2)
    });
    kept.expect("kept");
}

/// The titles of those that can be played, of what the user saved and of the playlist.
fn kept(library: &Library) -> (Vec<String>, Vec<String>) {
    let titles = |ids: Vec<i64>| {
        let all = library.db.read_blocking(|connection| loaded::load(connection, &ids)).expect("read");
        let mut titles: Vec<String> =
            all.into_iter().filter(|track| !track.row.missing).map(|track| track.row.title).collect();
        titles.sort();
        titles
    };
    let (saved, items) = library
        .db
        .read_blocking(|connection| {
            Ok((
                saved::page(connection, Saved::Tracks, USER, 1_000, 0)?.0,
                playlists::items(connection, LIST, 1_000, 0)?,
            ))
        })
        .expect("read");
    (
        titles(saved.into_iter().map(|row| row.id).collect()),
        titles(items.into_iter().map(|item| item.track_id).collect()),
    )
}

/// The ids of the tracks that are there.
fn living(library: &Library) -> BTreeSet<i64> {
    let read =
        |connection: &mut _| Ok(tracks::table.filter(tracks::missing.eq(false)).select(tracks::id).load(connection)?);
    library.db.read_blocking(read).expect("read").into_iter().collect()
}

on_both_databases! {
    async fn a_copy_whose_original_is_deleted_later_takes_over_all_of_it(database) {
        let library = Library::new(database);
        with_user(&library);
        let song = |title| Song { title, artists: vec!["Artist"], album: "Album", ..Song::default() };
        library.add("old/a.wav", 1, &song("A"));
        library.add("old/b.wav", 2, &song("B"));
        library.scan();
        let (a, b) = (library.id("old/a.wav"), library.id("old/b.wav"));
        keep(&library, &[a, b]);
        let album_of = |id: i64| -> i64 {
            let read = |connection: &mut _| Ok(tracks::table.find(id).select(tracks::album_id).first(connection)?);
            library.db.read_blocking(read).expect("read")
        };
        let album = album_of(a);
        library.db.write_blocking(|connection| saved::add(connection, Saved::Albums, USER, &[album], 1)).expect("saved");

        // Both are there: they are two.
        fs::create_dir(library.path("new")).expect("made");
        for name in ["a.wav", "b.wav"] {
            fs::copy(library.path("old").join(name), library.path("new").join(name)).expect("copied");
        }
        library.scan();
        let copy = library.id("new/a.wav");
        assert_ne!(copy, a);
        assert_eq!(living(&library).len(), 4);
        keep(&library, &[copy]);
        let written = library.db.write_blocking(|connection| {
            diesel::insert_into(plays::table)
                .values((
                    (plays::user_id.eq(USER), plays::epoch.eq(1), plays::revision.eq(1), plays::media_id.eq(copy)),
                    (plays::kind.eq("track"), plays::started_us.eq(5), plays::counted.eq(true)),
                ))
                .execute(connection)?;
            for (id, count) in [(a, 3), (copy, 4)] {
                let row = (play_counts::media_id.eq(id), play_counts::plays.eq(count));
                diesel::insert_into(play_counts::table).values(row).execute(connection)?;
            }
            Ok(())
        });
        written.expect("written");

        // The watched folder is scanned while one is deleted and the other is not.
        fs::remove_file(library.path("old/a.wav")).expect("removed");
        library.scan_below("old");
        assert_eq!((library.id("new/a.wav"), library.id("old/b.wav")), (a, b));
        assert_ne!(library.id("new/b.wav"), b);
        fs::remove_dir_all(library.path("old")).expect("removed");
        library.scan();
        assert_eq!(library.id("new/b.wav"), b);
        assert_eq!(living(&library), BTreeSet::from([a, b]));
        assert_eq!(kept(&library), (vec!["A".to_owned(), "B".to_owned()], ["A", "A", "B"].map(str::to_owned).to_vec()));

        assert_eq!((album_of(a), album_of(b)), (album, album), "the album is the one that was saved");
        let (played, count, queued, found) = library
            .db
            .read_blocking(|connection| {
                Ok((
                    plays::table.select(plays::media_id).first::<i64>(connection)?,
                    play_counts::table.find(a).select(play_counts::plays).first::<i64>(connection)?,
                    queueable::durations_ms(connection, &[MediaId::from_sql(copy)])?,
                    loaded::load(connection, &[copy])?,
                ))
            })
            .expect("read");
        assert_eq!((played, count), (a, 7));
        // A queue or a program that has the id of the copy plays on.
        assert_eq!((queued[0].0, queued[0].1), (MediaId::from_sql(copy), Some(100)));
        assert_eq!((found[0].row.id, found[0].row.missing, found[0].row.title.as_str()), (copy, false, "A"));
    }

    async fn a_track_that_was_coded_anew_beside_the_old_file_takes_over_too(database) {
        let library = Library::new(database);
        with_user(&library);
        let song = Song { title: "Song", artists: vec!["Artist"], album: "Album", track: 3, ..Song::default() };
        library.add("old.wav", 1, &song);
        let other = Song { track: 4, ..song.clone() };
        library.add("another of this title.wav", 5, &other);
        library.scan();
        let (id, another) = (library.id("old.wav"), library.id("another of this title.wav"));
        keep(&library, &[id]);
        library.add("new.wav", 9, &song);
        library.scan();
        assert_eq!(living(&library).len(), 3);
        fs::remove_file(library.path("old.wav")).expect("removed");
        library.scan();
        assert_eq!((library.id("new.wav"), library.id("another of this title.wav")), (id, another));
        assert_eq!(kept(&library).0, ["Song"]);
    }

    async fn a_copy_whose_tags_say_more_takes_over_and_another_edition_does_not(database) {
        let library = Library::new(database);
        with_user(&library);
        let song = |title| Song { title, artists: vec!["Artist"], album: "Album", track: 3, ..Song::default() };
        let dated = |title, date| Song { date, ..song(title) };
        // The old file, the new one, and whether it takes over.
        let pairs = [
            (song("A"), dated("A", "1999"), true),
            (dated("B", "1999"), dated("B", "1999-05-01"), true),
            (dated("C", "1999-05-01"), song("C"), true),
            (song("D"), Song { disc: 2, ..song("D") }, true),
            (Song { track: 0, ..song("E") }, song("E"), true),
            (dated("F", "1994"), dated("F", "2001"), false),
            (dated("G", "1999-05-01"), dated("G", "1999-06-01"), false),
            (Song { disc: 1, ..song("H") }, Song { disc: 2, ..song("H") }, false),
        ];
        for (place, (old, ..)) in (0..).zip(&pairs) {
            library.add(format!("old/{place}.wav"), place, old);
        }
        library.scan();
        let ids: Vec<i64> = (0..pairs.len()).map(|place| library.id(&format!("old/{place}.wav"))).collect();
        keep(&library, &ids);
        for (place, (_, new, _)) in (0..).zip(&pairs) {
            library.add(format!("new/{place}.wav"), 100 + place, new);
        }
        library.scan();
        assert_eq!(living(&library).len(), 2 * pairs.len());
        fs::remove_dir_all(library.path("old")).expect("removed");
        library.scan();
        for (place, (old, _, takes_over)) in pairs.iter().enumerate() {
            assert_eq!(library.id(&format!("new/{place}.wav")) == ids[place], *takes_over, "{}", old.title);
        }
        assert_eq!(kept(&library).0, ["A", "B", "C", "D", "E"]);
    }
}

/// One step of what people do with files.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Copies a song from one folder to another.
    Copy(usize, usize, usize),
    /// Moves it: on one disk, with its inode.
    Move(usize, usize, usize),
    /// Deletes it in a folder.
    Delete(usize, usize),
    /// Writes other tags in a folder, which leave title and number as they are.
    Retag(usize, usize),
    /// Scans everything, or one folder.
    Scan(Option<usize>),
}

const FOLDERS: [&str; 3] = ["a", "b", "c"];
const TITLES: [&str; 2] = ["One", "Two"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (song, folder) = (0..TITLES.len(), 0..FOLDERS.len());
    let step = prop_oneof![
        3 => (song.clone(), folder.clone(), folder.clone()).prop_map(|(song, from, to)| Step::Copy(song, from, to)),
        1 => (song.clone(), folder.clone(), folder.clone()).prop_map(|(song, from, to)| Step::Move(song, from, to)),
        3 => (song.clone(), folder.clone()).prop_map(|(song, at)| Step::Delete(song, at)),
        1 => (song, folder.clone()).prop_map(|(song, at)| Step::Retag(song, at)),
        3 => Just(Step::Scan(None)),
        2 => folder.prop_map(|at| Step::Scan(Some(at))),
    ];
    prop::collection::vec(step, 4..14)
}

/// Does the steps; after each scan of everything each song that has a file has its first id, is saved, and is in the
/// playlist once, and each file is a track.
fn follow(steps: &[Step]) {
    let library = Library::new(TestDatabase::new(Dialect::Sqlite));
    with_user(&library);
    let path = |song: usize, folder: usize| library.path(format!("{}/{song}.wav", FOLDERS[folder]));
    for folder in FOLDERS {
        fs::create_dir(library.path(folder)).expect("made");
    }
    // Otherwise a music folder without files counts as a disk that is away.
    fs::write(library.path("readme.txt"), "").expect("written");
    let song = |title, date| Song { title, artists: vec!["Artist"], album: "Album", date, ..Song::default() };
    for (seed, title) in (1_u32..).zip(TITLES) {
        let place = path(seed as usize - 1, 0);
        wav(&place, seed);
        tag(&place, &song(title, "2001"));
    }
    library.scan();
    let first: Vec<i64> = (0..TITLES.len()).map(|song| library.id(&format!("a/{song}.wav"))).collect();
    keep(&library, &first);
    for step in steps.iter().chain([&Step::Scan(None)]) {
        match *step {
            Step::Copy(song, from, to) if path(song, from).exists() && from != to => {
                fs::copy(path(song, from), path(song, to)).map(drop).expect("copied");
            }
            Step::Move(song, from, to) if path(song, from).exists() => {
                fs::rename(path(song, from), path(song, to)).expect("moved");
            }
            Step::Delete(song, at) if path(song, at).exists() => fs::remove_file(path(song, at)).expect("removed"),
            Step::Retag(number, at) if path(number, at).exists() => {
                tag(&path(number, at), &song(TITLES[number], ["2002", "2003", "2004"][at]));
            }
            Step::Scan(Some(folder)) => drop(library.scan_below(FOLDERS[folder])),
            Step::Scan(None) => {
                library.scan();
                let places = |song: usize| (0..FOLDERS.len()).filter(move |at| path(song, *at).exists());
                let there: Vec<usize> = (0..TITLES.len()).filter(|song| places(*song).next().is_some()).collect();
                let files: usize = there.iter().map(|song| places(*song).count()).sum();
                let ids = living(&library);
                assert_eq!(ids.len(), files, "each file is a track of its own");
                for song in &there {
                    assert!(ids.contains(&first[*song]), "{} has its id: {:?}", TITLES[*song], library.rows());
                }
                let mut expected: Vec<String> = there.iter().map(|song| TITLES[*song].to_owned()).collect();
                expected.sort();
                assert_eq!(kept(&library), (expected.clone(), expected));
            }
            _ => {}
        }
    }
}

#[test]
fn whatever_the_order_of_copies_scans_and_deletes_a_song_keeps_its_first_id() {
    // A copy that is scanned, an original deleted, a copy of the copy, the first copy deleted, the original restored.
    for steps in [
        &[Step::Copy(0, 0, 1), Step::Scan(None), Step::Delete(0, 0), Step::Scan(Some(0)), Step::Copy(0, 1, 0)][..],
        &[Step::Copy(0, 0, 1), Step::Scan(Some(1)), Step::Delete(0, 0), Step::Delete(0, 1), Step::Scan(None)],
    ] {
        follow(steps);
    }
    let config = Config { cases: 24, rng_seed: RngSeed::Fixed(14), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let done = runner.run(&steps(), |steps| {
        follow(&steps);
        Ok(())
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
}
