//! Which tracks are one album, and who its artist is.

use super::library::{Library, Song};
use crate::harness::Server;
use expect_test::{Expect, expect};
use serde_json::Value;
use std::fmt::Write as _;

fn song(title: &'static str, artist: &'static str, album: &'static str) -> Song {
    Song { title, artists: vec![artist], album, ..Song::default() }
}

/// Compares the albums of the API, one line each, with the expected text.
async fn shows(library: Library, expected: Expect) {
    library.scan();
    let server = Server::start(&library.database).await;
    let login = server.user(&library.database, "ann").await;
    let albums = login.get("/v1/albums?limit=50").await.json();
    let mut blocks = Vec::new();
    for album in albums["items"].as_array().expect("albums") {
        let names = |artists: &Value| {
            let artists = artists.as_array().expect("artists").iter();
            artists.map(|artist| artist["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>().join(" + ")
        };
        let (name, kind) = (album["name"].as_str().expect("a name"), album["album_type"].as_str().expect("a type"));
        let date = album["release_date"].as_str().expect("a date").replace("0000", "-");
        let mut lines =
            format!("{name} by {} ({kind}, {} discs, {date})\n", names(&album["artists"]), album["total_discs"]);
        let path = format!("/v1/albums/{}/tracks", album["id"].as_str().expect("an id"));
        for track in login.get(&path).await.json()["items"].as_array().expect("tracks") {
            let title = track["name"].as_str().expect("a title");
            writeln!(
                lines,
                "  {}.{} {title} by {}",
                track["disc_number"],
                track["track_number"],
                names(&track["artists"])
            )
            .expect("text grows");
        }
        blocks.push(lines);
    }
    // The order of albums with the same title is not defined.
    blocks.sort();
    expected.assert_eq(&blocks.concat());
}

on_both_databases! {
    async fn tagged_albums(database) {
        let library = Library::new(database);
        let tagged = |title, disc, track| Song {
            album_artist: "Duo", disc, track, date: "1999-05", ..song(title, "One", "Both")
        };
        library.add("Both/CD1/1.wav", 1, &tagged("First", 1, 1));
        library.add("Both/CD1/2.wav", 2, &Song { artists: vec!["One", "Two"], ..tagged("Second", 1, 2) });
        library.add("Elsewhere/CD2/1.wav", 3, &tagged("Third", 2, 1));
        library.add("Other/1.wav", 4, &Song { album_artist: "Solo", track: 1, ..song("Same title", "Solo", "Both") });
        shows(library, expect![[r#"
            Both by Duo (album, 2 discs, 1999-05)
              1.1 First by One
              1.2 Second by One + Two
              2.1 Third by One
            Both by Solo (single, 1 discs, -)
              1.1 Same title by Solo
        "#]]).await;
    }

    async fn tracks_without_a_number_follow_those_with_one_by_their_names(database) {
        let library = Library::new(database);
        for (seed, title) in ["Dawn", "Noon", "Dusk", "Night", "Morning"].into_iter().enumerate() {
            library.add(format!("{title}.wav"), u32::try_from(seed).expect("few"), &song(title, "Sun", "Day"));
        }
        library.add("Overture.wav", 9, &Song { track: 1, ..song("Overture", "Sun", "Day") });
        shows(library, expect![[r#"
            Day by Sun (album, 1 discs, -)
              1.1 Overture by Sun
              1.0 Dawn by Sun
              1.0 Dusk by Sun
              1.0 Morning by Sun
              1.0 Night by Sun
              1.0 Noon by Sun
        "#]]).await;
    }
}

#[test]
fn untagged_albums() {
    crate::harness::run(async {
        let library = Library::sqlite();
        // One artist, with a guest.
        for (track, artist) in [(1, "Main"), (2, "Main"), (3, "Main"), (4, "Guest")] {
            library.add(format!("Main/Album/{track}.wav"), track, &Song { track, ..song("Song", artist, "Album") });
        }
        // Several discs in folders; only the folders have the disc numbers.
        for disc in [1, 2] {
            library.add(
                format!("Main/Live/Disc {disc}/1.wav"),
                10 + disc,
                &Song { track: 1, ..song("Live", "Main", "Live") },
            );
        }
        // A track each by three artists, without and with the compilation flag.
        for (track, artist) in [(1, "A"), (2, "B"), (3, "C")] {
            library.add(format!("Mixed/{track}.wav"), 20 + track, &Song { track, ..song("Mix", artist, "Mixed") });
            let flagged = Song { compilation: true, track, ..song("Hit", "A", "Hits") };
            library.add(format!("Hits/{track}.wav"), 30 + track, &flagged);
        }
        // The same title in another folder is another album.
        library.add("Z/Album/1.wav", 40, &Song { track: 1, ..song("Song", "Zed", "Album") });
        // No tags, only a path.
        super::library::wav(&library.path("Björk/Homogenic/03 - Unravel.wav"), 50);
        shows(
            library,
            expect![[r#"
            Album by Main (album, 1 discs, -)
              1.1 Song by Main
              1.2 Song by Main
              1.3 Song by Main
              1.4 Song by Guest
            Album by Zed (single, 1 discs, -)
              1.1 Song by Zed
            Hits by Various Artists (compilation, 1 discs, -)
              1.1 Hit by A
              1.2 Hit by A
              1.3 Hit by A
            Homogenic by Björk (single, 1 discs, -)
              1.3 Unravel by Björk
            Live by Main (album, 2 discs, -)
              1.1 Live by Main
              2.1 Live by Main
            Mixed by Various Artists (album, 1 discs, -)
              1.1 Mix by A
              1.2 Mix by B
              1.3 Mix by C
        "#]],
        )
        .await;
    });
}
