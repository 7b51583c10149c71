//! What sockets are told of saved music and playlists, and commands that name a list, at the real server.

use super::library::{Library, Song};
use crate::{
    harness::{Login, Server},
    sync::socket::{Socket, command},
};
use awc::http::Method;
use segue_client::protocol::{
    ids::{ListId, MediaId},
    messages::{Op, TrackList, TrackOrder},
    wire::{self, ServerMessage},
};
use serde_json::{Value, json};

/// Scans two albums of one artist; returns the tracks by title.
async fn four(library: &Library, login: &Login<'_>) -> Vec<Value> {
    for (number, title, album) in [(2, "A", "First"), (1, "B", "First"), (1, "C", "Second"), (2, "D", "Second")] {
        let song = Song { title, artists: vec!["Ann"], album, ..Song::default() };
        library.add(format!("{album}/{title}.wav"), number, &song);
    }
    library.scan();
    login.get("/v1/tracks").await.json()["items"].as_array().expect("items").clone()
}

fn text<'a>(thing: &'a Value, field: &str) -> &'a str {
    thing[field].as_str().unwrap_or_else(|| panic!("there is no {field} in {thing}"))
}

/// Sends a request, and returns its answer and what the socket is told of it.
async fn told(
    login: &Login<'_>,
    socket: &mut Socket,
    (method, path, body): (Method, String, Value),
) -> (Value, wire::Library) {
    let shown = format!("{method} {path}");
    let reply = login.send(method, &path, &body).await;
    assert!(reply.status.is_success(), "{shown}: {reply:?}");
    let library = |message| if let ServerMessage::Library(library) = message { Some(library) } else { None };
    let library = socket.find(library).await;
    (if reply.status == 204 { Value::Null } else { reply.json() }, library)
}

on_both_databases! {
    async fn each_request_that_changes_saved_music_or_playlists_is_told_to_the_sockets(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let tracks = four(&library, &ann).await;
        let (track, album) = (text(&tracks[0], "id"), text(&tracks[0]["album"], "id"));
        let (uri, artist) = (text(&tracks[0], "uri"), text(&tracks[0]["artists"][0], "id"));
        let (mut socket, welcome) = Socket::join(&server, &ann.token, 1).await;
        let mut known = welcome.library;
        let saved = [
            (Method::PUT, "/v1/me/tracks".to_owned(), json!([track])),
            (Method::DELETE, format!("/v1/me/tracks?ids={track}"), Value::Null),
            (Method::PUT, "/v1/me/albums".to_owned(), json!({"ids": [album]})),
            (Method::DELETE, format!("/v1/me/albums?ids={album}"), Value::Null),
            (Method::PUT, format!("/v1/me/following?type=artist&ids={artist}"), Value::Null),
            (Method::DELETE, format!("/v1/me/following?type=artist&ids={artist}"), Value::Null),
            (Method::PUT, format!("/v1/me/library?uris={uri}"), Value::Null),
        ];
        for request in saved {
            let shown = format!("{request:?}");
            let (_, now) = told(&ann, &mut socket, request).await;
            assert!(now.saved_us > known.saved_us && now.playlists_us == known.playlists_us, "{shown}");
            known = now;
        }
        let create = (Method::POST, "/v1/me/playlists".to_owned(), json!({"name": "P"}));
        let (made, now) = told(&ann, &mut socket, create).await;
        assert!(now.playlists_us > known.playlists_us && now.saved_us == known.saved_us);
        known = now;
        let of = |end: &str| format!("/v1/playlists/{}{end}", text(&made, "id"));
        let playlists = [
            (Method::POST, of("/tracks"), json!({"uris": [uri, uri]})),
            (Method::PUT, of("/items"), json!({"uris": [uri]})),
            (Method::DELETE, of("/tracks"), json!({"tracks": [{"uri": uri}]})),
            (Method::PUT, of(""), json!({"name": "Q"})),
            (Method::DELETE, format!("/v1/me/library?uris={}", text(&made, "uri")), Value::Null),
        ];
        for request in playlists {
            let shown = format!("{request:?}");
            let (_, now) = told(&ann, &mut socket, request).await;
            assert!(now.playlists_us > known.playlists_us, "{shown}");
            known = now;
        }
    }

    async fn a_list_that_a_command_names_is_queued_in_the_order_in_which_it_is_shown(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let tracks = four(&library, &ann).await;
        let ids: Vec<&str> = tracks.iter().map(|track| text(track, "id")).collect();
        for id in [ids[3], ids[1]] {
            assert_eq!(ann.send(Method::PUT, "/v1/me/tracks", &json!([id])).await.status, 204);
        }
        let made = ann.send(Method::POST, "/v1/me/playlists", &json!({"name": "P"})).await.json();
        let path = format!("/v1/playlists/{}/tracks", text(&made, "id"));
        let uris: Vec<String> = [2, 0, 2].iter().map(|at| format!("spotify:track:{}", ids[*at])).collect();
        assert_eq!(ann.send(Method::POST, &path, &json!({"uris": uris})).await.status, 201);
        let list = |thing: &Value| text(thing, "id").parse::<ListId>().expect("an id");
        let (album, artist) = (&tracks[0]["album"], &tracks[0]["artists"][0]);
        let (mut socket, _) = Socket::join(&server, &ann.token, 1).await;
        let lists = [
            (TrackList::Tracks { sort: TrackOrder::Name }, "/v1/tracks".to_owned()),
            (TrackList::Tracks { sort: TrackOrder::Newest }, "/v1/tracks?sort=newest".to_owned()),
            (TrackList::Album { id: list(album) }, format!("/v1/albums/{}/tracks", text(album, "id"))),
            (TrackList::Artist { id: list(artist) }, format!("/v1/artists/{}/tracks", text(artist, "id"))),
            (TrackList::Playlist { id: list(&made) }, path),
            (TrackList::Saved, "/v1/me/tracks".to_owned()),
        ];
        for (number, (list, path)) in (1..).zip(lists) {
            let page = ann.get(&path).await.json();
            let items = page["items"].as_array().expect("items");
            let shown: Vec<&str> = items.iter().map(|item| text(item.get("track").unwrap_or(item), "id")).collect();
            let track = shown[1].parse::<MediaId>().expect("an id");
            let (start, shuffle) = (Some(1), Some(false));
            let op = Op::PlayList { list, tracks: Vec::new(), start, track: Some(track), shuffle, on: None };
            socket.send(&command(number, op)).await;
            let acked = |message| match message {
                ServerMessage::Ack { id, queue_length, .. } if id.0 == number => Some(queue_length),
                ServerMessage::Reject { message, .. } => panic!("{path}: {message}"),
                _ => None,
            };
            assert_eq!(socket.find(acked).await, Some(shown.len()), "{path}");
            let queue = ann.get("/v1/me/player/queue").await.json();
            let queued = queue["items"].as_array().expect("items").iter().map(|item| text(item, "media_id"));
            assert_eq!(queued.collect::<Vec<_>>(), shown, "{path}");
            let playing = ann.get("/v1/me/player").await.json()["playback"]["item"]["media_id"].clone();
            assert_eq!(playing, shown[1], "{path}");
        }
    }
}
