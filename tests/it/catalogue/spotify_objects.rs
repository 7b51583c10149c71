//! The objects of the Spotify Web API: fields that its clients need, and what Segue has no notion of.

use super::library::{Library, Song};
use crate::harness::Server;
use serde_json::{Value, json};

on_both_databases! {
    async fn objects_have_the_fields_that_clients_need(database) {
        let library = Library::new(database);
        library.add("a.wav", 1, &Song { title: "A", artists: vec!["Ann"], album: "One", ..Song::default() });
        library.scan();
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let track = ann.get("/v1/tracks").await.json()["items"][0].clone();
        assert_eq!((&track["track_number"], &track["external_ids"], &track["preview_url"]), (&json!(0), &json!({}), &Value::Null));
        let id = |thing: &Value| thing["id"].as_str().expect("an id").to_owned();
        let album = ann.get(&format!("/v1/albums/{}", id(&track["album"]))).await.json();
        assert_eq!((&album["release_date"], &album["release_date_precision"]), (&json!("0000"), &json!("year")));
        for empty in ["copyrights", "genres"] {
            assert_eq!(album[empty], json!([]), "{empty}");
        }
        assert_eq!(album["external_ids"], json!({}));
        let unknown = "0000000000000001";
        let several = ann.get(&format!("/v1/albums?ids={},{unknown}", id(&album))).await.json();
        assert_eq!(several, json!({"albums": [album, null]}), "the same as alone");
        assert!(!album["tracks"]["href"].as_str().expect("an address").contains("ids="));
        let artist = ann.get(&format!("/v1/artists/{}", id(&track["artists"][0]))).await.json();
        assert_eq!((&artist["genres"], &artist["followers"]), (&json!([]), &json!({"href": null, "total": 0})));
        let me = ann.get("/v1/me/").await.json();
        assert_eq!((&me["id"], &me["external_urls"], &me["images"]), (&json!(ann.user), &json!({}), &json!([])));
        assert_eq!(me["uri"], json!(format!("spotify:user:{}", ann.user)));
        assert_eq!(server.get("/v1/me/").await.status, 401, "as without the slash");
    }

    async fn albums_of_an_artist_are_listed_by_group(database) {
        let library = Library::new(database);
        let song = |title, artist, album, album_artist| Song {
            title, artists: vec![artist], album, album_artist, ..Song::default()
        };
        library.add("1/a.wav", 1, &song("a", "Ann", "Long", "Ann"));
        library.add("1/b.wav", 2, &song("b", "Ann", "Long", "Ann"));
        library.add("2/c.wav", 3, &song("c", "Ann", "Short", "Ann"));
        library.add("3/d.wav", 4, &song("d", "Ann", "Guest", "Bob"));
        library.add("3/e.wav", 5, &song("e", "Bob", "Guest", "Bob"));
        library.scan();
        let server = Server::start(&library.database).await;
        let login = server.user(&library.database, "ann").await;
        let artists = login.get("/v1/artists").await.json();
        let ann = artists["items"].as_array().expect("items").iter().find(|artist| artist["name"] == "Ann").expect("Ann");
        let path = format!("/v1/artists/{}/albums", ann["id"].as_str().expect("an id"));
        for (query, expected) in [
            ("", vec!["Long", "Short"]),
            ("?include_groups=album", vec!["Long"]),
            ("?include_groups=single,compilation", vec!["Short"]),
            ("?include_groups=appears_on", vec!["Guest"]),
            ("?include_groups=album,single,appears_on,compilation", vec!["Guest", "Long", "Short"]),
        ] {
            let page = login.get(&format!("{path}{query}")).await.json();
            let names: Vec<_> = page["items"].as_array().expect("items").iter().map(|album| &album["name"]).collect();
            assert_eq!((names, &page["total"]), (expected.iter().map(|name| json!(name)).collect::<Vec<_>>().iter().collect(), &json!(expected.len())), "{query}");
        }
        login.get(&format!("{path}?include_groups=live")).await.assert_error(400, "invalid");
    }

    async fn what_segue_has_no_notion_of_is_said(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        for (path, word) in [
            ("/v1/shows/5CfCWKI5pZ28U0uOzXkDHe", "shows"),
            ("/v1/me/shows/contains?ids=a", "shows"),
            ("/v1/episodes/?ids=a", "episodes"),
            ("/v1/audiobooks", "audiobooks"),
            ("/v1/markets", "markets"),
            ("/v1/recommendations", "recommendations"),
            ("/v1/audio-features/?ids=a", "audio features"),
            ("/v1/artists/0000000000000001/related-artists", "related artists"),
            ("/v1/browse/categories/jazz/playlists", "categories"),
            ("/v1/playlists/0000000000000001/images", "pictures of playlists"),
            ("/v1/playlists/0000000000000001/followers/contains?ids=a", "followers of playlists"),
            ("/v1/search?q=a&type=track,show", "shows"),
        ] {
            let reply = ann.get(path).await;
            reply.assert_error(501, "not_implemented");
            assert_eq!(reply.json()["error"]["message"], json!(format!("Segue has no {word}")), "{path}");
        }
    }
}
