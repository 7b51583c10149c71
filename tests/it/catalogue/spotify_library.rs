//! What users save and follow, and playlists, as clients of the Spotify Web API ask for them.

use super::library::{Library, Song};
use crate::harness::{Login, Server};
use awc::http::Method;
use serde_json::{Value, json};

/// Scans two albums of two artists, of two tracks each; returns the tracks by title.
async fn four(library: &Library, login: &Login<'_>) -> Vec<Value> {
    for (number, title, artist, album) in
        [(1, "A1", "Ann", "First"), (2, "A2", "Ann", "First"), (3, "B1", "Bob", "Second"), (4, "B2", "Bob", "Second")]
    {
        library.add(
            format!("{album}/{title}.wav"),
            number,
            &Song { title, artists: vec![artist], album, ..Song::default() },
        );
    }
    library.scan();
    login.get("/v1/tracks").await.json()["items"].as_array().expect("items").clone()
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().expect("an id").to_owned()
}

fn uri(thing: &Value) -> String {
    thing["uri"].as_str().expect("an URI").to_owned()
}

async fn done(login: &Login<'_>, method: Method, path: &str, body: &Value) {
    let reply = login.send(method, path, body).await;
    assert_eq!(reply.status, 204, "{path}: {reply:?}");
}

on_both_databases! {
    async fn albums_are_saved_and_forgotten(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let (ann, bob) = (server.user(&library.database, "ann").await, server.user(&library.database, "bob").await);
        let t = four(&library, &ann).await;
        let (first, second) = (id(&t[0]["album"]), id(&t[2]["album"]));
        done(&ann, Method::PUT, "/v1/me/albums", &json!([first])).await;
        done(&ann, Method::PUT, &format!("/v1/me/albums?ids={second}"), &Value::Null).await;
        done(&ann, Method::PUT, "/v1/me/albums", &json!({"ids": [first]})).await;
        let page = ann.get("/v1/me/albums/").await.json();
        assert_eq!((&page["total"], &page["items"][0]["album"]["id"]), (&json!(2), &json!(second)), "the newest first");
        assert_eq!(page["items"][1]["album"]["tracks"]["items"][0]["name"], "A1");
        assert!(page["items"][0]["added_at"].as_str().is_some_and(|at| at.ends_with('Z')));
        assert_eq!(bob.get("/v1/me/albums").await.json()["total"], 0);
        let contains = format!("/v1/me/albums/contains?ids={second},0000000000000001,{first}");
        assert_eq!(ann.get(&contains).await.json(), json!([true, false, true]));
        done(&ann, Method::DELETE, "/v1/me/albums", &json!([second])).await;
        assert_eq!(ann.get(&contains).await.json(), json!([false, false, true]));
        let unknown = json!([second, "0000000000000001"]);
        ann.put("/v1/me/albums", &unknown).await.assert_error(404, "not_found");
        assert_eq!(ann.get(&contains).await.json(), json!([false, false, true]), "all or none");
        ann.put("/v1/me/albums", &json!([])).await.assert_error(400, "invalid");
        ann.put("/v1/me/albums", &json!(vec![first; 51])).await.assert_error(400, "invalid");
    }

    async fn artists_are_followed_in_pages(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let t = four(&library, &ann).await;
        let artists = [id(&t[0]["artists"][0]), id(&t[2]["artists"][0])];
        done(&ann, Method::PUT, "/v1/me/following?type=artist", &json!({"ids": artists})).await;
        let page = ann.get("/v1/me/following?type=artist&limit=1").await.json()["artists"].clone();
        let one = id(&page["items"][0]);
        assert_eq!((&page["total"], &page["cursors"]["after"], &page["limit"]), (&json!(2), &json!(one), &json!(1)));
        assert_eq!(page["items"][0]["followers"]["total"], 1);
        let next = page["next"].as_str().expect("a page");
        let page = ann.get(&next[server.base.len()..]).await.json()["artists"].clone();
        let other = id(&page["items"][0]);
        assert!(artists.contains(&one) && artists.contains(&other) && one != other, "{page}");
        assert_eq!((&page["next"], &page["cursors"]["after"]), (&Value::Null, &Value::Null));
        done(&ann, Method::DELETE, &format!("/v1/me/following?type=artist&ids={one}"), &Value::Null).await;
        let contains = format!("/v1/me/following/contains?type=artist&ids={one},{other}");
        assert_eq!(ann.get(&contains).await.json(), json!([false, true]));
        for path in ["?type=user", "/contains?type=user&ids=0000000000000001"] {
            ann.get(&format!("/v1/me/following{path}")).await.assert_error(501, "not_implemented");
        }
        ann.put("/v1/me/following?type=user", &json!({"ids": [ann.user]})).await.assert_error(501, "not_implemented");
        ann.get("/v1/me/following?type=band").await.assert_error(400, "invalid");
        ann.get("/v1/me/following").await.assert_error(400, "invalid");
    }

    async fn the_library_takes_uris_of_all_kinds(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let (ann, bob) = (server.user(&library.database, "ann").await, server.user(&library.database, "bob").await);
        let t = four(&library, &ann).await;
        let (own, other) = (
            ann.post("/v1/me/playlists", &json!({"name": "Mine"})).await.json(),
            bob.post("/v1/me/playlists", &json!({"name": "Other"})).await.json(),
        );
        let uris = [uri(&t[0]), uri(&t[0]["album"]), uri(&t[0]["artists"][0])];
        let path = format!("/v1/me/library?uris={}", uris.join(","));
        let contains = format!("/v1/me/library/contains?uris={},{},{}", uris.join(","), uri(&own), uri(&other));
        done(&ann, Method::PUT, &path, &json!({})).await;
        assert_eq!(ann.get(&contains).await.json(), json!([true, true, true, true, false]));
        assert_eq!(ann.get("/v1/me/tracks").await.json()["items"][0]["track"]["id"], t[0]["id"]);
        assert_eq!(ann.get("/v1/me/albums").await.json()["items"][0]["album"]["id"], t[0]["album"]["id"]);
        let unknown = format!("/v1/me/library?uris={},spotify:album:0000000000000001", uri(&t[1]));
        ann.put(&unknown, &json!({})).await.assert_error(404, "not_found");
        assert_eq!(ann.get("/v1/me/tracks").await.json()["total"], 1, "all or none");
        let theirs = format!("/v1/me/library?uris={},{}", uris.join(","), uri(&other));
        ann.delete(&theirs).await.assert_error(403, "forbidden");
        assert_eq!(ann.get(&contains).await.json(), json!([true, true, true, true, false]), "all or none");
        done(&ann, Method::DELETE, &format!("{path},{}", uri(&own)), &json!({})).await;
        assert_eq!(ann.get(&contains).await.json(), json!([false, false, false, false, false]));
        ann.get(&format!("/v1/playlists/{}", id(&own))).await.assert_error(404, "not_found");
        for (status, code, uris) in [
            (501, "not_implemented", "spotify:show:0000000000000001".to_owned()),
            (501, "not_implemented", format!("spotify:user:{}", bob.user)),
            (501, "not_implemented", uri(&other)),
            (400, "invalid", "0000000000000001".to_owned()),
            (400, "invalid", vec![uri(&t[0]); 51].join(",")),
        ] {
            ann.put(&format!("/v1/me/library?uris={uris}"), &json!({})).await.assert_error(status, code);
        }
    }

    async fn a_playlist_is_changed_at_the_addresses_of_the_spotify_web_api(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let (ann, bob) = (server.user(&library.database, "ann").await, server.user(&library.database, "bob").await);
        let t = four(&library, &ann).await;
        let of_ann = format!("/v1/users/{}/playlists", ann.user);
        bob.post(&of_ann, &json!({"name": "x"})).await.assert_error(403, "forbidden");
        ann.post(&of_ann, &json!({"name": "x", "collaborative": true})).await.assert_error(501, "not_implemented");
        let made = ann.post(&of_ann, &json!({"name": "x", "collaborative": false})).await;
        assert_eq!(made.status, 201);
        let list = made.json();
        assert_eq!((&list["tracks"]["total"], &list["images"]), (&json!(0), &json!([])));
        let (one, items) = (format!("/v1/playlists/{}", id(&list)), format!("/v1/playlists/{}/items", id(&list)));

        let added = ann.post(&format!("{items}?position=0"), &json!([uri(&t[0]), uri(&t[1])])).await;
        assert_eq!(added.status, 201, "{added:?}");
        ann.post(&format!("{items}?uris={}&position=1", uri(&t[2])), &Value::Null).await;
        ann.post(&items, &json!({"uris": [uri(&t[3])]})).await;
        let names = async || {
            let page = ann.get(&format!("{items}?limit=100")).await.json();
            let found = page["items"].as_array().expect("items").clone();
            assert!(found.iter().all(|entry| entry["item"] == entry["track"] && entry["added_by"]["id"] == json!(ann.user)));
            found.iter().map(|entry| entry["item"]["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["A1", "B1", "A2", "B2"]);
        let full = ann.get(&one).await.json();
        assert_eq!((&full["tracks"]["total"], &full["tracks"]["limit"]), (&json!(4), &json!(100)));
        assert_eq!(full["tracks"]["items"][1]["track"]["name"], "B1");
        let some = ann.get(&format!("{one}?fields=name,tracks.items(track(name))")).await.json();
        assert_eq!(some["tracks"]["items"][3], json!({"track": {"name": "B2"}}));
        assert_eq!(some.as_object().map(serde_json::Map::len), Some(2));
        let head = ann.get(&format!("{one}?fields=!tracks.items")).await.json();
        assert_eq!((&head["tracks"]["total"], &head["tracks"]["items"], &head["name"]), (&json!(4), &Value::Null, &json!("x")));
        assert_eq!(ann.get(&format!("{items}?fields=total,items(track.name)&limit=1")).await.json(), json!({"total": 4, "items": [{"track": {"name": "A1"}}]}));
        ann.get(&format!("{one}?fields=name(")).await.assert_error(400, "invalid");
        ann.get(&format!("{items}?limit=101")).await.assert_error(400, "invalid");
        assert_eq!(bob.get(&format!("/v1/users/{}/playlists/{}", ann.user, id(&list))).await.json()["id"], list["id"]);

        let first = json!({"items": [{"uri": uri(&t[0])}]});
        assert_eq!(ann.send(Method::DELETE, &items, &first).await.status, 200);
        assert_eq!(ann.put(&items, &json!({"range_start": 0, "insert_before": 3})).await.status, 200);
        assert_eq!(names().await, ["A2", "B2", "B1"]);
        bob.delete(&format!("{one}/followers")).await.assert_error(403, "forbidden");
        ann.put(&format!("{one}/followers"), &json!({})).await.assert_error(501, "not_implemented");
        assert_eq!(ann.delete(&format!("{one}/followers")).await.status, 204);
        ann.get(&one).await.assert_error(404, "not_found");
    }
}
