//! Albums and artists whose names are corrected in the tags keep their ids, and who saved and follows them.

use super::library::{Library, Song, tag};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue::db::{
    saved::{self, Saved},
    schema::{albums, artists, users},
};

const USER: i64 = 7;

fn song(artist: &'static str, album: &'static str, track: u32) -> Song {
    let title = ["None", "One", "Two", "Three", "Four", "Five"][track as usize];
    Song { title, artists: vec![artist], album, album_artist: artist, track, ..Song::default() }
}

/// A library with a user and an album of four tracks.
fn with_album(library: &Library) {
    let made = library.db.write_blocking(|connection| {
        diesel::insert_into(users::table)
            .values((
                (users::id.eq(USER), users::name.eq("anna"), users::name_key.eq("anna")),
                (users::password.eq(""), users::role.eq("user"), users::created_us.eq(1)),
            ))
            .execute(connection)?;
        Ok(())
    });
    made.expect("made");
    for track in 1..=4 {
        library.add(format!("Album/{track}.wav"), track, &song("Beatels", "Abey Road", track));
    }
    library.scan();
}

/// Writes other names to some of the tracks, and scans.
fn correct(library: &Library, tracks: &[u32], artist: &'static str, album: &'static str) {
    for track in tracks {
        tag(&library.path(format!("Album/{track}.wav")), &song(artist, album, *track));
    }
    library.scan();
}

/// The albums or artists that have tracks, as id and name.
fn there(library: &Library, saved: Saved) -> Vec<(i64, String)> {
    let read = library.db.read_blocking(|connection| {
        Ok(match saved {
            Saved::Artists => artists::table
                .filter(artists::track_count.gt(0))
                .order(artists::name)
                .select((artists::id, artists::name))
                .load(connection)?,
            _ => albums::table
                .filter(albums::track_count.gt(0))
                .order(albums::title)
                .select((albums::id, albums::title))
                .load(connection)?,
        })
    });
    read.expect("read")
}

/// The only one of them, which the user saves.
fn save(library: &Library, kind: Saved) -> i64 {
    let id = there(library, kind)[0].0;
    library.db.write_blocking(|connection| saved::add(connection, kind, USER, &[id], 1)).expect("saved");
    id
}

fn saved(library: &Library, kind: Saved) -> Vec<i64> {
    let page = library.db.read_blocking(|connection| saved::page(connection, kind, USER, 100, 0)).expect("read");
    page.0.into_iter().map(|row| row.id).collect()
}

on_both_databases! {
    async fn a_corrected_title_and_name_keep_their_ids(database) {
        let library = Library::new(database);
        with_album(&library);
        let (album, artist) = (save(&library, Saved::Albums), save(&library, Saved::Artists));
        correct(&library, &[1, 2, 3, 4], "The Beatles", "Abbey Road");
        let check = |name: &str, title: &str| {
            assert_eq!(there(&library, Saved::Albums), [(album, title.to_owned())]);
            assert_eq!(there(&library, Saved::Artists), [(artist, name.to_owned())]);
            assert_eq!((saved(&library, Saved::Albums), saved(&library, Saved::Artists)), (vec![album], vec![artist]));
        };
        check("The Beatles", "Abbey Road");
        library.scan_again();
        check("The Beatles", "Abbey Road");
        // Back, and on again: one file at a time.
        correct(&library, &[1, 2, 3, 4], "Beatels", "Abey Road");
        check("Beatels", "Abey Road");
        for track in 1..=4 {
            correct(&library, &[track], "The Beatles", "Abbey Road");
        }
        check("The Beatles", "Abbey Road");
        // In two steps, of which the second begins before the first is done.
        correct(&library, &[1, 2], "Beatles", "Road");
        correct(&library, &[1, 2, 3, 4], "Fab Four", "Help");
        check("Fab Four", "Help");
    }

    async fn what_is_saved_goes_along_to_an_album_and_an_artist_that_were_there(database) {
        let library = Library::new(database);
        with_album(&library);
        let (album, artist) = (save(&library, Saved::Albums), save(&library, Saved::Artists));
        library.add("Album/5.wav", 5, &song("The Beatles", "Abbey Road", 5));
        library.scan();
        let of = |kind, name: &str| {
            there(&library, kind).into_iter().find(|(_, other)| other == name).expect("there").0
        };
        let (other_album, other_artist) = (of(Saved::Albums, "Abbey Road"), of(Saved::Artists, "The Beatles"));
        assert!(album != other_album && artist != other_artist);
        correct(&library, &[1, 2, 3], "The Beatles", "Abbey Road");
        assert_eq!((saved(&library, Saved::Albums), saved(&library, Saved::Artists)), (vec![album], vec![artist]));
        correct(&library, &[4], "The Beatles", "Abbey Road");
        assert_eq!(there(&library, Saved::Albums), [(other_album, "Abbey Road".to_owned())]);
        assert_eq!(there(&library, Saved::Artists), [(other_artist, "The Beatles".to_owned())]);
        assert_eq!(saved(&library, Saved::Albums), [other_album]);
        assert_eq!(saved(&library, Saved::Artists), [other_artist]);
    }

    async fn an_album_whose_other_tracks_are_gone_stays_itself(database) {
        let library = Library::new(database);
        with_album(&library);
        let album = save(&library, Saved::Albums);
        correct(&library, &[1], "Beatels", "Abbey Road");
        let aside = library.database.folder.path().join("aside");
        std::fs::create_dir(&aside).expect("made");
        let away = |there: bool| {
            for track in 2..=4 {
                let inside = library.path(format!("Album/{track}.wav"));
                let outside = aside.join(format!("{track}.wav"));
                let (from, to) = if there { (inside, outside) } else { (outside, inside) };
                std::fs::rename(from, to).expect("moved");
            }
            library.scan();
        };
        away(true);
        assert_eq!(saved(&library, Saved::Albums), Vec::<i64>::new());
        away(false);
        assert_eq!(saved(&library, Saved::Albums), [album]);
        assert!(there(&library, Saved::Albums).contains(&(album, "Abey Road".to_owned())));
    }
}
