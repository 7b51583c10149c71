//! Playing objects of a bucket.

use super::{
    scan::reads,
    service::{BUCKET, Fault, Service},
};
use crate::{
    harness::{Dialect, Server, TestDatabase, run, segue},
    stream::{
        fixture::{Track, noise, raw, receive_raw, send_raw},
        ranges::{SIZE, assert_every_case},
    },
};
use diesel::{ExpressionMethods as _, RunQueryDsl as _};
use segue::{
    db::schema::{files, folders},
    storage::Attempts,
};
use std::path::Path;

/// A track whose bytes are an object of the bucket.
fn track(database: &TestDatabase, service: &Service, bytes: &[u8]) -> Track {
    let track = Track::add(database, "a.flac", bytes);
    std::fs::remove_file(&track.path).expect("removed");
    service.place("lib/a.flac", bytes);
    let head = service.storage(Attempts::Background).head_blocking(&Service::url("lib/a.flac")).expect("it is there");
    database
        .open()
        .write_blocking(|connection| {
            let folder = format!("s3://{BUCKET}/lib").into_bytes();
            diesel::update(folders::table).set(folders::path.eq(folder)).execute(connection)?;
            diesel::update(files::table).set(files::etag.eq(head.etag)).execute(connection)?;
            Ok(())
        })
        .expect("written");
    service.take_asked();
    Track { path: Path::new("s3://music/lib/a.flac").to_owned(), ..track }
}

/// A server that knows the service; it scans nothing by itself.
async fn server(database: &TestDatabase, service: &Service) -> Server {
    let mut command = segue(database);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(service.arguments());
    Server::run(command).await
}

on_both_databases! {
    async fn every_range_and_condition_of_an_object_is_answered_as_of_a_file(database) {
        let service = Service::start();
        let bytes = noise(SIZE);
        let track = track(&database, &service, &bytes);
        let server = server(&database, &service).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        assert_every_case(&server, &track, &bytes, &token);
    }
}

#[test]
fn a_long_object_is_read_in_pieces_as_it_is_sent_and_a_head_or_an_unchanged_one_not_at_all() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(1_000_000);
        let track = track(&database, &service, &bytes);
        let server = server(&database, &service).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let path = track.stream();
        let whole = raw(&server, "GET", &path, &[&token]);
        assert!(whole.status == 200 && whole.body == bytes);
        assert_eq!(reads(&service).len(), 4);
        let etag = format!("If-None-Match: \"{}\"", track.version);
        assert_eq!(raw(&server, "GET", &path, &[&token, &etag]).status, 304);
        assert_eq!(raw(&server, "HEAD", &path, &[&token]).header("content-length"), "1000000");
        assert_eq!(reads(&service), Vec::<String>::new());
        let part = raw(&server, "GET", &path, &[&token, "Range: bytes=999990-"]);
        assert!(part.status == 206 && part.body == bytes[999_990..]);

        // A client that has left asks for no more.
        let client = send_raw(&server, "GET", &path, &[&token, "Range: bytes=0-9"]);
        assert_eq!(receive_raw(client).body, bytes[..10]);
        assert_eq!(reads(&service).len(), 2);
    });
}

#[test]
fn what_goes_wrong_with_an_object_is_said_or_breaks_off_and_no_wrong_byte_is_sent() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(600_000);
        let track = track(&database, &service, &bytes);
        let server = server(&database, &service).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let get = || raw(&server, "GET", &track.stream(), &[&token]);

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
            service.place("lib/a.flac", &noise(600_001)[1..]);
            let answer = get();
            assert_eq!(answer.status, 409, "{}", String::from_utf8_lossy(&answer.body));
            service.place("lib/a.flac", &bytes);
            assert!(get().body == bytes);
        }
        std::fs::remove_file(service.file("lib/a.flac")).expect("removed");
        assert_eq!(get().status, 404);
    });
}
