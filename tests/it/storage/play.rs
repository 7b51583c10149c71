//! Playing objects of a bucket.

use super::{
    scan::reads,
    service::{BUCKET, Fault, Service},
};
use crate::{
    harness::{Dialect, Server, TestDatabase, run, segue},
    stream::{
        fixture::{Track, noise, raw},
        ranges::{SIZE, assert_every_case},
    },
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue::{
    db::schema::{files, folders},
    storage::Attempts,
};
use std::{path::Path, process::Command};

/// A track whose bytes are an object of the bucket.
pub(super) fn track(database: &TestDatabase, service: &Service, name: &str, bytes: &[u8]) -> Track {
    let track = Track::add(database, name, bytes);
    std::fs::remove_file(&track.path).expect("removed");
    let key = format!("lib/{}/{name}", track.id);
    service.place(&key, bytes);
    let head = service.storage(Attempts::Background).head_blocking(&Service::url(&key)).expect("it is there");
    database
        .open()
        .write_blocking(|connection| {
            let folder = format!("s3://{BUCKET}/lib/{}", track.id).into_bytes();
            let row = track.id.to_sql();
            diesel::update(folders::table.find(row)).set(folders::path.eq(folder)).execute(connection)?;
            diesel::update(files::table.find(row)).set(files::etag.eq(head.etag)).execute(connection)?;
            Ok(())
        })
        .expect("written");
    service.take_asked();
    Track { path: Path::new(&format!("s3://{BUCKET}/{key}")).to_owned(), ..track }
}

/// The key of a track's object.
pub(super) fn key(track: &Track) -> &str {
    track.path.to_str().expect("text").strip_prefix("s3://music/").expect("an object")
}

/// The command of a server that knows the service, with more arguments; it scans nothing by itself.
pub(super) fn command(database: &TestDatabase, service: &Service, more: &[&str]) -> Command {
    let mut command = segue(database);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(service.arguments()).args(more);
    command
}

on_both_databases! {
    async fn every_range_and_condition_of_an_object_is_answered_as_of_a_file(database) {
        let service = Service::start();
        let bytes = noise(SIZE);
        let track = track(&database, &service, "a.flac", &bytes);
        let server = Server::run(command(&database, &service, &[])).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        assert_every_case(&server, &track, &bytes, &token);
    }
}

#[test]
fn an_object_is_read_once_in_blocks_and_for_a_head_or_an_unchanged_one_not_at_all() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(1_000_000);
        let track = track(&database, &service, "a.flac", &bytes);
        let server = Server::run(command(&database, &service, &[])).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let path = track.stream();
        let etag = format!("If-None-Match: \"{}\"", track.version);
        assert_eq!(raw(&server, "GET", &path, &[&token, &etag]).status, 304);
        assert_eq!(raw(&server, "HEAD", &path, &[&token]).header("content-length"), "1000000");
        assert_eq!(reads(&service), Vec::<String>::new());
        let whole = raw(&server, "GET", &path, &[&token]);
        assert!(whole.status == 200 && whole.body == bytes);
        assert_eq!(reads(&service).len(), 4);
        let part = raw(&server, "GET", &path, &[&token, "Range: bytes=999990-"]);
        assert!(part.status == 206 && part.body == bytes[999_990..]);
        assert_eq!(reads(&service), Vec::<String>::new());
    });
}

#[test]
fn what_goes_wrong_with_an_object_is_said_or_breaks_off_and_no_wrong_byte_is_sent() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(600_000);
        let track = track(&database, &service, "a.flac", &bytes);
        // Nothing is kept, so that each answer needs the service.
        let server = Server::run(command(&database, &service, &["--cache-mb=0"])).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let get = || raw(&server, "GET", &track.stream(), &[&token]);
        // A failure is the answer to who asks again within a second.
        let get_again = || loop {
            let answer = get();
            if answer.status != 503 && (answer.status != 200 || answer.body.len() == bytes.len()) {
                return answer;
            }
        };

        // What passes is tried again.
        for fault in [Fault::Broken, Fault::SlowDown, Fault::Cut] {
            service.fail_next(&[fault]);
            let answer = get();
            assert!(answer.status == 200 && answer.body == bytes, "{fault:?}: {}", answer.status);
        }
        // What does not is an error that says when to try again.
        for fault in [Fault::SlowDown, Fault::Silent, Fault::Short] {
            service.fail_always(Some(fault));
            let answer = get();
            assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{fault:?}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(text.contains("\"unavailable\"") && text.contains("try again"), "{text}");
            assert!(!text.contains(&service.endpoint()), "it says nothing of the service: {text}");
        }
        service.fail_always(None);
        assert!(get_again().body == bytes);

        // In the middle the body breaks off.
        let good_first = [Fault::Nothing, Fault::Broken, Fault::Broken, Fault::Broken, Fault::Broken, Fault::Broken];
        service.fail_next(&good_first);
        let answer = get();
        assert!(answer.status == 200 && answer.body.len() < bytes.len() && bytes.starts_with(&answer.body));
        service.fail_next(&[]);

        // Another object under the same key.
        for ignores_conditions in [false, true] {
            if ignores_conditions {
                service.ignore_conditions();
            }
            service.place(key(&track), &noise(600_001)[1..]);
            let answer = get_again();
            assert_eq!(answer.status, 409, "{}", String::from_utf8_lossy(&answer.body));
            service.place(key(&track), &bytes);
            assert!(get_again().body == bytes);
        }
        std::fs::remove_file(service.file(key(&track))).expect("removed");
        assert_eq!(get().status, 404);
    });
}
