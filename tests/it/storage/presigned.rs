//! Delivery from the bucket itself, by presigned addresses.
#![allow(clippy::unwrap_used, reason = "a test whose files or server fail should panic where they do")]

use super::service::{ACCESS_KEY, BUCKET, Fault, SECRET_KEY, Service};
use crate::{
    harness::{Device, Dialect, Log, Login, Server, TestDatabase, run, segue},
    stream::{
        fixture::{Answer, Track, noise, raw, raw_at},
        ranges::{SIZE, assert_allowed_answers},
    },
};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue::{
    db::schema::{files, folders},
    media::{delivery::Presigner, digest::Digest},
    storage::Attempts,
};
use sha2::{Digest as _, Sha256};
use std::{
    path::PathBuf,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// A track whose bytes are the object of this name in the bucket.
fn track(database: &TestDatabase, service: &Service, name: &str, bytes: &[u8]) -> Track {
    let track = Track::add(database, name, bytes);
    let key = format!("lib/{}/{name}", track.id);
    service.place(&key, bytes);
    let head = service.storage(Attempts::Background).head_blocking(&Service::url(&key)).unwrap();
    let rows = |connection: &mut segue::db::DbConnection| {
        let folder = format!("s3://{BUCKET}/lib/{}", track.id).into_bytes();
        let id = track.id.to_sql();
        diesel::update(folders::table.filter(folders::id.eq(id))).set(folders::path.eq(folder)).execute(connection)?;
        diesel::update(files::table.filter(files::id.eq(id))).set(files::etag.eq(&head.etag)).execute(connection)?;
        Ok(())
    };
    database.open().write_blocking(rows).unwrap();
    Track { path: PathBuf::from(format!("s3://{BUCKET}/{key}")), ..track }
}

/// The key of the object.
fn key(track: &Track) -> &str {
    track.path.to_str().and_then(|path| path.strip_prefix("s3://music/")).expect("in the bucket")
}

/// The name that an import gives to these bytes.
fn name_of(bytes: &[u8]) -> String {
    format!("{}.flac", Digest(Sha256::digest(bytes).into()))
}

/// The command of a server that knows the service, and scans nothing by itself.
fn command(database: &TestDatabase, service: &Service) -> Command {
    let mut command = segue(database);
    command.args(["serve", "--listen=127.0.0.1:0", "--delivery-of=s3://music/lib=presigned"]);
    command.args(service.arguments());
    command
}

/// Where a listener is sent for the bytes of a track; nothing when they come from here.
fn location(server: &Server, login: &Login<'_>, track: &Track) -> String {
    let token = format!("Authorization: Bearer {}", login.token);
    raw(server, "GET", &track.stream(), &[&token]).header("location").to_owned()
}

/// Asks the service at an address of it.
fn ask(service: &Service, method: &str, address: &str, lines: &[&str]) -> Answer {
    let target = address.strip_prefix(&service.endpoint()).expect("at the service");
    raw_at(&service.endpoint(), method, target, lines)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

on_both_databases! {
    async fn a_listener_gets_the_bytes_from_the_bucket_and_nobody_else_does(database) {
        let service = Service::start();
        let bytes = noise(100_000);
        let name = name_of(&bytes);
        let track = track(&database, &service, &name, &bytes);
        service.place(&key(&track).replace(&name, "other.flac"), b"other");
        let server = Server::run(command(&database, &service)).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);

        // By link and by token the same address, for all listeners of a day.
        let info = login.get(&format!("/v1/tracks/{}/media", track.id)).await.json();
        let link = info["url"].as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned();
        let answer = raw(&server, "GET", &link, &["Range: bytes=0-1"]);
        assert_eq!((answer.status, answer.body.len(), answer.header("cache-control")), (302, 0, "no-store"));
        let address = answer.header("location");
        assert!(address.starts_with(&format!("{}/music/{}?X-Amz-Algorithm=", service.endpoint(), key(&track))), "{address}");
        let ben = server.user(&database, "ben").await;
        assert_eq!(location(&server, &ben, &track), address);
        let head = raw(&server, "HEAD", &link, &[]);
        let head = (head.status, head.header("location").to_owned());
        assert!(head.0 == 302 && head.1 != address, "a signature is for one method");

        // The service checks the signature and takes it.
        service.take_asked();
        let got = ask(&service, "GET", address, &[]);
        assert!(got.status == 200 && got.body == bytes, "{}", got.status);
        assert_eq!(ask(&service, "HEAD", &head.1, &[]).header("content-length"), "100000");
        let (before, signature) = address.rsplit_once("X-Amz-Signature=").unwrap();
        let altered = if signature.starts_with('0') { "1" } else { "0" };
        let presigner = |secret: &str| {
            let address = format!("{}/music", service.endpoint());
            Presigner::new(&address, "us-east-1".to_owned(), ACCESS_KEY.to_owned(), secret.to_owned())
        };
        let at = |now_s| presigner(SECRET_KEY).address("GET", key(&track), "audio/flac", now_s);
        assert_eq!(at(now_s()), address);
        let yesterday = at(now_s() - 86_400);
        assert_eq!(ask(&service, "GET", &yesterday, &[]).status, 200, "from 24 hours on");
        for (what, bad) in [
            ("expired", at(now_s() - 2 * 86_400)),
            ("of another key", presigner("another").address("GET", key(&track), "audio/flac", now_s())),
            ("altered", format!("{before}X-Amz-Signature={altered}{}", &signature[1..])),
            ("of another object", address.replace(&name, "other.flac")),
            ("longer", address.replace("X-Amz-Expires=172800", "X-Amz-Expires=604800")),
            ("of another method", head.1.clone()),
            ("without", before.trim_end_matches('&').to_owned()),
        ] {
            let answer = ask(&service, "GET", &bad, &[]);
            assert_eq!(answer.status, 403, "{what}: {}", String::from_utf8_lossy(&answer.body));
        }

        // Conditions with the tag of the version, which the service does not know, are answered here.
        let tag = format!("\"{}\"", track.version);
        for (line, range, status) in [
            (format!("If-None-Match: {tag}"), "X-Nothing: 1", 304),
            (format!("If-Match: {tag}"), "X-Nothing: 1", 200),
            (format!("If-Range: {tag}"), "Range: bytes=10-19", 206),
            ("If-None-Match: \"x\"".to_owned(), "X-Nothing: 1", 302),
        ] {
            assert_eq!(raw(&server, "GET", &track.stream(), &[&token, &line, range]).status, status, "{line}");
        }

        let page = raw(&server, "GET", "/", &["Accept: text/html"]);
        let policy = page.header("content-security-policy");
        let origin = service.endpoint();
        assert!(policy.contains(&format!("media-src 'self' blob: {origin}; ")), "{policy}");
        assert!(policy.contains(&format!("connect-src 'self' {origin}; ")), "{policy}");
    }
}

#[test]
fn objects_that_may_change_are_sent_by_this_server() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(1000);
        let named = track(&database, &service, "a.flac", &bytes);
        let wrong = track(&database, &service, &name_of(b"other bytes"), &bytes);
        let sums = |connection: &mut segue::db::DbConnection| {
            let row = files::table.filter(files::id.eq(wrong.id.to_sql()));
            let sum = Digest(Sha256::digest(&bytes).into()).to_string();
            Ok(diesel::update(row).set((files::sha256.eq(sum), files::sha256_us.eq(1))).execute(connection)?)
        };
        let server = Server::run(command(&database, &service)).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        assert!(!location(&server, &login, &wrong).is_empty(), "nothing is known against its name");
        database.open().write_blocking(sums).unwrap();
        for track in [&named, &wrong] {
            let answer = raw(&server, "GET", &track.stream(), &[&token]);
            assert!(answer.status == 200 && answer.body == bytes, "{track:?}");
        }
    });
}

#[test]
fn addresses_that_would_end_with_their_credentials_are_not_given() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(1000);
        let track = track(&database, &service, &name_of(&bytes), &bytes);
        let keys = std::fs::read_to_string(service.key_file()).unwrap();
        let temporary = database.folder.path().join("temporary");
        std::fs::write(&temporary, format!("{keys}session_token = \"T\"\n")).unwrap();
        let environment = [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];
        let token = [("AWS_SESSION_TOKEN", "T")];
        let variables = |all: &[(&'static str, &'static str)], has_token: bool| {
            let token = token.iter().filter(|_| has_token);
            all.iter().chain(token).copied().collect::<Vec<_>>()
        };
        let rounds = [
            (Some(service.key_file()), vec![], true),
            (Some(temporary), vec![], false),
            (None, variables(&environment, false), true),
            (None, variables(&environment, true), false),
        ];
        for (round, (key_file, environment, stays)) in rounds.into_iter().enumerate() {
            let mut command = segue(&database);
            command.args(["serve", "--listen=127.0.0.1:0", "--delivery-of=s3://music/lib=presigned"]);
            command
                .args(["--delivery-of=s3://music/again=presigned", &format!("--s3-endpoint={}", service.endpoint())]);
            command.args(key_file.iter().map(|path| format!("--s3-key-file={}", path.display())));
            command.envs(environment.iter().copied());
            let log = Log::of(&mut command, &database);
            let server = Server::run(command).await;
            let login = server.user(&database, &format!("anna{round}")).await;
            let token = format!("Authorization: Bearer {}", login.token);
            let answer = raw(&server, "GET", &track.stream(), &[&token]);
            assert_eq!(answer.status, if stays { 302 } else { 200 }, "{key_file:?} {environment:?}");
            assert!(stays || answer.body == bytes);
            let text = log.text();
            assert_eq!(text.matches("which are temporary").count(), usize::from(!stays), "{text}");
            let page = raw(&server, "GET", "/", &["Accept: text/html"]);
            assert_eq!(page.header("content-security-policy").contains(&service.endpoint()), stays);
        }
    });
}

#[test]
fn a_device_in_the_terminal_plays_from_the_bucket_and_shows_it_no_token() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(300_000);
        let track = track(&database, &service, &name_of(&bytes), &bytes);
        let server = Server::run(command(&database, &service)).await;
        server.user(&database, "anna").await;
        // Broken off, it goes on by another address.
        service.fail_next(&[Fault::Cut]);
        let mut kitchen = Device::start(&server, &database, "anna", "Kitchen");
        kitchen.event("welcome", |_| true).await;
        kitchen.tell(&format!("play {}", track.id));
        let loaded = kitchen.event("audio", |event| event["state"] == "loaded").await;
        let sha256 = Digest(Sha256::digest(&bytes).into()).to_string();
        assert_eq!((&loaded["sha256"], &loaded["bytes"]), (&sha256.into(), &bytes.len().into()));
        let reads = service.take_asked().iter().filter(|line| line.contains("X-Amz-Signature=")).count();
        assert_eq!(reads, 2);
    });
}

#[test]
fn every_range_from_the_bucket_has_the_bytes_of_the_object() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(SIZE);
        let track = track(&database, &service, &name_of(&bytes), &bytes);
        let server = Server::run(command(&database, &service)).await;
        let login = server.user(&database, "anna").await;
        let address = location(&server, &login, &track);
        let etag = ask(&service, "GET", &address, &[]).header("etag").to_owned();
        assert!(etag.starts_with('"') && !etag.contains(&track.version), "{etag}");
        let token = format!("Authorization: Bearer {}", login.token);
        let follow = |lines: &[&str]| {
            let answer = raw(&server, "GET", &track.stream(), &[lines, &[&token]].concat());
            assert_eq!(answer.header("location"), address, "{lines:?}");
            ask(&service, "GET", &address, lines)
        };
        assert_allowed_answers(follow, &bytes, &etag);
    });
}
