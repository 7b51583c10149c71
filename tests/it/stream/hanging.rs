//! A disk that does not answer takes its own threads and nobody else's.

use super::fixture::{Track, noise, receive_raw, send_raw};
use crate::harness::{Dialect, Server, TestDatabase, run, segue, silence, until};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// More requests than one music folder has threads.
const REQUESTS: usize = 100;
/// The threads of one music folder.
const THREADS: usize = 64;

/// Builds the library that lets a disk hang, in this folder.
fn hanging_disk(folder: &Path) -> PathBuf {
    let library = folder.join("hanging_disk.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stream/hanging_disk.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(built.unwrap().success());
    library
}

#[test]
fn a_disk_that_hangs_keeps_nobody_from_the_rest() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let folder = database.folder.path();
        let (hanging, sound) =
            (Track::add(&database, "a.flac", &noise(10)), Track::add(&database, "b.flac", &noise(10)));
        let library = hanging_disk(folder);
        let music = hanging.path.parent().unwrap();
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--music"]).arg(music);
        command.env("LD_PRELOAD", &library).env("HANGING_FOLDER", music);
        let server = Server::run(command).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);

        let ask = |track: &Track| send_raw(&server, "GET", &track.stream(), &[&token, "Connection: close"]);
        let mut waiting: Vec<_> = std::iter::repeat_with(|| ask(&hanging)).take(REQUESTS).collect();
        assert_eq!(login.get("/v1/search?q=a").await.status, 200);
        assert_eq!(receive_raw(ask(&sound)).status, 200, "of another disk");
        // One after the other, as the refusals come.
        for client in &waiting {
            client.set_nonblocking(true).unwrap();
        }
        let mut refused = vec![];
        until("what no thread is free for is refused", async || {
            let (told, still): (Vec<_>, Vec<_>) =
                waiting.drain(..).partition(|client| client.peek(&mut [0]).is_ok_and(|bytes| bytes > 0));
            waiting = still;
            refused.extend(told);
            waiting.len() <= THREADS
        })
        .await;
        for client in refused {
            client.set_nonblocking(false).unwrap();
            let answer = receive_raw(client);
            let text = String::from_utf8(answer.body.clone()).unwrap();
            assert!(answer.status == 503 && text.contains("\"busy\"") && answer.header("retry-after") == "5", "{text}");
        }
        assert_eq!(waiting.len(), THREADS, "each thread waits for the disk");
        assert_eq!(login.get("/v1/search?q=a").await.status, 200);
        assert_eq!(receive_raw(ask(&sound)).status, 200, "of another disk");
    });
}

#[test]
fn a_disk_that_hangs_keeps_its_own_covers_back_alone() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let folder = database.folder.path();
        let music = ["Hanging", "Sound"].map(|name| folder.join(name));
        for (index, music) in music.iter().enumerate() {
            fs::create_dir(music).unwrap();
            silence(&music.join("song.wav"), u32::try_from(index).unwrap() + 1);
            let side = 100 + u32::try_from(index).unwrap();
            image::RgbImage::new(side, side).save(music.join("cover.png")).unwrap();
        }
        let scanned = segue(&database).arg("scan").arg("--music").args(&music).output().unwrap();
        assert!(scanned.status.success());
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--music"]).args(&music);
        command.env("LD_PRELOAD", hanging_disk(folder)).env("HANGING_FOLDER", &music[0]);
        let server = Server::run(command).await;
        let login = server.user(&database, "anna").await;
        let albums = login.get("/v1/albums?limit=50").await.json();
        let cover = |length_ms: u64| {
            let albums = albums["items"].as_array().unwrap();
            let album = albums.iter().find(|album| album["duration_ms"] == length_ms);
            let url = album.unwrap_or_else(|| panic!("{length_ms} ms of {albums:?}"))["cover_url"].as_str().unwrap();
            url[url.find("/v1/").unwrap()..].to_owned()
        };
        let (hanging, sound) = (cover(1_000), cover(2_000));
        let sizes = [64, 128, 300, 640, 1200];
        let waiting =
            sizes.map(|size| send_raw(&server, "GET", &format!("{hanging}?size={size}"), &["Connection: close"]));
        let threads_of_covers = || {
            let threads = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
            let names = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
            names.filter(|name| name.trim_end() == "covers").count()
        };
        until("two threads wait for the disk", async || threads_of_covers() == 2).await;
        for size in sizes {
            assert_eq!(server.get(&format!("{sound}?size={size}")).await.status, 200, "of another disk");
        }
        for client in &waiting {
            client.set_nonblocking(true).unwrap();
            assert!(client.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
        }
    });
}
