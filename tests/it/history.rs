//! Plays: each user's own history and charts, the popular tracks of an artist, and popularity in search.

use crate::{
    harness::{Login, Server, TestDatabase, until},
    search::{document, rows},
};
use diesel::connection::SimpleConnection as _;
use segue::{
    time,
    values::document::{Document, ItemKind},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
/// The time of the first play below, in milliseconds since 1970.
const START_MS: i64 = 1_767_225_600_000;

/// Two artists, each with an album: Alpha (1) with the tracks Same (3) and Other (4), Beta (5) with Same (7).
fn fill(database: &TestDatabase) {
    let named = [
        (ItemKind::Artist, "Alpha"),
        (ItemKind::Album, "First"),
        (ItemKind::Track, "Same"),
        (ItemKind::Track, "Other"),
        (ItemKind::Artist, "Beta"),
        (ItemKind::Album, "Second"),
        (ItemKind::Track, "Same"),
    ];
    let documents: Vec<Document> = named.iter().zip(1..).map(|(&(kind, name), id)| document(kind, id, name)).collect();
    rows::fill(&database.open(), &documents);
}

/// Stores plays of a user: the track, the kind, and the time when it began in microseconds since 1970.
fn keep(database: &TestDatabase, user: &Login<'_>, plays: impl IntoIterator<Item = (i64, &'static str, i64)>) {
    let user = u64::from_str_radix(&user.user, 16).expect("an id").cast_signed();
    let mut statement = "INSERT INTO plays (user_id, epoch, revision, media_id, kind, started_us) VALUES ".to_owned();
    for (number, (media_id, kind, started_us)) in plays.into_iter().enumerate() {
        let (comma, epoch) = (if number == 0 { "" } else { "," }, rand::random::<i64>());
        write!(statement, "{comma}({user}, {epoch}, {number}, {media_id}, '{kind}', {started_us})")
            .expect("text grows");
    }
    let run = move |connection: &mut segue::db::DbConnection| Ok(connection.batch_execute(&statement)?);
    database.open().write_blocking(run).expect("plays are kept");
}

fn hex(id: i64) -> String {
    format!("{id:016x}")
}

/// The ids and times of a page of history.
fn played(page: &Value) -> Vec<(String, String)> {
    let items = page["items"].as_array().expect("items");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    items.iter().map(|item| (text(&item["track"]["id"]), text(&item["played_at"]))).collect()
}

fn ids(items: &Value) -> Vec<String> {
    let items = items.as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

on_both_databases! {
    async fn the_latest_plays_are_paged_by_time(database) {
        fill(&database);
        let server = Server::start(&database).await;
        let (anna, ben) = (server.user(&database, "anna").await, server.user(&database, "ben").await);
        let at = |second: i64| (START_MS + second * 1_000) * 1_000;
        keep(&database, &anna, (0..5).map(|second| (if second % 2 == 0 { 3 } else { 7 }, "track", at(second) + 999)));
        keep(&database, &anna, [(3, "episode", at(90)), (99, "track", at(-90))]);
        keep(&database, &ben, [(4, "track", at(2))]);

        let path = "/v1/me/player/recently-played";
        let mut page = anna.get(&format!("{path}?limit=2")).await.json();
        assert_eq!(played(&page), [(hex(3), "2026-01-01T00:00:04.000Z".to_owned()), (hex(7), "2026-01-01T00:00:03.000Z".to_owned())]);
        assert_eq!(page["items"][0]["track"]["name"], "Same");
        assert_eq!(page["items"][0]["context"], Value::Null);
        let (newest, mut seen) = (page["cursors"]["after"].clone(), played(&page));
        assert_eq!(newest, (START_MS + 4_000).to_string());
        while let Some(next) = page["next"].as_str() {
            page = anna.get(next.strip_prefix(&server.base).expect("on this server")).await.json();
            seen.extend(played(&page));
        }
        let seconds: Vec<_> = seen.iter().map(|(_, at)| at[17..19].to_owned()).collect();
        assert_eq!(seconds, ["04", "03", "02", "01", "00"], "each once, the latest first, known tracks alone");

        let mut page = anna.get(&format!("{path}?limit=2&after={START_MS}")).await.json();
        assert_eq!(played(&page).iter().map(|(_, at)| &at[17..19]).collect::<Vec<_>>(), ["02", "01"]);
        page = anna.get(page["next"].as_str().expect("more").strip_prefix(&server.base).expect("here")).await.json();
        assert_eq!(played(&page).iter().map(|(_, at)| &at[17..19]).collect::<Vec<_>>(), ["04", "03"]);
        assert_eq!(page["next"], Value::Null);
        let none = anna.get(&format!("{path}?after={}", newest.as_str().expect("a text"))).await.json();
        assert_eq!((&none["items"], &none["cursors"], &none["next"]), (&json!([]), &Value::Null, &Value::Null));

        assert_eq!(played(&ben.get(path).await.json()).len(), 1, "one's own plays alone");
        for bad in ["limit=0", "limit=51", "before=1&after=2", "before=x"] {
            anna.get(&format!("{path}?{bad}")).await.assert_error(400, "invalid");
        }
        assert_eq!(anna.get(&format!("{path}?before={}", i64::MIN)).await.json()["items"], json!([]));
        server.get(path).await.assert_error(401, "unauthorized");
    }

    async fn the_most_played_tracks_depend_on_the_period(database) {
        fill(&database);
        let server = Server::start(&database).await;
        let (anna, ben) = (server.user(&database, "anna").await, server.user(&database, "ben").await);
        let ago = |days: i64| time::now().0 - days * DAY_US;
        let many = |count: usize, id: i64, days: i64| std::iter::repeat_n((id, "track", ago(days)), count);
        keep(&database, &anna, many(3, 3, 10).chain(many(2, 4, 10)).chain(many(5, 4, 100)).chain(many(9, 7, 300)));
        keep(&database, &anna, many(50, 3, 500));
        keep(&database, &ben, many(80, 7, 1));

        for (range, tracks, artists) in [
            ("short_term", vec![3, 4], vec![1]),
            ("medium_term", vec![4, 3], vec![1]),
            ("long_term", vec![7, 4, 3], vec![1, 5]),
        ] {
            let found = anna.get(&format!("/v1/me/top/tracks?time_range={range}")).await.json();
            assert_eq!(ids(&found["items"]), tracks.iter().copied().map(hex).collect::<Vec<_>>(), "{range}");
            assert_eq!(found["total"], tracks.len());
            let found = anna.get(&format!("/v1/me/top/artists?time_range={range}")).await.json();
            assert_eq!(ids(&found["items"]), artists.iter().copied().map(hex).collect::<Vec<_>>(), "{range}");
            assert_eq!(found["total"], artists.len());
        }
        let default = anna.get("/v1/me/top/tracks").await.json();
        assert_eq!(ids(&default["items"]), [hex(4), hex(3)], "half a year");
        let second = anna.get("/v1/me/top/tracks?time_range=long_term&limit=1&offset=1").await.json();
        assert_eq!((ids(&second["items"]), &second["total"]), (vec![hex(4)], &json!(3)));
        let beyond = anna.get("/v1/me/top/artists?time_range=long_term&offset=9").await.json();
        assert_eq!((&beyond["items"], &beyond["total"]), (&json!([]), &json!(2)));
        anna.get("/v1/me/top/tracks?time_range=ever").await.assert_error(400, "invalid");
        server.get("/v1/me/top/artists").await.assert_error(401, "unauthorized");
    }

    async fn plays_of_all_users_determine_top_tracks_and_popularity(database) {
        fill(&database);
        let server = Server::start(&database).await;
        let admin = server.admin(&database, "root").await;
        let (anna, ben) = (server.user(&database, "anna").await, server.user(&database, "ben").await);
        let first = async || {
            let reply = anna.get("/v1/search?q=same&type=track").await;
            (reply.status == 200).then(|| ids(&reply.json()["tracks"]["items"]).into_iter().next()).flatten()
        };
        until("the index is up to date", async || first().await.is_some()).await;
        let (before, other) = if first().await == Some(hex(3)) { (3, 7) } else { (7, 3) };
        keep(&database, &ben, [(other, "track", 1)]);
        until("of two equal names the played one comes first", async || first().await == Some(hex(other))).await;
        keep(&database, &anna, std::iter::repeat_n((before, "track", 1), 1_200));
        keep(&database, &ben, [(before, "episode", 1)]);
        until("and then the other", async || first().await == Some(hex(before))).await;
        let top = async |artist: i64| ids(&anna.get(&format!("/v1/artists/{}/top-tracks", hex(artist))).await.json()["tracks"]);
        keep(&database, &ben, [(4, "track", 1)]);
        keep(&database, &anna, [(4, "track", 1)]);
        if before == 3 {
            until("the favourite first", async || top(1).await == [hex(3), hex(4)]).await;
        } else {
            until("the favourite first", async || top(1).await == [hex(4), hex(3)]).await;
        }
        assert_eq!(top(5).await, [hex(7)]);
        anna.get(&format!("/v1/artists/{}/top-tracks", hex(99))).await.assert_error(404, "not_found");

        let number = |query: &str| crate::backup::value(&database, query).parse::<i64>().expect("a number");
        until("all are counted", async || number("SELECT count(*) FROM plays WHERE NOT counted") == 0).await;
        assert_eq!(number(&format!("SELECT plays FROM play_counts WHERE media_id = {before}")), 1_200);
        assert!(number("SELECT last FROM changes") < 300, "a thing changes when it is noticeably more popular");
        assert_eq!(admin.delete(&format!("/v1/users/{}", anna.user)).await.status, 204);
        assert_eq!(number(&format!("SELECT plays FROM play_counts WHERE media_id = {before}")), 0);
        assert_eq!(number("SELECT plays FROM play_counts WHERE media_id = 4"), 1, "others' stay");
    }

    async fn playlists_of_a_deleted_user_are_not_found(database) {
        let server = Server::start(&database).await;
        let (admin, ben) = (server.admin(&database, "root").await, server.user(&database, "ben").await);
        let made = ben.post("/v1/me/playlists", &json!({"name": "Long walk", "public": true})).await;
        assert_eq!(made.status, 201);
        let total = async || {
            let reply = admin.get("/v1/search?q=walk&type=playlist").await;
            (reply.status == 200).then(|| reply.json()["playlists"]["total"].clone())
        };
        until("it is found", async || total().await == Some(json!(1))).await;
        assert_eq!(admin.delete(&format!("/v1/users/{}", ben.user)).await.status, 204);
        until("it is gone", async || total().await == Some(json!(0))).await;
    }
}
