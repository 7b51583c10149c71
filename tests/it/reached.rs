//! The name under which the server is reached: links, the QR code and the check of a page's origin believe nobody's but
//! that of the settings, of a trusted proxy, or one that no stranger can have.

use crate::{
    harness::{Dialect, Login, Server, TestDatabase, receive, run, send},
    stream::fixture::{Track, noise},
};
use awc::http::Method;
use serde_json::json;

type Fields<'a> = &'a [(&'a str, &'a str)];

/// What names a host or a scheme without a proxy that is trusted.
const STRANGE: &[Fields<'_>] = &[
    &[("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "https")],
    &[("forwarded", "host=evil.test;proto=https")],
    &[("host", "evil.test")],
    &[("host", "evil.test:4747"), ("x-forwarded-proto", "https")],
    &[("host", "127.0.0.1/@evil.test")],
    &[("host", "127.0.0.1.evil.test")],
];

/// Every kind of link that is made for a request with these header fields.
async fn links(login: &Login<'_>, track: &Track, fields: Fields<'_>) -> Vec<String> {
    let ask = async |method: Method, path: &str| {
        let request =
            fields.iter().fold(login.request(method.clone(), path), |request, field| request.insert_header(*field));
        let reply = if method == Method::POST {
            receive(request.send_json(&json!({})).await).await
        } else {
            send(request).await
        };
        let caching = reply.header("cache-control");
        assert_eq!((reply.status.as_u16(), matches!(caching, "no-store" | "private, no-cache")), (200, true), "{path}");
        reply.json()
    };
    let page = ask(Method::GET, "/v1/tracks?limit=1").await;
    let media = ask(Method::GET, &format!("/v1/tracks/{}/media", track.id)).await;
    let me = ask(Method::GET, "/v1/me").await;
    let code = ask(Method::POST, "/v1/auth/codes").await;
    let all = [&page["href"], &media["url"], &media["stream_url"], &me["href"], &code["url"]];
    all.into_iter().map(|link| link.as_str().expect("a link").to_owned()).collect()
}

/// The status that the socket's route answers to a page of `origin` under this name; 400: it may, but asks for no socket.
async fn socket(server: &Server, origin: &str, host: &str) -> u16 {
    let request = server.request(Method::GET, "/v1/sync").insert_header(("origin", origin));
    send(request.insert_header(("host", host))).await.status.as_u16()
}

#[track_caller]
fn all_lead_to(base: &str, links: &[String], fields: Fields<'_>) {
    let start = format!("{base}/");
    assert!(links.iter().all(|link| link.starts_with(&start)), "{fields:?}: {links:?}");
}

#[test]
fn links_and_sockets_believe_no_name_of_a_stranger() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.ogg", &noise(10));
        let server = Server::start_with(&database, &["--allowed-origins=https://app.example.org"]).await;
        let login = server.user(&database, "anna").await;
        for fields in STRANGE {
            all_lead_to(&server.base, &links(&login, &track, fields).await, fields);
        }
        let near = server.base.replace("http://127.0.0.1", "localhost");
        for own in [near.as_str(), "nas.local:80", "[::1]", "app.example.org"] {
            let fields: Fields<'_> = &[("host", own)];
            all_lead_to(&format!("http://{own}"), &links(&login, &track, fields).await, fields);
            assert_eq!(socket(&server, &format!("http://{own}"), own).await, 400, "{own}");
        }
        for rebound in ["evil.test", "evil.test:4747", "127.0.0.1.evil.test"] {
            assert_eq!(socket(&server, &format!("http://{rebound}"), rebound).await, 403, "{rebound}");
        }
        assert_eq!(socket(&server, "http://evil.test", &near).await, 403);
        let refused = server.get("/v1/me").await;
        assert_eq!((refused.status.as_u16(), refused.header("cache-control")), (401, "no-store"));
    });
}

#[test]
fn a_trusted_proxy_says_the_name_and_the_scheme() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.ogg", &noise(10));
        let server = Server::start_with(&database, &["--trusted-proxies=127.0.0.1"]).await;
        let login = server.user(&database, "anna").await;
        let told: &[(Fields<'_>, &str)] = &[
            (&[("host", "music.example.org")], "http://music.example.org"),
            (&[("host", "a.test"), ("x-forwarded-host", "evil.test, music.example.org")], "http://music.example.org"),
            (&[("host", "music.example.org"), ("x-forwarded-proto", "https")], "https://music.example.org"),
            (&[("forwarded", "host=\"music.example.org:81\";proto=https")], "https://music.example.org:81"),
            (
                &[("host", "music.example.org"), ("x-forwarded-for", "192.0.2.1"), ("forwarded", "host=evil.test")],
                "http://music.example.org",
            ),
            (&[("x-forwarded-host", "evil.test/x")], &server.base),
        ];
        for (fields, base) in told {
            all_lead_to(base, &links(&login, &track, fields).await, fields);
        }
        assert_eq!(socket(&server, "https://music.example.org", "music.example.org").await, 400);
        assert_eq!(socket(&server, "https://evil.test", "music.example.org").await, 403);
    });
}

#[test]
fn the_public_address_wins_over_whatever_a_request_says() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let track = Track::add(&database, "a.ogg", &noise(10));
        let public = "https://music.example.org/segue";
        let flags = [&format!("--public-url={public}"), "--trusted-proxies=127.0.0.1"];
        let server = Server::start_with(&database, &flags).await;
        let login = server.user(&database, "anna").await;
        for fields in STRANGE.iter().chain([&[("x-request-id", "1")][..]].iter()) {
            all_lead_to(public, &links(&login, &track, fields).await, fields);
        }
        assert_eq!(socket(&server, "https://music.example.org", "127.0.0.1").await, 400);
    });
}
