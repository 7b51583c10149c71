//! Files that change while they are sent, and clients that disconnect.

use super::fixture::{Track, noise, receive_raw, send_raw};
use crate::harness::{Dialect, Server, TestDatabase, run, until};
use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
};

/// A length in bytes that the kernel's buffers of both sides cannot hold, so that the server has to wait for the
/// client.
const LONG: usize = 48 << 20;

/// How many open file descriptors the server has for this file.
fn open_files(server: &Server, path: &Path) -> usize {
    let folder = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    folder.filter(|entry| fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|target| target == path)).count()
}

#[test]
fn a_file_that_replaced_the_scanned_one_is_not_sent() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let tracks =
            ["a.mp3", "b.mp3", "c.mp3", "d.mp3", "e.mp3"].map(|name| Track::add(&database, name, &noise(1000)));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let [written, renamed, longer, gone, edited] = &tracks;
        fs::write(&written.path, noise(1000)).unwrap();
        let modified = fs::metadata(&renamed.path).unwrap().modified().unwrap();
        let copy = renamed.path.with_extension("copy");
        fs::copy(&renamed.path, &copy).unwrap();
        File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
        fs::rename(&copy, &renamed.path).unwrap();
        let file = File::options().append(true).open(&longer.path).unwrap();
        (&file).write_all(b"more").unwrap();
        file.set_modified(modified).unwrap();
        fs::remove_file(&gone.path).unwrap();
        // In place, and the time is set back.
        let file = File::options().write(true).open(&edited.path).unwrap();
        (&file).write_all(b"other").unwrap();
        file.set_modified(modified).unwrap();
        for track in [written, renamed, longer, edited] {
            let reply = login.get(&track.stream()).await;
            reply.assert_error(409, "media_changed");
            assert_eq!(reply.header("retry-after"), "2");
            login.get(&format!("/media/{}.mp3", track.version)).await.assert_error(409, "media_changed");
        }
        login.get(&gone.stream()).await.assert_error(404, "not_found");
    });
}

#[test]
fn a_file_that_changes_while_it_is_sent_ends_the_connection() {
    run(async {
        type Change = fn(&Path);
        let changes: [(&str, Change); 3] = [
            ("truncated", |path| File::options().write(true).open(path).unwrap().set_len(30 << 20).unwrap()),
            ("overwritten", |path| {
                File::options().write(true).open(path).unwrap().write_all(&vec![0; LONG]).unwrap();
            }),
            ("backdated", |path| {
                let file = File::options().write(true).open(path).unwrap();
                let modified = file.metadata().unwrap().modified().unwrap();
                (&file).write_all(&vec![0; LONG]).unwrap();
                file.set_modified(modified).unwrap();
            }),
        ];
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(LONG);
        for (name, change) in changes {
            // The whole file, which is hashed, and a range, which is not.
            for range in ["Range: bytes=0-", "Range: bytes=1-"] {
                let start = usize::from(range.ends_with("1-"));
                let track = Track::add(&database, &format!("{name}{start}.flac"), &bytes);
                let server = Server::start(&database).await;
                let login = server.user(&database, &format!("{name}{start}")).await;
                let token = format!("Authorization: Bearer {}", login.token);
                let mut stream = send_raw(&server, "GET", &track.stream(), &[range, &token]);
                let mut first = [0; 9];
                stream.read_exact(&mut first).unwrap();
                change(&track.path);
                let mut rest = vec![];
                let _ = stream.read_to_end(&mut rest);
                let body = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                let body = &rest[body..];
                assert!(body.len() < LONG - start, "{name}: the answer broke off");
                assert!(*body == bytes[start..start + body.len()], "{name}: what came was right");
                until("the file is closed", async || open_files(&server, &track.path) == 0).await;
                login.get(&track.stream()).await.assert_error(409, "media_changed");
                assert!(login.get(&format!("/v1/tracks/{}/media", track.id)).await.json()["sha256"].is_null());
            }
        }
    });
}

#[test]
fn a_file_replaced_while_it_is_sent_is_sent_to_its_end_if_its_sha256_is_known() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(LONG);
        let tracks = ["known.flac", "unknown.flac"].map(|name| Track::add(&database, name, &bytes));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let ask = |track: &Track| send_raw(&server, "GET", &track.stream(), &[&token, "Connection: close"]);
        assert!(receive_raw(ask(&tracks[0])).body == bytes);
        let media = format!("/v1/tracks/{}/media", tracks[0].id);
        until("its SHA-256 is known", async || !login.get(&media).await.json()["sha256"].is_null()).await;
        for (track, is_known) in tracks.iter().zip([true, false]) {
            let stream = ask(track);
            until("the file is open", async || open_files(&server, &track.path) == 1).await;
            let other = track.path.with_extension("new");
            fs::write(&other, noise(1000)).unwrap();
            fs::rename(&other, &track.path).unwrap();
            let answer = receive_raw(stream);
            assert_eq!((answer.status, answer.body.len() == LONG), (200, is_known));
            assert!(answer.body == bytes[..answer.body.len()], "what came was right");
        }
    });
}

#[test]
fn the_file_is_closed_when_the_client_disconnects() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(LONG));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        // The whole file (hashed), one range, several ranges.
        for range in ["X: x", "Range: bytes=1-", "Range: bytes=0-20000000,20000002-"] {
            let mut clients: Vec<_> =
                (0..20).map(|_| send_raw(&server, "GET", &track.stream(), &[range, &token])).collect();
            for client in &mut clients {
                client.read_exact(&mut [0; 1000]).unwrap();
            }
            assert_eq!(open_files(&server, &track.path), 20);
            drop(clients);
            until("all files are closed", async || open_files(&server, &track.path) == 0).await;
        }
        assert_eq!(login.get("/v1/me").await.status, 200);
    });
}
