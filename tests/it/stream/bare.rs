//! Media by a signed link is answered on the bare connection. Each test compares with the way through HTTP, which a request
//! takes that has a field it does not need (`TE`).

use super::fixture::{Answer, Track, noise, raw, receive_raw, send_raw};
use super::ranges::{SAME, SIZE, cases};
use crate::harness::{Dialect, Login, Server, TestDatabase, run, until};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

/// Bytes beyond what the buffers of a connection hold.
const LONG: usize = 64 << 20;

/// Path and query of a link to the bytes of a track.
pub(crate) async fn link(server: &Server, login: &Login<'_>, track: &Track) -> String {
    let media = login.get(&format!("/v1/tracks/{}/media", track.id)).await.json();
    media["url"].as_str().expect("an address").strip_prefix(&server.base).expect("of this server").to_owned()
}

/// A link to a track whose SHA-256 is known: a whole file without one goes through HTTP.
async fn hashed_link(server: &Server, login: &Login<'_>, track: &Track) -> String {
    let link = link(server, login, track).await;
    assert_eq!(raw(server, "GET", &link, &[]).status, 200);
    let media = format!("/v1/tracks/{}/media", track.id);
    until("its SHA-256 is known", async || !login.get(&media).await.json()["sha256"].is_null()).await;
    link
}

/// How many answers were sent on bare connections.
pub(crate) async fn bare_answers(admin: &Login<'_>) -> u64 {
    let text = String::from_utf8(admin.get("/metrics").await.body).expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(r#"segue_media_answers_total{way="bare"} "#));
    line.expect("it is counted").parse().expect("a number")
}

/// The fields that an answer has however it is sent, and its body, with the boundary of several ranges left out.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let boundary = answer.header("content-type").split("boundary=").nth(1).map(str::to_owned);
    let plain = |text: &str| boundary.as_ref().map_or_else(|| text.to_owned(), |boundary| text.replace(boundary, ""));
    let mut fields: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name != "date" && name != "x-request-id")
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect();
    fields.sort();
    let body = match &boundary {
        Some(_) => plain(&String::from_utf8_lossy(&answer.body)).into_bytes(),
        None => answer.body.clone(),
    };
    (answer.status, fields, body)
}

/// Asks for a track with every case of ranges and conditions on bare connections and through HTTP.
pub(crate) async fn assert_bare_equals_http(server: &Server, admin: &Login<'_>, link: &str, version: &str) {
    let (etag, before, mut expected) = (format!("\"{version}\""), bare_answers(admin).await, 0);
    for (name, lines, _) in cases() {
        let fill = |line: &str| line.replace("ETAG", &etag).replace("SAME", SAME);
        let lines: Vec<String> = lines.into_iter().map(fill).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for method in ["GET", "HEAD"] {
            let bare = raw(server, method, link, &lines);
            let http = raw(server, method, link, &[&lines[..], &["TE: trailers"]].concat());
            assert_eq!(bare.header("x-request-id").len(), 16, "{name}");
            assert!(httpdate::parse_http_date(bare.header("date")).is_ok(), "{name}");
            let (bare, http) = (comparable(&bare), comparable(&http));
            assert_eq!((bare.0, &bare.1), (http.0, &http.1), "{method}, {name}");
            // The body of an error has the id of its request.
            assert!(bare.0 >= 400 || bare.2 == http.2, "{method}, {name}: other bytes");
            expected += u64::from(bare.0 < 400);
        }
    }
    assert_eq!(bare_answers(admin).await - before, expected, "errors alone go through HTTP");
}

on_both_databases! {
    async fn the_bare_connection_answers_as_http_does(database) {
        let track = Track::add(&database, "a.flac", &noise(SIZE));
        let server = Server::start(&database).await;
        let (admin, login) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        let link = hashed_link(&server, &login, &track).await;
        assert_bare_equals_http(&server, &admin, &link, &track.version).await;
    }
}

#[test]
fn requests_that_are_cut_or_follow_each_other_are_answered_in_their_order() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(100_000);
        let track = Track::add(&database, "a.flac", &bytes);
        let server = Server::start(&database).await;
        let (admin, login) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        let link = hashed_link(&server, &login, &track).await;
        let address = server.base.strip_prefix("http://").expect("plain").to_owned();
        let connect = || TcpStream::connect(&address).expect("the server listens");
        let media = |more: &str| format!("GET {link} HTTP/1.1\r\nHost: segue\r\nRange: bytes=0-9\r\n{more}\r\n");
        let health = "GET /healthz HTTP/1.1\r\nHost: segue\r\nConnection: close\r\n\r\n";
        let statuses = |mut stream: TcpStream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("it ends well");
            let text = String::from_utf8_lossy(&all).into_owned();
            text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect::<Vec<_>>()
        };

        let before = bare_answers(&admin).await;
        let head = media("Connection: close\r\n");
        for cut in (0..head.len()).step_by(7) {
            let mut stream = connect();
            stream.set_nodelay(true).expect("set");
            stream.write_all(&head.as_bytes()[..cut]).expect("sent");
            // The begin is there before the rest is sent.
            assert_eq!(bare_answers(&admin).await - before, u64::try_from(cut / 7).expect("few"));
            stream.write_all(&head.as_bytes()[cut..]).expect("sent");
            assert_eq!(statuses(stream), ["206"], "{cut}");
        }

        let before = bare_answers(&admin).await;
        let mut stream = connect();
        stream.write_all([&media(""), &media(""), &media(""), health].concat().as_bytes()).expect("sent");
        assert_eq!(statuses(stream), ["206", "206", "206", "200"], "all at once");
        assert_eq!(bare_answers(&admin).await - before, 3);
        let mut stream = connect();
        let mut answer = [0; 4096];
        for _ in 0..5 {
            stream.write_all(media("").as_bytes()).expect("sent");
            let mut length = 0;
            while !answer[..length].ends_with(&bytes[..10]) {
                length += stream.read(&mut answer[length..]).expect("answered");
            }
        }
        stream.write_all(health.as_bytes()).expect("sent");
        assert_eq!(statuses(stream), ["200"], "one after the other");
        assert_eq!(bare_answers(&admin).await - before, 8);

        // A body behind a GET is no further request.
        let mut stream = connect();
        stream.write_all(media(&format!("Content-Length: {}\r\n", health.len())).as_bytes()).expect("sent");
        stream.write_all([health, &media("Connection: close\r\n")].concat().as_bytes()).expect("sent");
        assert_eq!(statuses(stream), ["206", "206"]);
        // What HTTP has once it keeps, media too.
        let mut stream = connect();
        let first = health.replace("Connection: close\r\n", "");
        stream.write_all([first, media("Connection: close\r\n")].concat().as_bytes()).expect("sent");
        assert_eq!(statuses(stream), ["200", "206"]);
        assert_eq!(bare_answers(&admin).await - before, 8);
    });
}

#[test]
fn a_file_that_changes_is_never_sent_to_its_end_as_the_old_one() {
    run(async {
        type Change = fn(&Path);
        let changes: [(&str, Change); 2] = [
            ("truncated", |path| File::options().write(true).open(path).expect("open").set_len(30 << 20).expect("cut")),
            ("overwritten", |path| {
                File::options().write(true).open(path).expect("open").write_all(&vec![0; LONG]).expect("written");
            }),
        ];
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(LONG);
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        for (name, change) in changes {
            let track = Track::add(&database, &format!("{name}.flac"), &bytes);
            let link = link(&server, &login, &track).await;
            let mut stream = send_raw(&server, "GET", &link, &["Range: bytes=1-"]);
            let mut first = [0; 9];
            stream.read_exact(&mut first).expect("it begins");
            change(&track.path);
            let mut rest = Vec::new();
            // A connection that is aborted may end with a reset.
            let _ = stream.read_to_end(&mut rest);
            assert!(rest.len() < LONG, "{name}: the answer broke off");
            login.get(&link).await.assert_error(409, "media_changed");
        }
    });
}

#[test]
fn an_answer_breaks_off_when_its_login_ends_and_an_idle_connection_holds_up_no_end() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(LONG));
        let mut server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let link = link(&server, &login, &track).await;
        let mut idle = send_raw(&server, "GET", &link, &["Range: bytes=0-9"]);
        let mut first = [0; 9];
        idle.read_exact(&mut first).expect("it begins");
        let mut stream = send_raw(&server, "GET", &link, &["Range: bytes=1-"]);
        stream.read_exact(&mut first).expect("it begins");
        assert_eq!(login.post("/v1/auth/logout", &serde_json::Value::Null).await.status, 204);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.len() < LONG, "the answer broke off");
        assert_eq!(receive_raw(send_raw(&server, "GET", &link, &["Connection: close"])).status, 403);
        server.signal("TERM");
        assert!(server.wait(), "it ends");
    });
}

#[test]
fn an_answer_that_has_begun_goes_to_its_end_when_the_server_stops() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(24 << 20);
        let track = Track::add(&database, "a.flac", &bytes);
        let mut server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let link = link(&server, &login, &track).await;
        let stream = send_raw(&server, "GET", &link, &["Range: bytes=1-"]);
        // It waits for the client, whose buffers and those of the kernel are full.
        stream.peek(&mut [0]).expect("it begins");
        server.signal("TERM");
        let address = server.base.strip_prefix("http://").expect("plain").to_owned();
        until("nobody else is let in", async || TcpStream::connect(&address).is_err()).await;
        assert!(receive_raw(stream).body == bytes[1..]);
        assert!(server.wait(), "it ends");
    });
}
