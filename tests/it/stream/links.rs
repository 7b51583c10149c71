//! Access to audio by token or signed link, `/v1/tracks/{id}/media`, and the SHA-256 of the whole file.

use super::fixture::{Track, noise, raw, receive_raw, send_raw};
use crate::harness::{Dialect, Login, Server, TestDatabase, run, segue, send, until};
use awc::http::Method;
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use segue::{
    auth::{Claims, Key, LinkClaims},
    db::schema::secrets,
    media::digest::Digest,
    values::login::LoginId,
};
use segue_client::protocol::ids::UserId;
use sha2::Digest as _;
use std::{
    net::TcpStream,
    time::{SystemTime, UNIX_EPOCH},
};

/// The key with which the server signs.
pub(crate) fn key(database: &TestDatabase) -> Key {
    let row = secrets::table.filter(secrets::name.eq("token_key")).select(secrets::value);
    let text: String = database.open().read_blocking(|connection| Ok(row.first(connection)?)).unwrap();
    Key::from_text(&text).unwrap()
}

/// A login that the database does not know, which nobody has ended.
const SOMEBODY: LoginId = LoginId(7);

async fn info(login: &Login<'_>, track: &Track) -> serde_json::Value {
    let reply = login.get(&format!("/v1/tracks/{}/media", track.id)).await;
    assert_eq!(reply.status, 200);
    reply.json()
}

on_both_databases! {
    async fn a_signed_link_opens_one_file_for_a_day(database) {
        let bytes = noise(100_000);
        let track = Track::add(&database, "é a.ogg", &bytes);
        let other = Track::add(&database, "b.ogg", &noise(10));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let info = info(&login, &track).await;
        let url = info["url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(&server.base).expect("an address of this server").to_owned();

        let answer = raw(&server, "GET", &path, &[]);
        assert!(answer.status == 200 && answer.body == bytes);
        assert_eq!(answer.header("content-type"), "audio/ogg; codecs=vorbis");
        assert_eq!(info["content_type"], "audio/ogg; codecs=vorbis");
        assert_eq!((&info["version"], &info["size_bytes"]), (&track.version.clone().into(), &100_000.into()));
        assert_eq!(info["stream_url"], format!("{}{}", server.base, track.stream()));
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let expires_s = info["expires_s"].as_u64().unwrap();
        assert!((now_s + 86_000..=now_s + 2 * 86_400).contains(&expires_s), "{expires_s}");
        assert_eq!(raw(&server, "HEAD", &path, &[]).status, 200);
        assert_eq!(raw(&server, "GET", &path, &["Range: bytes=0-1"]).body, bytes[..2]);

        server.get(&path.replace(&track.version, &other.version)).await.assert_error(403, "forbidden");
        server.get(&path.replace(".ogg", ".mp3")).await.assert_error(404, "not_found");
        server.get(&path.replace(&expires_s.to_string(), "99999999999")).await.assert_error(403, "forbidden");
        server.get(path.split('?').next().unwrap()).await.assert_error(401, "unauthorized");
        server.get(&path.replace("signature", "sig")).await.assert_error(401, "unauthorized");
        server.get(&path.replace("expires=", "expires=x")).await.assert_error(400, "invalid");
    }

    async fn a_link_ends_with_its_login_and_with_no_other(database) {
        let track = Track::add(&database, "a.ogg", &noise(10));
        let server = Server::start_with(&database, &["--poll-ms=600000"]).await;
        let anna = [server.user(&database, "anna").await, server.log_in("anna", "anna-password").await];
        let ben = server.user(&database, "ben").await;
        let link = async |login: &Login<'_>| {
            let url = info(login, &track).await["url"].as_str().expect("an address").to_owned();
            url.strip_prefix(&server.base).expect("an address of this server").to_owned()
        };
        let (first, second, of_ben) = (link(&anna[0]).await, link(&anna[1]).await, link(&ben).await);
        assert!(first != second && first == link(&anna[0]).await);
        assert_eq!(anna[0].post("/v1/auth/logout", &serde_json::json!({})).await.status, 204);
        server.get(&first).await.assert_error(403, "link_expired");
        assert_eq!(server.get(&second).await.status, 200);
        let removed = segue(&database).args(["user", "remove", "anna", "--yes"]).output().expect("the program runs");
        assert!(removed.status.success(), "{removed:?}");
        until("the server learns of it", async || server.get(&second).await.status == 403).await;
        server.get(&second).await.assert_error(403, "link_expired");
        assert_eq!(server.get(&of_ben).await.status, 200);
    }

    async fn an_expired_link_has_its_own_error(database) {
        let track = Track::add(&database, "a.mp3", &noise(10));
        let other = Track::add(&database, "b.mp3", &noise(11));
        let server = Server::start(&database).await;
        let key = key(&database);
        let link = |track: &Track, kind: &str, expires_s: u64| {
            let claims = LinkClaims { login: SOMEBODY, expires_s };
            let signature = key.sign_link(kind, &track.id.to_string(), claims);
            format!("?login={SOMEBODY}&expires={expires_s}&signature={signature}")
        };
        let reply = server.get(&(track.stream() + &link(&track, "track", 99_999_999_999))).await;
        assert_eq!((reply.status.as_u16(), reply.body), (200, noise(10)));
        server.get(&(track.stream() + &link(&track, "track", 1_000_000_000))).await.assert_error(403, "link_expired");
        server.get(&(track.stream() + &link(&other, "track", 99_999_999_999))).await.assert_error(403, "forbidden");
        server.get(&(track.stream() + &link(&track, "media", 99_999_999_999))).await.assert_error(403, "forbidden");
        let good = link(&track, "track", 99_999_999_999);
        let of_old = good.replace(&format!("login={SOMEBODY}&"), "");
        server.get(&(track.stream() + &of_old)).await.assert_error(403, "link_expired");
        let of_another = good.replace(&SOMEBODY.to_string(), &LoginId(8).to_string());
        server.get(&(track.stream() + &of_another)).await.assert_error(403, "forbidden");
        server.get(&track.stream()).await.assert_error(401, "unauthorized");
        server.get(&format!("/v1/tracks/{}/media", track.id)).await.assert_error(401, "unauthorized");
        let login = server.user(&database, "anna").await;
        for nothing in ["0123456789abcdef", "0123456789abcdef0123456789abcdef", "x", "%00"] {
            login.get(&format!("/v1/tracks/{nothing}/stream")).await.assert_error(404, "not_found");
            login.get(&format!("/v1/tracks/{nothing}/media")).await.assert_error(404, "not_found");
            login.get(&format!("/media/{nothing}.mp3")).await.assert_error(404, "not_found");
        }
        login.post(&track.stream(), &serde_json::json!({})).await.assert_error(405, "method_not_allowed");
    }

    async fn the_sha256_is_known_after_the_first_complete_download(database) {
        let bytes = noise(300_000);
        let tracks = ["a.flac", "b.flac", "c.flac"].map(|name| Track::add(&database, name, &bytes));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let digest = Digest(sha2::Sha256::digest(&bytes).into());

        for (track, range) in [(&tracks[0], &[][..]), (&tracks[1], &["Range: bytes=0-"][..])] {
            assert_eq!(info(&login, track).await["sha256"], serde_json::Value::Null);
            let answer = raw(&server, "GET", &track.stream(), &[range, &[&token]].concat());
            assert!(answer.body == bytes && answer.header("repr-digest").is_empty());
            until("the hash is known", async || info(&login, track).await["sha256"] == digest.to_string()).await;
            for (method, range) in [("GET", "Range: bytes=5-9"), ("GET", "X: x"), ("HEAD", "X: x")] {
                let answer = raw(&server, method, &track.stream(), &[range, &token]);
                assert_eq!(answer.header("repr-digest"), digest.field());
            }
        }
        // Requests for a range or with HEAD compute no hash. The hashes of the other tracks were requested later and
        // are known by now.
        assert_eq!(raw(&server, "GET", &tracks[2].stream(), &["Range: bytes=1-", &token]).status, 206);
        assert_eq!(raw(&server, "HEAD", &tracks[2].stream(), &[&token]).status, 200);
        assert_eq!(info(&login, &tracks[2]).await["sha256"], serde_json::Value::Null);
    }
}

#[test]
fn a_link_does_not_outlive_the_token() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.ogg", &noise(10));
        let server = Server::start_with(&database, &["--token-lifetime-s=3600"]).await;
        let login = server.user(&database, "anna").await;
        let expires_s = info(&login, &track).await["expires_s"].as_u64().expect("a time");
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(expires_s <= now_s + 3_600, "{expires_s}");
    });
}

/// More than the kernel's buffers of both sides hold.
const LONG: usize = 24 << 20;

#[test]
fn a_long_answer_breaks_off_when_its_login_ends() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(LONG));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let other = server.log_in("anna", "anna-password").await;
        let url = info(&login, &track).await["url"].as_str().expect("an address").to_owned();
        let path = url.strip_prefix(&server.base).expect("an address of this server");
        let bearer = |login: &Login<'_>| format!("Authorization: Bearer {}", login.token);
        let by_link = send_raw(&server, "GET", path, &[]);
        let by_token = send_raw(&server, "GET", &track.stream(), &[&bearer(&login)]);
        let of_other = send_raw(&server, "GET", &track.stream(), &[&bearer(&other), "Connection: close"]);
        for begun in [&by_link, &by_token, &of_other] {
            begun.peek(&mut [0]).expect("it begins");
        }
        assert_eq!(login.post("/v1/auth/logout", &serde_json::json!({})).await.status, 204);
        for (answer, is_whole) in [(by_link, false), (by_token, false), (of_other, true)] {
            let answer = receive_raw(answer);
            assert_eq!((answer.status, answer.body.len() == LONG), (200, is_whole), "{}", answer.body.len());
        }
    });
}

/// Time for a request to arrive, in seconds; when a loaded machine takes longer, the next one is tried.
const LIFETIMES_S: [u64; 4] = [4, 20, 100, 500];

#[test]
fn a_long_answer_breaks_off_when_the_time_of_its_token_or_link_is_over() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", &noise(LONG));
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let key = key(&database);
        let begun = LIFETIMES_S.iter().find_map(|lifetime_s| {
            let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            let (login, expires_s) = (login.id.parse().unwrap(), now_s + lifetime_s);
            let token = Claims { user: UserId(1), login, expires_s }.sign(&key);
            let signature = key.sign_link("track", &track.id.to_string(), LinkClaims { login, expires_s });
            let path = format!("{}?login={login}&expires={expires_s}&signature={signature}", track.stream());
            let by_link = send_raw(&server, "GET", &path, &[]);
            let by_token = send_raw(&server, "GET", &track.stream(), &[&format!("Authorization: Bearer {token}")]);
            let mut status = [[0; 12]; 2];
            for (answer, status) in [&by_link, &by_token].into_iter().zip(&mut status) {
                until_begun(answer, status);
            }
            status.iter().all(|status| status.ends_with(b"200")).then_some((by_link, by_token, token))
        });
        let (by_link, by_token, token) = begun.expect("an answer begins in time");
        let ask = async || send(server.request(Method::GET, "/v1/me").bearer_auth(&token)).await.status;
        until("the time is over", async || ask().await == 401).await;
        for answer in [by_link, by_token] {
            let answer = receive_raw(answer);
            assert!(answer.status == 200 && answer.body.len() < LONG, "{}", answer.body.len());
        }
    });
}

/// Looks at the first bytes of an answer when they are there.
fn until_begun(answer: &TcpStream, start: &mut [u8]) {
    while answer.peek(start).expect("an answer") < start.len() {
        std::thread::yield_now();
    }
}

#[test]
fn audio_is_found_by_its_version_while_the_file_has_it() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.flac", b"bytes");
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let path = format!("/media/{}.flac", track.version);
        assert_eq!(login.get(&path).await.body, b"bytes");
        std::fs::remove_file(&track.path).unwrap();
        login.get(&path).await.assert_error(404, "not_found");
    });
}
