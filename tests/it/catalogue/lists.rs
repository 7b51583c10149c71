//! Lists of the whole catalogue: their order, their pages, and their content.

use super::library::{Library, Song, tag, wav};
use crate::harness::{Login, Server, until};
use serde_json::Value;

/// All items of a list, read page by page by following `next`.
async fn all(login: &Login<'_>, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = login.get(&path).await.json();
        assert_eq!(page["offset"].as_u64(), u64::try_from(items.len()).ok(), "{path}");
        items.extend(page["items"].as_array().expect("items").clone());
        next = page["next"].as_str().map(|url| url[url.find("/v1/").expect("a path")..].to_owned());
        if next.is_none() {
            assert_eq!(page["total"].as_u64(), u64::try_from(items.len()).ok(), "{path}");
        }
    }
    items
}

fn names(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

on_both_databases! {
    async fn pages_together_are_the_whole_list(database) {
        let library = Library::new(database);
        // Each name occurs twice: order and pages must be the same all the same.
        let titles: Vec<String> = (0..250).map(|number| format!("{:03}", number / 2)).collect();
        for (seed, title) in (0_u32..).zip(&titles) {
            wav(&library.path(format!("Artist {title}/Album {seed:03}/{title} x.wav")), seed);
        }
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let albums = all(&login, "/v1/albums?limit=49").await;
        assert_eq!(names(&albums), (0..250).map(|number| format!("Album {number:03}")).collect::<Vec<_>>());
        let artists = all(&login, "/v1/artists?limit=50").await;
        assert_eq!(names(&artists), (0..125).map(|number| format!("Artist {number:03}")).collect::<Vec<_>>());
        let tracks = all(&login, "/v1/tracks?limit=7").await;
        assert_eq!(tracks.len(), 250);
        for (list, count) in [("tracks", 250), ("albums", 250), ("artists", 125)] {
            let newest = all(&login, &format!("/v1/{list}?sort=newest&limit=33")).await;
            let mut ids: Vec<&str> = newest.iter().map(|item| item["id"].as_str().expect("an id")).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "each is there once");
        }
        // An offset after the end, and invalid parameters.
        let page = login.get("/v1/albums?offset=1000").await.json();
        assert_eq!((page["items"].as_array().map(Vec::len), page["total"].as_u64()), (Some(0), Some(250)));
        login.get("/v1/albums?limit=0").await.assert_error(400, "invalid");
        login.get("/v1/albums?sort=loud").await.assert_error(400, "invalid");
        server.get("/v1/albums").await.assert_error(401, "unauthorized");
        // Deleted files leave the lists; the lists may be older for a moment, while their positions are computed again.
        std::fs::remove_dir_all(library.path("Artist 000")).expect("removed");
        library.scan();
        until("the list follows", async || login.get("/v1/albums").await.json()["total"] == 248).await;
        until("the list follows", async || login.get("/v1/artists").await.json()["total"] == 124).await;
        until("the list follows", async || login.get("/v1/tracks").await.json()["total"] == 248).await;
        assert_eq!(all(&login, "/v1/albums?limit=50").await.len(), 248);
        assert_eq!(all(&login, "/v1/artists?limit=50").await.len(), 124);
        assert_eq!(all(&login, "/v1/tracks?limit=50").await.len(), 248);
    }

    async fn a_track_has_all_its_fields(database) {
        let library = Library::new(database);
        let path = library.path("a.wav");
        wav(&path, 1);
        tag(&path, &Song {
            title: "Army of Me", artists: vec!["Björk", "Guest"], album: "Post", album_artist: "Björk", track: 1, disc: 1,
            date: "1995-06-13", genre: "Electronic", ..Song::default()
        });
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let track = login.get("/v1/tracks").await.json()["items"][0].clone();
        let id = track["id"].as_str().expect("an id");
        let one = login.get(&format!("/v1/tracks/{id}")).await.json();
        assert_eq!(one, track);
        assert_eq!(track["name"], "Army of Me");
        assert_eq!((&track["artists"][0]["name"], &track["artists"][1]["name"]), (&"Björk".into(), &"Guest".into()));
        assert_eq!((&track["album"]["name"], &track["album"]["release_date"]), (&"Post".into(), &"1995-06-13".into()));
        assert_eq!((&track["genres"][0], &track["duration_ms"]), (&"Electronic".into(), &100.into()));
        assert_eq!((&track["uri"], &track["is_playable"]), (&format!("spotify:track:{id}").into(), &true.into()));
        let sharing = track["external_urls"]["segue"].as_str().expect("an address");
        assert_eq!(sharing, format!("{}/track/{id}", server.base));
        // The signed audio URL needs no token.
        let audio = track["audio_url"].as_str().expect("an address");
        let reply = server.get(&audio[server.base.len()..]).await;
        assert_eq!((reply.status.as_u16(), reply.body), (200, std::fs::read(&path).expect("read")));

        let artist = track["artists"][0]["id"].as_str().expect("an id");
        let artist_path = format!("/v1/artists/{artist}");
        let found = login.get(&artist_path).await.json();
        assert_eq!((&found["name"], &found["album_count"], &found["track_count"]), (&"Björk".into(), &1.into(), &1.into()));
        assert_eq!(names(&all(&login, &format!("{artist_path}/albums")).await), ["Post"]);
        assert_eq!(names(&all(&login, &format!("{artist_path}/tracks")).await), ["Army of Me"]);
        let genres = all(&login, "/v1/genres").await;
        assert_eq!(names(&genres), ["Electronic"]);
        let genre = genres[0]["id"].as_str().expect("an id");
        assert_eq!(names(&all(&login, &format!("/v1/genres/{genre}/tracks")).await), ["Army of Me"]);
        let album = track["album"]["id"].as_str().expect("an id");
        let full = login.get(&format!("/v1/albums/{album}")).await.json();
        assert_eq!(full["tracks"]["items"][0]["id"], track["id"]);

        let unknown = "0000000000000001";
        let several = login.get(&format!("/v1/tracks?ids={unknown},{id}")).await.json();
        assert_eq!((&several["tracks"][0], &several["tracks"][1]["id"]), (&Value::Null, &track["id"]));
        for path in [format!("/v1/tracks/{unknown}"), "/v1/tracks/x".to_owned(), format!("/v1/artists/{unknown}"), format!("/v1/albums/{unknown}/tracks")] {
            login.get(&path).await.assert_error(404, "not_found");
        }
        login.get("/v1/tracks?ids=x").await.assert_error(400, "invalid");
        login.get(&format!("/v1/albums?ids={}", vec![unknown; 51].join(","))).await.assert_error(400, "invalid");

        // A missing track can still be read by its id.
        std::fs::remove_file(&path).expect("removed");
        wav(&library.path("other.wav"), 2);
        library.scan();
        let gone = login.get(&format!("/v1/tracks/{id}")).await.json();
        assert_eq!((&gone["is_playable"], &gone["audio_url"]), (&false.into(), &Value::Null));
    }
}
