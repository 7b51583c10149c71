//! Commands as clients of the Spotify Web API send them.

use super::library::{Library, Song};
use crate::{
    harness::{Login, Reply, Server},
    sync::socket::Socket,
};
use awc::http::Method;
use serde_json::{Value, json};

const PHONE: &str = "0000000000000001";
const KITCHEN: &str = "0000000000000002";

/// Scans an album of three tracks; returns their ids in order.
async fn album(library: &Library, login: &Login<'_>) -> Vec<String> {
    for (number, title) in [(1, "One"), (2, "Two"), (3, "Three")] {
        let song = Song { title, artists: vec!["Ann"], album: "All", track: number, ..Song::default() };
        library.add(format!("{number}.wav"), number, &song);
    }
    library.scan();
    let albums = login.get("/v1/albums").await.json();
    let id = albums["items"][0]["id"].as_str().expect("an id").to_owned();
    let tracks = login.get(&format!("/v1/albums/{id}/tracks")).await.json();
    let items = tracks["items"].as_array().expect("items");
    items.iter().map(|track| track["id"].as_str().expect("an id").to_owned()).collect()
}

fn uri(id: &str) -> String {
    format!("spotify:track:{id}")
}

/// Sends a command whose fields are in the query.
async fn ask(login: &Login<'_>, method: Method, address: &str) -> Reply {
    login.send(method, &format!("/v1/me/player{address}"), &Value::Null).await
}

async fn asked(login: &Login<'_>, method: Method, address: &str) {
    let reply = ask(login, method, address).await;
    assert_eq!(reply.status, 200, "{address}: {reply:?}");
}

async fn played(login: &Login<'_>, fields: Value) -> Value {
    let reply = login.put(&format!("/v1/me/player/play?device_id={PHONE}"), &fields).await;
    assert_eq!(reply.status, 200, "{fields}: {reply:?}");
    login.get("/v1/me/player").await.json()
}

async fn queued(login: &Login<'_>) -> Vec<String> {
    let page = login.get("/v1/me/player/queue").await.json();
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["media_id"].as_str().expect("an id").to_owned()).collect()
}

on_both_databases! {
    async fn the_track_of_the_uri_plays_on_the_device_that_is_named(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let t = album(&library, &ann).await;
        let (_phone, _) = Socket::join(&server, &ann.token, 1).await;
        assert_eq!(ann.get("/v1/me/player/currently-playing").await.status, 204);
        let state = ann.get("/v1/me/player").await.json();
        assert_eq!((&state["device"]["id"], &state["device"]["is_active"], &state["item"]), (&Value::Null, &json!(false), &Value::Null));
        played(&ann, json!({"tracks": t})).await;

        for uri in [uri(&t[2]), t[2].clone()] {
            let state = played(&ann, json!({"uris": [uri]})).await;
            assert_eq!((&state["item"]["id"], &state["item"]["name"]), (&json!(t[2]), &json!("Three")), "{uri}");
            assert_eq!((&state["device"]["id"], &state["is_playing"]), (&json!(PHONE), &json!(true)));
            assert_eq!((&state["currently_playing_type"], &state["context"]), (&json!("track"), &Value::Null));
            assert_eq!(ann.get("/v1/me/player/currently-playing").await.json()["item"]["id"], json!(t[2]));
        }
        let state = played(&ann, json!({"uris": [uri(&t[0]), uri(&t[1]), uri(&t[2])], "offset": {"position": 1}, "position_ms": 20})).await;
        assert_eq!((&state["item"]["name"], &state["playback"]["queue_length"]), (&json!("Two"), &json!(3)));
        let state = played(&ann, json!({"uris": [uri(&t[0]), uri(&t[1])], "offset": {"uri": uri(&t[1])}})).await;
        assert_eq!(state["item"]["name"], "Two");

        for (status, code, fields) in [
            (400, "invalid", json!({"uris": []})),
            (400, "invalid", json!({"uris": [format!("segue:track:{}", t[2])]})),
            (400, "invalid", json!({"uris": ["spotify:track:4iV5W9uYEdYUVa79Axb7Rh"]})),
            (400, "invalid", json!({"uris": [uri(&t[0])], "tracks": [t[0]]})),
            (400, "invalid", json!({"uris": [uri(&t[0])], "offset": {"position": 1}})),
            (400, "invalid", json!({"offset": {"position": 0}})),
            (400, "invalid", json!({"uris": [uri(&t[0])], "positionMs": 1})),
            (400, "invalid", json!({"context_uri": uri(&t[0])})),
            (404, "not_found", json!({"context_uri": "spotify:album:0000000000000001"})),
            (404, "not_found", json!({"context_uri": "spotify:playlist:0000000000000001"})),
            (501, "not_implemented", json!({"uris": ["spotify:episode:0000000000000001"]})),
            (501, "not_implemented", json!({"context_uri": "spotify:show:0000000000000001"})),
        ] {
            let reply = ann.put(&format!("/v1/me/player/play?device_id={PHONE}"), &fields).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["error"]["code"]), (status, &json!(code)), "{fields}");
        }
        assert_eq!(ann.get("/v1/me/player").await.json()["item"]["name"], "Two", "what is refused changes nothing");
    }

    async fn an_album_an_artist_and_a_playlist_are_played_as_a_whole(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let (ann, bob) = (server.user(&library.database, "ann").await, server.user(&library.database, "bob").await);
        let t = album(&library, &ann).await;
        let (_phone, _) = Socket::join(&server, &ann.token, 1).await;
        let track = ann.get(&format!("/v1/tracks/{}", t[0])).await.json();

        let state = played(&ann, json!({"context_uri": track["album"]["uri"], "offset": {"position": 2}})).await;
        assert_eq!((&state["item"]["name"], queued(&ann).await), (&json!("Three"), t.clone()));
        let state = played(&ann, json!({"context_uri": track["artists"][0]["uri"], "offset": {"uri": uri(&t[1])}})).await;
        assert_eq!((&state["item"]["name"], queued(&ann).await.len()), (&json!("Two"), 3));

        let list = ann.post("/v1/me/playlists", &json!({"name": "Mine", "public": false})).await.json();
        let tracks = format!("/v1/playlists/{}/tracks", list["id"].as_str().expect("an id"));
        ann.post(&tracks, &json!({"uris": [t[2], t[1], t[0]]})).await;
        std::fs::remove_file(library.path("3.wav")).expect("removed");
        library.scan();
        let state = played(&ann, json!({"context_uri": list["uri"], "offset": {"position": 1}})).await;
        assert_eq!((&state["item"]["name"], queued(&ann).await), (&json!("Two"), vec![t[1].clone(), t[0].clone()]));
        let next = ann.get("/v1/me/player/queue").await.json();
        assert_eq!((&next["currently_playing"]["name"], &next["queue"][0]["name"]), (&json!("Two"), &json!("One")));
        assert_eq!(next["queue"].as_array().map(Vec::len), Some(1));

        let (_other, _) = Socket::join(&server, &bob.token, 1).await;
        let reply = bob.put(&format!("/v1/me/player/play?device_id={PHONE}"), &json!({"context_uri": list["uri"]})).await;
        reply.assert_error(404, "not_found");
    }

    async fn commands_read_their_parameters_in_the_query(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let t = album(&library, &ann).await;
        let (_phone, _) = Socket::join(&server, &ann.token, 1).await;
        let (_kitchen, _) = Socket::join(&server, &ann.token, 2).await;
        ask(&ann, Method::PUT, &format!("/pause?device_id={PHONE}")).await.assert_error(409, "no_active_device");
        played(&ann, json!({"uris": [uri(&t[0]), uri(&t[1])]})).await;

        asked(&ann, Method::PUT, &format!("/pause?device_id={PHONE}")).await;
        asked(&ann, Method::PUT, "/seek?position_ms=70").await;
        asked(&ann, Method::PUT, "/repeat?state=track").await;
        asked(&ann, Method::PUT, &format!("/volume?volume_percent=31&device_id={KITCHEN}")).await;
        asked(&ann, Method::POST, &format!("/queue?uri={}", uri(&t[2]))).await;
        let state = ann.get("/v1/me/player").await.json();
        assert_eq!((&state["is_playing"], &state["progress_ms"], &state["repeat_state"]), (&json!(false), &json!(70), &json!("track")));
        let devices = ann.get("/v1/me/player/devices").await.json()["devices"].clone();
        assert_eq!((&devices[0]["is_active"], &devices[1]["is_active"]), (&json!(true), &json!(false)));
        assert_eq!((&devices[1]["volume_percent"], &devices[1]["is_restricted"]), (&json!(31), &json!(false)));
        assert_eq!(queued(&ann).await, t);
        asked(&ann, Method::POST, &format!("/next?device_id={PHONE}")).await;
        assert_eq!(ann.get("/v1/me/player").await.json()["item"]["id"], json!(t[1]));
        asked(&ann, Method::POST, "/previous").await;
        assert_eq!(ann.get("/v1/me/player").await.json()["item"]["id"], json!(t[0]));
        asked(&ann, Method::PUT, "/repeat?state=context").await;
        asked(&ann, Method::PUT, "/shuffle?state=true").await;
        let state = ann.get("/v1/me/player/").await.json();
        assert_eq!((&state["shuffle_state"], &state["playback"]["repeat"]), (&json!(true), &json!("all")));

        let moved = ann.put("/v1/me/player", &json!({"device_ids": [KITCHEN], "play": true})).await;
        assert_eq!(moved.status, 200, "{moved:?}");
        let playback = ann.get("/v1/me/player").await.json()["playback"].clone();
        assert!(playback["active"]["device_id"] == KITCHEN || playback["transfer"]["to"] == KITCHEN, "{playback}");

        for (method, address) in [
            (Method::PUT, "/seek?position_ms=1&speed=2"),
            (Method::PUT, "/stop?device_id=0000000000000001"),
            (Method::PUT, "/volume?volume_percent=101"),
            (Method::PUT, "/repeat?state=one"),
            (Method::PUT, "/shuffle?state=maybe"),
            (Method::PUT, "/pause?device_id=kitchen"),
            (Method::POST, "/queue?uri=spotify:album:0000000000000001"),
        ] {
            let reply = ask(&ann, method, address).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["error"]["code"]), (400, &json!("invalid")), "{address}");
        }
        ann.put("/v1/me/player/seek?position_ms=1", &json!({"position_ms": 2})).await.assert_error(400, "invalid");
    }

    async fn a_command_for_a_device_that_is_not_active_is_refused(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let t = album(&library, &ann).await;
        let (_phone, _) = Socket::join(&server, &ann.token, 1).await;
        let (_kitchen, _) = Socket::join(&server, &ann.token, 2).await;
        played(&ann, json!({"uris": [uri(&t[0])]})).await;
        ask(&ann, Method::PUT, &format!("/pause?device_id={KITCHEN}")).await.assert_error(409, "conflict");
        assert_eq!(ann.get("/v1/me/player").await.json()["is_playing"], json!(true));
    }
}
