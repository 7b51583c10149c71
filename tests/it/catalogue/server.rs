//! Scans by the server: at start, on request, and when files change.

use super::library::{Library, wav};
use crate::harness::{Server, until};

on_both_databases! {
    async fn a_server_scans_at_start_when_asked_and_when_files_change(database) {
        let library = Library::new(database);
        wav(&library.path("a/1.wav"), 1);
        std::fs::write(library.path("a/bad.flac"), "no audio").expect("written");
        let music = library.music.path().to_str().expect("text");
        let server = Server::start_with(&library.database, &["--music", music]).await;
        let admin = server.admin(&library.database, "root").await;
        let user = server.user(&library.database, "ann").await;
        let status = async || admin.get("/v1/library/scan").await.json();
        until("the scan at start is over", async || status().await["complete"] == true).await;
        let first = status().await;
        assert_eq!((&first["added"], &first["unreadable"], &first["running"]), (&2.into(), &1.into(), &false.into()));
        // Milliseconds, so that two scans within a second can be distinguished.
        assert_eq!(first["finished_at"].as_str().map(str::len), Some("2026-01-01T00:00:00.000Z".len()), "{first}");
        let unreadable = admin.get("/v1/library/unreadable").await.json();
        assert_eq!(unreadable["total"], 1);
        assert!(unreadable["items"][0]["path"].as_str().is_some_and(|path| path.ends_with("a/bad.flac")));
        assert!(unreadable["items"][0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));

        // Without a request, after the files have not changed for a while.
        wav(&library.path("b/2.wav"), 2);
        until("a new file was noticed", async || user.get("/v1/tracks").await.json()["total"] == 2).await;
        std::fs::remove_dir_all(library.path("b")).expect("removed");
        until("a removed folder was noticed", async || user.get("/v1/tracks").await.json()["total"] == 1).await;

        let asked = admin.post("/v1/library/scan", &serde_json::Value::Null).await;
        assert_eq!(asked.status, 202);
        until("the scan that was asked for is over", async || {
            let now = status().await;
            now["complete"] == true && now["queued"] == false && now["expected"] == 2
        }).await;
        let again = admin.post("/v1/library/scan?reread_all=true", &serde_json::Value::Null).await;
        assert_eq!(again.status, 202);
        until("every file is read again", async || {
            let now = status().await;
            now["complete"] == true && now["queued"] == false && now["unchanged"] == 0 && now["changed"] == 2
        }).await;
        let odd = admin.post("/v1/library/scan?reread=true", &serde_json::Value::Null).await;
        odd.assert_error(400, "invalid");
        user.post("/v1/library/scan", &serde_json::Value::Null).await.assert_error(403, "forbidden");
        user.get("/v1/library/unreadable").await.assert_error(403, "forbidden");
        assert!(user.get("/v1/library/scan").await.json()["folder"].is_null());
    }
}

on_both_databases! {
    async fn what_a_finished_scan_wrote_is_found(database) {
        let library = Library::new(database);
        let music = library.music.path().to_str().expect("text");
        let server = Server::start_with(&library.database, &["--music", music]).await;
        let admin = server.admin(&library.database, "root").await;
        for number in 1..6 {
            wav(&library.path(format!("album/song{number}.wav")), number);
            assert_eq!(admin.post("/v1/library/scan", &serde_json::Value::Null).await.status, 202);
            until("the scan is over", async || {
                let now = admin.get("/v1/library/scan").await.json();
                now["complete"] == true && now["queued"] == false && now["done"] == number
            }).await;
            let found = admin.get(&format!("/v1/search?q=song{number}&type=track")).await.json();
            assert_eq!(found["tracks"]["total"], 1, "{number}: {found}");
        }
    }
}

#[test]
fn a_scan_of_a_server_without_music_folders_is_refused() {
    crate::harness::run(async {
        let library = Library::sqlite();
        let server = Server::start(&library.database).await;
        let admin = server.admin(&library.database, "root").await;
        admin.post("/v1/library/scan", &serde_json::Value::Null).await.assert_error(409, "conflict");
    });
}
