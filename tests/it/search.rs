//! Search with both databases: everything in the tables is found, changes reach the index, deleted rows are not found.

use crate::harness::{Server, TestDatabase, until};
use awc::http::Method;
use diesel::connection::SimpleConnection as _;
use library::{Library, generate};
use segue::{
    catalog::{
        follow::Search,
        search::{Query, SearchIndex},
    },
    db::Db,
    values::document::{Document, ItemKind},
};
use segue_client::protocol::ids::UserId;
use serde_json::{Value, json};
use std::sync::Arc;

#[path = "../bench/library.rs"]
#[allow(dead_code, reason = "the benchmark uses more of it")]
pub(crate) mod library;
#[path = "../bench/rows.rs"]
pub(crate) mod rows;

/// A search whose index is fed from a database, as in a server.
struct Following {
    search: Search,
    index: Arc<SearchIndex>,
}

impl Following {
    async fn start(database: &TestDatabase, db: &Db) -> Self {
        let search = Search::default();
        search.start(db.clone(), database.folder.path().join("search"));
        until("the index opens", async || search.index().is_some()).await;
        let index = search.index().expect("it has opened");
        Self { search, index }
    }

    /// Waits until all changes of the database are in the index.
    async fn caught_up(&self, db: &Db) {
        let last = db.read_blocking(segue::db::changes::last).expect("readable").to_string();
        let reached = |cursor: Option<String>| cursor.is_some_and(|cursor| cursor.split(' ').next() == Some(&last));
        until("the index follows", async || reached(self.index.cursor())).await;
    }

    fn find(&self, text: &str, kind: ItemKind, user: Option<UserId>) -> (Vec<u64>, u64) {
        let query = Query { text, kinds: &[kind], user, limit: 50, offset: 0 };
        let listing = self.index.search(&query).expect("a search").remove(&kind).expect("the kind asked for");
        (listing.ids, listing.total)
    }

    /// Stops, and waits until the index is closed.
    async fn stop(self) {
        drop(self.search);
        let index = Arc::downgrade(&self.index);
        drop(self.index);
        until("the index is closed", async || index.strong_count() == 0).await;
    }
}

fn change(db: &Db, statements: &str) {
    db.write_blocking(|connection| Ok(connection.batch_execute(statements)?)).expect("rows change");
}

pub(crate) fn document(kind: ItemKind, id: u64, name: &str) -> Document {
    Document { kind, id, name: name.to_owned(), others: Vec::new(), popularity: 0, private_to: None }
}

/// One artist, album, track and playlist, with ids 1 to 4.
fn small_library(db: &Db) {
    let named = [
        (ItemKind::Artist, "Röyksopp"),
        (ItemKind::Album, "Melody A.M."),
        (ItemKind::Track, "Eple"),
        (ItemKind::Playlist, "Calm"),
    ];
    let documents: Vec<Document> = named.iter().zip(1..).map(|(&(kind, name), id)| document(kind, id, name)).collect();
    rows::fill(db, &documents);
}

on_both_databases! {
    async fn a_library_of_5000_tracks_is_searched_while_typing(database) {
        let Library { documents, queries } = generate(5_000, 7);
        let db = database.open();
        rows::fill(&db, &documents);
        let following = Following::start(&database, &db).await;
        following.caught_up(&db).await;
        assert_eq!(following.index.documents(), u64::try_from(documents.len()).expect("few"));
        for (text, at) in &queries {
            let wanted = &documents[*at];
            for (end, _) in text.char_indices().skip(1).chain([(text.len(), ' ')]) {
                let typed = &text[..end];
                let (ids, total) = following.find(typed, wanted.kind, None);
                assert!(total > 50 || ids.contains(&wanted.id), "{typed:?} must find {wanted:?}");
            }
        }
    }

    async fn after_a_restart_the_index_continues_with_the_next_change(database) {
        let db = database.open();
        small_library(&db);
        let following = Following::start(&database, &db).await;
        following.caught_up(&db).await;
        for (text, kind, id) in
            [("royk", ItemKind::Artist, 1), ("royksopp", ItemKind::Album, 2), ("royksopp melody", ItemKind::Track, 3), ("calm", ItemKind::Playlist, 4)]
        {
            assert_eq!(following.find(text, kind, None).0, [id], "{text}");
        }

        change(&db, "UPDATE changes SET last = 6; UPDATE tracks SET title = 'Poor Leno', change = 5;
            UPDATE playlists SET public = FALSE, change = 6");
        following.caught_up(&db).await;
        assert_eq!((following.find("eple", ItemKind::Track, None).1, following.find("leno", ItemKind::Track, None).1), (0, 1));
        assert_eq!(following.find("calm", ItemKind::Playlist, Some(UserId(1))).1, 1, "its owner");
        assert_eq!(following.find("calm", ItemKind::Playlist, Some(UserId(2))).1, 0, "another");

        following.stop().await;
        change(&db, "UPDATE changes SET last = 8; UPDATE tracks SET missing = TRUE, change = 7;
            UPDATE playlists SET deleted = TRUE, change = 8");
        let following = Following::start(&database, &db).await;
        following.caught_up(&db).await;
        assert_eq!(following.find("leno", ItemKind::Track, None).1, 0);
        assert_eq!(following.find("calm", ItemKind::Playlist, Some(UserId(1))).1, 0);
        assert_eq!(following.index.documents(), 2, "artist and album stay");
    }

    async fn the_index_is_rebuilt_for_another_database(database) {
        let db = database.open();
        small_library(&db);
        let following = Following::start(&database, &db).await;
        following.caught_up(&db).await;
        // As after a restore of an older backup: the last change has a lower number than the index has seen.
        change(&db, "DELETE FROM tracks; DELETE FROM track_artists; DELETE FROM playlists; UPDATE changes SET last = 2");
        following.caught_up(&db).await;
        assert_eq!(following.index.documents(), 2);
        following.stop().await;

        change(&db, "UPDATE secrets SET value = 'another' WHERE name = 'catalogue'; DELETE FROM albums");
        let following = Following::start(&database, &db).await;
        until("the index is made anew", async || following.index.documents() == 1).await;
        assert_eq!(following.find("royk", ItemKind::Artist, None).0, [1]);
    }

    async fn a_damaged_index_on_disk_is_rebuilt(database) {
        let db = database.open();
        small_library(&db);
        let following = Following::start(&database, &db).await;
        following.caught_up(&db).await;
        following.stop().await;
        let files = walkdir::WalkDir::new(database.folder.path().join("search")).into_iter().map(|file| file.expect("readable"));
        let postings: Vec<_> = files.filter(|file| file.path().extension().is_some_and(|end| end == "idx")).collect();
        for file in &postings {
            let mut bytes = std::fs::read(file.path()).expect("readable");
            bytes[0] ^= 0xff;
            std::fs::write(file.path(), bytes).expect("damage is done");
        }
        assert!(!postings.is_empty(), "nothing was damaged");
        let following = Following::start(&database, &db).await;
        let is_sound = || following.index.is_sound().is_ok_and(|sound| sound);
        // For a moment the files are sound already, and a search still reads those from before.
        let query = Query { text: "eple", kinds: &[ItemKind::Track], user: None, limit: 50, offset: 0 };
        let finds = || following.index.search(&query).is_ok_and(|found| found[&ItemKind::Track].ids == [3]);
        until("the index is sound", async || is_sound() && following.index.documents() == 4 && finds()).await;
    }

    async fn search_by_http(database) {
        small_library(&database.open());
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        server.get("/v1/search?q=royk").await.assert_error(401, "unauthorized");
        until("the index is up to date", async || {
            let reply = anna.get("/v1/search?q=calm&type=playlist").await;
            reply.status == 200 && reply.json()["playlists"]["total"] == 1
        })
        .await;

        let all = anna.get("/v1/search?q=R%C3%B6yk").await.json();
        let first = |found: &Value, kind: &str| found[kind]["items"][0]["name"].clone();
        let names = ["artists", "albums", "tracks"].map(|kind| first(&all, kind));
        assert_eq!(names, [json!("Röyksopp"), json!("Melody A.M."), json!("Eple")]);
        assert_eq!((&all["tracks"]["total"], &all["playlists"]["total"]), (&json!(1), &json!(0)));
        assert_eq!(all["tracks"]["items"][0]["artists"][0]["name"], "Röyksopp", "a track as everywhere");

        let one = anna.get("/v1/search?q=royksop%20eple&type=track,track&limit=1&offset=1").await.json();
        assert_eq!(one.as_object().map(serde_json::Map::len), Some(1), "only what was asked for");
        let page = &one["tracks"];
        assert_eq!((&page["items"], &page["total"], &page["next"]), (&json!([]), &json!(1), &json!(null)));
        let before = format!("{}/v1/search?q=royksop%20eple&type=track,track&limit=1&offset=0", server.base);
        assert_eq!(page["previous"], before);

        for nothing in ["q=", "q=%20", "q=%3F%3F", "q=zzzz"] {
            let found = anna.get(&format!("/v1/search?{nothing}")).await.json();
            assert_eq!(found["artists"]["items"], json!([]), "{nothing}");
        }
        let long = format!("q={}", "x".repeat(251));
        for bad in ["", "type=track", "q=a&type=", "q=a&limit=51", "q=a&offset=981", &long] {
            anna.get(&format!("/v1/search?{bad}")).await.assert_error(400, "invalid");
        }
        assert_eq!(anna.get("/v1/search?q=a&offset=980").await.status, 200);
    }

    async fn private_playlists_are_found_by_their_owner_only(database) {
        let server = Server::start(&database).await;
        let (anna, ben) = (server.user(&database, "anna").await, server.user(&database, "ben").await);
        let made = anna.post("/v1/me/playlists", &json!({"name": "Secret walk", "public": false})).await;
        assert_eq!(made.status, 201);
        let path = format!("/v1/playlists/{}", made.json()["id"].as_str().expect("an id"));
        let totals = async |text: &str| {
            let path = format!("/v1/search?q={text}&type=playlist");
            let mut totals = Vec::new();
            for user in [&anna, &ben] {
                let reply = user.get(&path).await;
                let items = &reply.json()["playlists"]["items"];
                totals.push(items.as_array().map(Vec::len));
            }
            totals
        };
        let (none, one) = (Some(0), Some(1));
        until("the owner finds it", async || totals("secr").await == [one, none]).await;
        let public = json!({"name": "Open walk", "public": true});
        assert!(anna.send(Method::PUT, &path, &public).await.status.is_success());
        until("everybody finds it", async || totals("open").await == [one, one]).await;
        assert_eq!(totals("secr").await, [none, none], "the old name is gone");
        assert!(anna.delete(&path).await.status.is_success());
        until("nobody finds it", async || totals("open").await == [none, none]).await;
    }
}
