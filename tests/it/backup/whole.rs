//! A restored database equals the one that was backed up, on the same kind of database and on the other kind.

use super::{PLAYS, add_plays, assert_same, back_up, refused, restore, rows, run, sql, value};
use crate::{
    harness::{Dialect, Server, TestDatabase, until},
    house::MUSIC,
    sync::socket::{Socket, command},
};
use segue::db::backup::{LEFT_OUT, TABLES};
use segue_client::protocol::{messages::Op, playback::Repeat, wire::ServerMessage};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

/// Fills the database: music, an account that has used every feature, and extreme values.
async fn lived_in(database: &TestDatabase) {
    let server = Server::start_with(database, &["--music", MUSIC]).await;
    let anna = server.admin(database, "anna").await;
    let mut tracks = Vec::new();
    until("the music is in the catalogue", async || {
        let scan = anna.get("/v1/library/scan").await.json();
        let page = anna.get("/v1/tracks?limit=50").await.json();
        tracks = page["items"].as_array().cloned().unwrap_or_default();
        scan["complete"] == true && tracks.len() > 10
    })
    .await;
    let id = |place: usize| tracks[place]["id"].as_str().expect("an id").to_owned();
    let made = anna.post("/v1/me/playlists", &json!({"name": "Für \"Élise\" \\ 李 \u{1F3B5}"})).await;
    assert!(made.status.is_success(), "{made:?}");
    let playlist = made.json()["id"].as_str().expect("an id").to_owned();
    let uris = [0, 1, 0].map(|place| format!("spotify:track:{}", id(place)));
    let added = anna.post(&format!("/v1/playlists/{playlist}/tracks"), &json!({"uris": uris})).await;
    assert!(added.status.is_success(), "{added:?}");
    let saved = anna.put(&format!("/v1/me/tracks?ids={}", id(2)), &json!({})).await;
    assert!(saved.status.is_success(), "{saved:?}");
    let uri = |thing: &Value| thing["uri"].as_str().expect("an URI").to_owned();
    let uris = [uri(&tracks[0]["album"]), uri(&tracks[0]["artists"][0])].join(",");
    let saved = anna.put(&format!("/v1/me/library?uris={uris}"), &json!({})).await;
    assert!(saved.status.is_success(), "{saved:?}");
    let (mut phone, _) = Socket::join(&server, &anna.token, 1).await;
    let queue = [id(3), id(4)].iter().map(|id| id.parse().expect("an id")).collect();
    let play = Op::Play { item: None, tracks: queue, start: None, position_ms: None, on: None };
    for (number, op) in [(1, play), (2, Op::Repeat { mode: Repeat::All })] {
        phone.send(&command(number, op)).await;
        while !matches!(phone.next().await.expect("the socket is open"), ServerMessage::Ack { .. }) {}
    }
    let gone = server.log_in("anna", "anna-password").await;
    assert!(gone.post("/v1/auth/logout", &json!({})).await.status.is_success());
    let key = server.log_in("anna", "anna-password").await;
    assert_eq!(key.post("/v1/auth/keys", &json!({"name": "program", "scope": "read"})).await.status, 201);
    drop(server);
    sql(database, "UPDATE tracks SET track_gain_db = -7.32, track_peak = 0.988553, album_gain_db = 3, bit_depth = 24");
    sql(database, "UPDATE files SET inode = 9223372036854775807, tag_key = -9223372036854775808");
    sql(database, "INSERT INTO play_counts VALUES (5, 7); INSERT INTO gone_playlists VALUES (9, 1)");
    sql(database, "INSERT INTO unscaled_covers VALUES (4, 8001, NULL); INSERT INTO stale_titles VALUES ('title')");
    sql(database, "INSERT INTO departed_files VALUES (6); INSERT INTO merged_tracks VALUES (7, 8)");
    sql(database, "INSERT INTO former_albums VALUES (5, 6); INSERT INTO former_artists VALUES (5, 6, 7)");
    sql(database, "INSERT INTO sort_names VALUES (5, 'B, A', 'Album, The', '')");
    add_plays(database, 3);
}

on_both_databases! {
    async fn a_backup_restores_everything_on_either_kind_of_database(database) {
        lived_in(&database).await;
        let first = back_up(&database, "first.backup");
        let all = rows(&first);
        for table in TABLES {
            let filled = all.iter().any(|row| row.starts_with(&format!("{table} [")));
            assert!(filled || *table == "genres" || *table == "track_genres", "{table} holds nothing to test with");
        }
        let mode = fs::metadata(&first).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "secrets are inside");
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let other = TestDatabase::new(dialect);
            restore(&other, &first);
            let second = back_up(&other, "second.backup");
            assert_same(&all, &rows(&second));
        }
        // After a restore to the other kind of database, an older login and the library are still valid.
        let other = TestDatabase::new(if database.dialect == Dialect::Sqlite { Dialect::Postgres } else { Dialect::Sqlite });
        restore(&other, &first);
        let server = Server::start(&other).await;
        let anna = server.log_in("anna", "anna-password").await;
        assert_eq!(anna.get("/v1/me/playlists").await.json()["total"], 1);
        until("the search index follows", async || {
            anna.get("/v1/search?q=knolls&type=track").await.json()["tracks"]["total"].as_u64() > Some(0)
        })
        .await;
    }

    /// Meanwhile, each of many transactions adds a row to the table that is read first and one to the table read last.
    async fn a_backup_is_one_snapshot(database) {
        let db = database.open();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let until_told = std::sync::Arc::clone(&stop);
        let writer = std::thread::spawn(move || {
            let mut number = 0;
            while !until_told.load(std::sync::atomic::Ordering::Relaxed) {
                number += 1;
                let pair = format!(
                    "INSERT INTO users VALUES ({number}, 'u{number}', 'u{number}', '', 'user', 0);
                     {PLAYS} ({number}, 1, 1, 1, 'track', 0)"
                );
                let run = move |connection: &mut segue::db::DbConnection| {
                    Ok(diesel::connection::SimpleConnection::batch_execute(connection, &pair)?)
                };
                db.write_blocking(run).expect("a writer is not kept out");
            }
            number
        });
        let mut seen = Vec::new();
        for round in 0..5 {
            let rows = rows(&back_up(&database, &format!("{round}.backup")));
            let count = |table: &str| rows.iter().filter(|row| row.starts_with(table)).count();
            assert_eq!(count("users ["), count("plays ["));
            seen.push(count("users ["));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let written = writer.join().expect("it wrote");
        assert!(seen.windows(2).all(|two| two[0] < two[1]) && written > 0, "writing went on meanwhile: {seen:?}");
    }

    async fn a_backup_waits_for_no_writer(database) {
        let beside = |_: &mut segue::db::DbConnection| Ok(back_up(&database, "beside.backup"));
        let file = database.open().write_blocking(beside).expect("the transaction is unharmed");
        assert!(!rows(&file).is_empty());
    }

    async fn existing_files_and_data_are_replaced_only_with_the_option(database) {
        sql(&database, "INSERT INTO users VALUES (1, 'anna', 'anna', '', 'admin', 0)");
        let file = back_up(&database, "one.backup");
        let said = refused(&database, "backup", &file, &[]);
        assert!(said.contains("exists already") && said.contains("--force"), "{said}");
        assert!(run(&database, "backup", &file, &["--force"]).status.success());
        sql(&database, "INSERT INTO users VALUES (2, 'bert', 'bert', '', 'user', 0)");
        let said = refused(&database, "restore", &file, &[]);
        for part in ["2 users", "1 user, ", "--yes"] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(value(&database, "SELECT count(*) FROM users"), "2");
        restore(&database, &file);
        assert_eq!(value(&database, "SELECT count(*) FROM users"), "1");
    }

    async fn every_table_is_in_a_backup_or_left_out_on_purpose(database) {
        let mut known: Vec<&str> = TABLES.iter().chain(LEFT_OUT).copied().collect();
        known.sort_unstable();
        let schema = include_str!("../../../src/db/schema.rs");
        let tables = schema.lines().filter(|line| line.starts_with("    ") && line.ends_with(" {"));
        let tables: Vec<&str> = tables.filter_map(|line| line.trim().split(' ').next()).collect();
        assert_eq!(known, tables);
        let there = database.open().read_blocking(segue::db::backup::tables).expect("readable");
        assert_eq!(there.len(), TABLES.len());
    }
}
