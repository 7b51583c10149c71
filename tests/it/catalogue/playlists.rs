//! Playlists and saved tracks.

use super::library::{Library, wav};
use crate::harness::{Login, Server};
use awc::http::Method;
use serde_json::{Value, json};

/// Scans three tracks; returns their ids in the order of their titles.
async fn three(library: &Library, login: &Login<'_>) -> Vec<String> {
    for (seed, name) in [(0, "a.wav"), (1, "b.wav"), (2, "c.wav")] {
        wav(&library.path(name), seed);
    }
    library.scan();
    let tracks = login.get("/v1/tracks").await.json();
    let items = tracks["items"].as_array().expect("items");
    items.iter().map(|track| track["id"].as_str().expect("an id").to_owned()).collect()
}

/// The ids of a playlist's tracks.
async fn ids(login: &Login<'_>, playlist: &str) -> Vec<String> {
    let page = login.get(&format!("/v1/playlists/{playlist}/tracks")).await.json();
    let items = page["items"].as_array().expect("items");
    assert_eq!(page["total"].as_u64(), u64::try_from(items.len()).ok());
    items.iter().map(|item| item["track"]["id"].as_str().expect("an id").to_owned()).collect()
}

fn pick(ids: &[String], places: &[usize]) -> Vec<String> {
    places.iter().map(|place| ids[*place].clone()).collect()
}

on_both_databases! {
    async fn a_playlist_is_made_changed_and_deleted(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let (ann, bob) = (server.user(&library.database, "ann").await, server.user(&library.database, "bob").await);
        let t = three(&library, &ann).await;
        let made = ann.post("/v1/me/playlists", &json!({"name": " Mine ", "description": "d"})).await;
        assert_eq!(made.status, 201);
        let made = made.json();
        assert_eq!((&made["name"], &made["public"], &made["owner"]["display_name"]), (&"Mine".into(), &true.into(), &"ann".into()));
        let id = made["id"].as_str().expect("an id");
        let (one, tracks) = (format!("/v1/playlists/{id}"), format!("/v1/playlists/{id}/tracks"));

        let added = ann.post(&tracks, &json!({"uris": [format!("spotify:track:{}", t[0]), t[1], t[0]]})).await;
        assert_eq!(added.status, 201);
        assert_ne!(added.json()["snapshot_id"], made["snapshot_id"]);
        ann.post(&tracks, &json!({"uris": [t[2]], "position": 1})).await;
        assert_eq!(ids(&ann, id).await, pick(&t, &[0, 2, 1, 0]));
        let moved = ann.put(&tracks, &json!({"range_start": 0, "range_length": 2, "insert_before": 4})).await;
        assert_eq!(ids(&ann, id).await, pick(&t, &[1, 0, 0, 2]));
        let snapshot = moved.json()["snapshot_id"].clone();
        let second = json!({"tracks": [{"uri": t[0], "positions": [2]}], "snapshot_id": snapshot});
        assert_eq!(ann.send(Method::DELETE, &tracks, &second).await.status, 200);
        assert_eq!(ids(&ann, id).await, pick(&t, &[1, 0, 2]));
        ann.send(Method::DELETE, &tracks, &second).await.assert_error(409, "conflict");
        ann.send(Method::DELETE, &tracks, &json!({"tracks": [{"uri": t[1]}, {"uri": t[2]}]})).await;
        assert_eq!(ids(&ann, id).await, pick(&t, &[0]));
        ann.put(&tracks, &json!({"uris": [t[2], t[1]]})).await;
        assert_eq!(ids(&ann, id).await, pick(&t, &[2, 1]));

        // Invalid requests change nothing.
        for body in [
            json!({"uris": ["0000000000000001"]}), json!({"uris": ["x"]}), json!({"uris": [t[0]], "position": 3}),
            json!({"uris": vec![t[0].clone(); 101]}),
        ] {
            ann.post(&tracks, &body).await.assert_error(400, "invalid");
        }
        let snapshot = async || ann.get(&one).await.json()["snapshot_id"].clone();
        let (before, absent) = (snapshot().await, json!({"tracks": [{"uri": t[0]}]}));
        assert_eq!(ann.send(Method::DELETE, &tracks, &absent).await.json()["snapshot_id"], before, "nothing has changed");
        assert_eq!(snapshot().await, before);
        for place in [1, 2] {
            let misplaced = json!({"tracks": [{"uri": t[1]}, {"uri": t[2], "positions": [0, place]}]});
            ann.send(Method::DELETE, &tracks, &misplaced).await.assert_error(400, "invalid");
        }
        ann.put(&tracks, &json!({"range_start": 1, "insert_before": 3})).await.assert_error(400, "invalid");
        ann.put(&tracks, &json!({})).await.assert_error(400, "invalid");
        // What is misspelt, or does not go together, would do something else.
        for body in [json!({"uris": [t[0]], "pos": 0}), json!(["x"]), json!({"uri": t[0]})] {
            ann.post(&tracks, &body).await.assert_error(400, "invalid");
        }
        for body in [json!({"uris": [t[0]], "range_length": 1}), json!({"uris": [t[0]], "range": 1})] {
            ann.put(&tracks, &body).await.assert_error(400, "invalid");
        }
        ann.put(&format!("{tracks}?uris={}", t[0]), &json!({"uris": []})).await.assert_error(400, "invalid");
        ann.post(&format!("{tracks}?posit=0"), &json!({"uris": [t[0]]})).await.assert_error(400, "invalid");
        for body in [json!({"tracks": [{"uri": t[2], "position": [0]}]}), json!({"tracks": [{"uri": t[2]}], "snapshot": "x"})] {
            ann.send(Method::DELETE, &tracks, &body).await.assert_error(400, "invalid");
        }
        ann.put(&one, &json!({"nam": "x"})).await.assert_error(400, "invalid");
        ann.post("/v1/me/playlists", &json!({"name": "x", "publik": false})).await.assert_error(400, "invalid");
        ann.put("/v1/me/tracks", &json!({"ids": [t[0]], "timestamped_ids": []})).await.assert_error(400, "invalid");
        for body in [json!({"name": " "}), json!({}), json!({"name": "x".repeat(201)})] {
            ann.post("/v1/me/playlists", &body).await.assert_error(400, "invalid");
        }
        assert_eq!(ids(&ann, id).await, pick(&t, &[2, 1]));

        // Other users can read it while it is public, and never change it.
        assert_eq!(ids(&bob, id).await, pick(&t, &[2, 1]));
        bob.post(&tracks, &json!({"uris": [t[0]]})).await.assert_error(403, "forbidden");
        bob.put(&one, &json!({"name": "His"})).await.assert_error(403, "forbidden");
        bob.delete(&one).await.assert_error(403, "forbidden");
        assert_eq!(ann.put(&one, &json!({"public": false, "name": "Hers"})).await.status, 204);
        for path in [&one, &tracks] {
            bob.get(path).await.assert_error(404, "not_found");
        }
        bob.post(&tracks, &json!({"uris": [t[0]]})).await.assert_error(404, "not_found");
        let of_ann = format!("/v1/users/{}/playlists", ann.user);
        assert_eq!(bob.get(&of_ann).await.json()["total"], 0);
        assert_eq!(ann.get("/v1/me/playlists").await.json()["items"][0]["name"], "Hers");

        // A missing track stays in the playlist.
        std::fs::remove_file(library.path("c.wav")).expect("removed");
        library.scan();
        let page = ann.get(&tracks).await.json();
        assert_eq!((&page["items"][0]["track"]["is_playable"], &page["total"]), (&false.into(), &2.into()));

        assert_eq!(ann.delete(&one).await.status, 204);
        ann.get(&one).await.assert_error(404, "not_found");
        assert_eq!(ann.get("/v1/me/playlists").await.json()["total"], 0);
    }

    async fn changes_at_the_same_time_lose_nothing(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let ann = server.user(&library.database, "ann").await;
        let t = three(&library, &ann).await;
        let made = ann.post("/v1/me/playlists", &json!({"name": "p"})).await.json();
        let id = made["id"].as_str().expect("an id");
        let tracks = format!("/v1/playlists/{id}/tracks");
        let body = json!({"uris": [t[0]], "position": 0});
        let all = futures_util::future::join_all((0..20).map(|_| ann.post(&tracks, &body))).await;
        assert!(all.iter().all(|reply| reply.status == 201));
        assert_eq!(ann.get(&tracks).await.json()["total"], 20);
    }

    async fn saved_tracks(database) {
        let library = Library::new(database);
        let server = Server::start(&library.database).await;
        let (ann, bob) = (server.user(&library.database, "ann").await, server.user(&library.database, "bob").await);
        let t = three(&library, &ann).await;
        assert_eq!(ann.put("/v1/me/tracks", &json!({"ids": [t[0]]})).await.status, 204);
        assert_eq!(ann.put(&format!("/v1/me/tracks?ids={},{}", t[2], t[0]), &Value::Null).await.status, 204);
        let saved = ann.get("/v1/me/tracks").await.json();
        let order: Vec<&str> = saved["items"].as_array().expect("items").iter().map(|item| item["track"]["id"].as_str().expect("an id")).collect();
        assert_eq!(order, [&t[2], &t[0]]);
        let contains = format!("/v1/me/tracks/contains?ids={}", t.join(","));
        assert_eq!(ann.get(&contains).await.json(), json!([true, false, true]));
        assert_eq!(bob.get(&contains).await.json(), json!([false, false, false]));
        assert_eq!(ann.delete(&format!("/v1/me/tracks?ids={}", t[2])).await.status, 204);
        assert_eq!(ann.get("/v1/me/tracks").await.json()["total"], 1);
        ann.put("/v1/me/tracks?ids=0000000000000001", &Value::Null).await.assert_error(404, "not_found");
        ann.delete("/v1/me/tracks").await.assert_error(400, "invalid");
    }
}
