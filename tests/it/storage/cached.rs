//! What was played of objects is played again from the disk.

use super::{
    play::{command, track},
    scan::{reads, song},
    service::{Fault, Service},
};
use crate::{
    catalogue::library::Library,
    harness::{Dialect, Login, Server, TestDatabase, pass_environment, run, until, with_disk},
    stream::{
        bare::{assert_bare_equals_http, link},
        fixture::{Answer, Track, noise, raw},
        ranges::SIZE,
    },
};
use segue_client::protocol::ids::MediaId;
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

/// The length of a block.
const BLOCK: usize = 256 * 1024;

/// The files of blocks in the data folder.
fn block_files(database: &TestDatabase) -> Vec<PathBuf> {
    let shelves = fs::read_dir(database.folder.path().join("blocks")).expect("the server makes it");
    let files = |shelf: PathBuf| fs::read_dir(shelf).into_iter().flatten();
    shelves.flat_map(|shelf| files(shelf.expect("read").path())).map(|file| file.expect("read").path()).collect()
}

/// A whole track by its link, on a bare connection.
pub(super) async fn play(server: &Server, login: &Login<'_>, track: &Track) -> Answer {
    raw(server, "GET", &link(server, login, track).await, &[])
}

/// The value of a metric, by the begin of its line.
async fn metric(admin: &Login<'_>, name: &str) -> u64 {
    let text = String::from_utf8(admin.get("/metrics").await.body).expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is counted")).parse().expect("a number")
}

on_both_databases! {
    async fn the_bare_connection_answers_for_an_object_as_http_does(database) {
        let service = Service::start();
        let track = track(&database, &service, "a.flac", &noise(SIZE));
        let server = Server::run(command(&database, &service, &[])).await;
        let (admin, login) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        let link = link(&server, &login, &track).await;
        assert_bare_equals_http(&server, &admin, &link, &track.version).await;
    }

    async fn what_was_played_plays_while_the_storage_is_down_and_after_a_kill(database) {
        let service = Service::start();
        let (long, other) = (noise(5 * BLOCK + 7), noise(BLOCK));
        let known = track(&database, &service, "a.flac", &long);
        let unknown = track(&database, &service, "b.flac", &other);
        let mut server = Server::run(command(&database, &service, &[])).await;
        let (admin, login) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        assert!(play(&server, &login, &known).await.body == long);
        assert_eq!(reads(&service).len(), 6);
        service.be_down(true);
        let answer = play(&server, &login, &known).await;
        assert!(answer.status == 200 && answer.body == long);
        let answer = play(&server, &login, &unknown).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
        assert!(metric(&admin, "segue_storage_errors_total").await >= 1);
        assert_eq!(metric(&admin, "segue_storage_bytes_total").await, 5 * 262_144 + 7);
        let cached = metric(&admin, "segue_media_bytes_total{source=\"cache\"}").await;
        assert_eq!(cached, 2 * u64::try_from(long.len()).expect("few"));
        assert!(metric(&admin, "segue_block_lookups_total{outcome=\"hit\"}").await >= 6);

        server.signal("KILL");
        server.wait();
        let again = Server::run(command(&database, &service, &[])).await;
        let login = again.log_in("anna", "anna-password").await;
        let answer = play(&again, &login, &known).await;
        assert!(answer.status == 200 && answer.body == long);
        service.be_down(false);
        until("the other one plays", async || play(&again, &login, &unknown).await.body == other).await;
    }

    async fn blocks_leave_with_their_track(database) {
        let (library, service) = (Library::new(database), Service::start());
        let keys = ["lib/A/gone.wav", "lib/A/kept.wav"];
        for ((seed, title), key) in (1..).zip(["Gone", "Kept"]).zip(keys) {
            service.place(key, &song(seed, title, None));
        }
        let music = ["--music=s3://music/lib"];
        let server = Server::run(command(&library.database, &service, &music)).await;
        let admin = server.admin(&library.database, "root").await;
        until("they are scanned", async || library.rows().len() == 2).await;
        for key in keys {
            let track = MediaId::from_sql(library.rows()[&format!("s3://music/{key}")].id);
            let path = format!("/v1/tracks/{track}/stream");
            until("it plays", async || admin.get(&path).await.status == 200).await;
        }
        let before = block_files(&library.database);
        assert_eq!(before.len(), 2);
        fs::remove_file(service.file(keys[0])).expect("removed");
        let reply = admin.post("/v1/library/scan", &serde_json::json!({})).await;
        assert_eq!(reply.status, 202, "{}", reply.json());
        until("its blocks are gone", async || block_files(&library.database).len() == 1).await;
        assert!(library.rows()["s3://music/lib/A/gone.wav"].missing);
    }
}

#[test]
fn an_object_that_changed_behind_its_kept_blocks_is_scanned_again() {
    run(async {
        let (library, service) = (Library::new(TestDatabase::new(Dialect::Sqlite)), Service::start());
        let (key, path) = ("lib/A/long.wav", "s3://music/lib/A/long.wav");
        // The order of tags differs each time.
        let [old, new] = [1, 2].map(|seed| [song(seed, "Long", None), noise(2 * BLOCK)].concat());
        service.place(key, &old);
        // No scan by itself within the test.
        let server = Server::run(command(&library.database, &service, &["--music=s3://music/lib"])).await;
        let admin = server.admin(&library.database, "root").await;
        until("it is scanned", async || library.rows().contains_key(path)).await;
        let stream = format!("/v1/tracks/{}/stream", MediaId::from_sql(library.rows()[path].id));
        let token = format!("Authorization: Bearer {}", admin.token);
        let first = "Range: bytes=0-9";
        until("its first block is kept", async || raw(&server, "GET", &stream, &[&token, first]).status == 206).await;
        service.place(key, &new);
        // The start is the old one, and the next block is of another object.
        let answer = raw(&server, "GET", &stream, &[&token]);
        assert!(answer.status == 200 && answer.body.len() <= BLOCK && old.starts_with(&answer.body));
        let is_new = async || raw(&server, "GET", &stream, &[&token]).body == new;
        until("it is scanned again and plays", is_new).await;
    });
}

/// A server whose `cache_dir` is a disk of its own with room for so many blocks.
async fn on_small_disk(database: &TestDatabase, service: &Service, blocks: usize) -> Server {
    let folder = database.folder.path().join("small");
    fs::create_dir(&folder).expect("made");
    let program = command(database, service, &["--cache-dir", folder.to_str().expect("text")]);
    let mut command = with_disk(&format!("size={}k", blocks * 264), &folder);
    command.arg(program.get_program()).args(program.get_args());
    pass_environment(&program, &mut command);
    Server::run(command).await
}

#[test]
fn a_full_disk_keeps_nothing_more_and_all_plays_on() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(8 * BLOCK);
        let track = track(&database, &service, "a.flac", &bytes);
        let server = on_small_disk(&database, &service, 3).await;
        let (admin, login) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        for _ in 0..2 {
            let answer = play(&server, &login, &track).await;
            assert!(answer.status == 200 && answer.body == bytes);
        }
        let kept = metric(&admin, "segue_media_bytes_total{source=\"cache\"}").await;
        assert!(kept > 0 && metric(&admin, "segue_media_bytes_total{source=\"storage\"}").await > kept);
    });
}

#[test]
fn whatever_the_storage_does_no_wrong_byte_is_sent_or_kept() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let tracks: Vec<(Vec<u8>, Track)> = (0..6)
            .map(|number| {
                let bytes = noise(9 * BLOCK)[number * 1001..][..(number + 2) * BLOCK + number].to_vec();
                let track = track(&database, &service, &format!("{number}.flac"), &bytes);
                (bytes, track)
            })
            .collect();
        // Room for half of them, so that blocks come and go.
        let server = Server::run(command(&database, &service, &["--cache-mb=4"])).await;
        let login = server.user(&database, "anna").await;
        let mut links = Vec::new();
        for (bytes, track) in &tracks {
            links.push((bytes, link(&server, &login, track).await));
        }
        // Each listener hears all tracks, from the start or from the middle, while the service fails in every way.
        let faults =
            [Fault::Nothing, Fault::Cut, Fault::Slow, Fault::Short, Fault::SlowDown, Fault::Nothing, Fault::Broken];
        service.fail_next(&faults.repeat(40));
        thread::scope(|scope| {
            for listener in 0..6 {
                let (links, server) = (&links, &server);
                scope.spawn(move || {
                    for (at, (bytes, link)) in links.iter().enumerate().cycle().skip(listener).take(links.len()) {
                        let from = if at % 2 == 0 { 0 } else { bytes.len() / 3 };
                        let answer = raw(server, "GET", link, &[&format!("Range: bytes={from}-")]);
                        let expected = &bytes[from..];
                        let good = answer.status == 206 && expected.starts_with(&answer.body);
                        assert!(good || answer.status == 503, "{}", answer.status);
                    }
                });
            }
        });
        service.fail_next(&[]);
        for (bytes, link) in &links {
            until("it plays whole", async || {
                let answer = raw(&server, "GET", link, &[]);
                let is_right = answer.status == 200 && bytes.starts_with(&answer.body);
                assert!(is_right || answer.status == 503, "{}", answer.status);
                answer.body == **bytes
            })
            .await;
        }
        let size: u64 = block_files(&database).iter().map(|path: &PathBuf| size_of_file(path)).sum();
        assert!(size <= 4_000_000, "{size}");
    });
}

fn size_of_file(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
