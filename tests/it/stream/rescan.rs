//! Streaming and scanning: a file that is overwritten gets a new version.

use super::fixture::raw;
use crate::harness::{Server, until};
use diesel::{QueryDsl as _, RunQueryDsl as _};
use segue::db::{Db, schema::tracks};
use segue_client::protocol::ids::MediaId;
use std::{fs, path::Path};

/// Writes a WAV file of one second; each `pitch` gives other samples.
fn write_wav(path: &Path, pitch: u32) {
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    (0..8000 + pitch).for_each(|at| writer.write_sample(i16::try_from(at * pitch % 30_000).unwrap()).unwrap());
    writer.finalize().unwrap();
}

fn first_track(db: &Db) -> Option<MediaId> {
    let ids: Vec<i64> = db.read_blocking(|connection| Ok(tracks::table.select(tracks::id).load(connection)?)).unwrap();
    ids.first().copied().map(MediaId::from_sql)
}

on_both_databases! {
    async fn an_overwritten_file_is_scanned_and_streamed_with_another_version(database) {
        let music = tempfile::tempdir().unwrap();
        let path = music.path().join("a.wav");
        write_wav(&path, 3);
        let old = fs::read(&path).unwrap();
        let server = Server::start_with(&database, &["--music", music.path().to_str().unwrap(), "--check-mb-per-s", "0"]).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let db = database.open();
        until("the file is scanned", async || first_track(&db).is_some()).await;
        let id = first_track(&db).unwrap();
        let (stream, media) = (format!("/v1/tracks/{id}/stream"), format!("/v1/tracks/{id}/media"));
        let link = login.get(&media).await.json()["url"].as_str().unwrap().replace(&server.base, "");
        let first = raw(&server, "GET", &link, &[]);
        assert!(first.status == 200 && first.body == old && first.header("content-type") == "audio/wav");
        until("its hash is known", async || !login.get(&media).await.json()["sha256"].is_null()).await;

        write_wav(&path, 7);
        let new = fs::read(&path).unwrap();
        assert_ne!(new, old);
        until("the new file is scanned", async || {
            let answer = raw(&server, "GET", &stream, &["Range: bytes=1-", &token]);
            assert!(answer.status == 409 || (answer.status == 206 && answer.body == new[1..]), "{}", answer.status);
            answer.status == 206
        })
        .await;
        let info = login.get(&media).await.json();
        assert_eq!((&info["size_bytes"], &info["sha256"]), (&new.len().into(), &serde_json::Value::Null));
        server.get(&link).await.assert_error(404, "not_found");
        let link = info["url"].as_str().unwrap().replace(&server.base, "");
        assert!(raw(&server, "GET", &link, &[]).body == new);
    }
}
