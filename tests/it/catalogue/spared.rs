//! What a first scan and a rename of a whole library cost the disk of a server: ratios, not times.

use super::music::{fill, short};
use crate::harness::{Dialect, Login, Server, TestDatabase, run, until};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query, sql_types::BigInt};
use serde_json::json;
use std::{fs, path::Path};

const FILES: usize = 6_000;

/// A number from a file of proc(5) with lines such as `wchar: 12`.
fn number(pid: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("the line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// The size of the database, with what is still in the write-ahead log.
fn size(database: &TestDatabase) -> u64 {
    let file = database.folder.path().join("segue.db");
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).expect("it opens");
    let size = "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()";
    let Size { bytes } = sql_query(size).get_result(&mut connection).expect("read");
    u64::try_from(bytes).expect("a size")
}

async fn serve(database: &TestDatabase, music: &Path) -> Server {
    let music = music.to_str().expect("text");
    Server::start_with(database, &["--music", music, "--check-mb-per-s", "0"]).await
}

/// Waits for the end of a scan after the one that ended at `before`; returns when it ended.
async fn scanned(login: &Login<'_>, before: &str) -> String {
    let mut ended = String::new();
    until("the scan ends", async || {
        let state = login.get("/v1/library/scan").await.json();
        state["finished_at"].as_str().unwrap_or_default().clone_into(&mut ended);
        state["running"] == json!(false) && state["queued"] == json!(false) && !ended.is_empty() && ended != before
    })
    .await;
    ended
}

/// Waits until search has all tracks.
async fn indexed(login: &Login<'_>) {
    let last = format!("/v1/search?q=Track%20{}&type=track", FILES - 1);
    until("the search has the last track", async || login.get(&last).await.json()["tracks"]["total"] != json!(0)).await;
}

#[test]
fn a_server_writes_little_for_a_scan_and_for_a_rename_of_the_library() {
    run(async {
        let music = tempfile::tempdir().expect("a folder");
        fill(&music.path().join("all"), &short(), FILES);
        let database = TestDatabase::new(Dialect::Sqlite);

        let server = serve(&database, music.path()).await;
        let login = server.admin(&database, "anna").await;
        let ended = scanned(&login, "").await;
        let (written, bytes) = (number(server.pid(), "io", "wchar"), size(&database));
        assert!(written < bytes * 5, "a first scan wrote {written} bytes for a database of {bytes}");
        indexed(&login).await;
        let before = number(server.pid(), "io", "wchar");
        fs::rename(music.path().join("all"), music.path().join("renamed")).expect("renamed");
        login.post("/v1/library/scan", &json!({})).await;
        scanned(&login, &ended).await;
        let (written, bytes) = (number(server.pid(), "io", "wchar") - before, size(&database));
        assert!(written < bytes * 9, "a rename wrote {written} bytes for a database of {bytes}");
    });
}
