//! Answers in JSON: their `ETag` and `Cache-Control`, and the object of every error, also where no handler was asked.

use crate::{
    harness::{Dialect, Reply, Server, TestDatabase, run, send},
    search::{document, rows},
};
use awc::http::Method;
use segue::values::document::{Document, ItemKind};
use serde_json::json;

/// Two tracks, 1 and 2.
fn fill(database: &TestDatabase) {
    let documents: Vec<Document> =
        ["One", "Two"].iter().zip(1..).map(|(name, id)| document(ItemKind::Track, id, name)).collect();
    rows::fill(&database.open(), &documents);
}

#[test]
fn the_catalogue_is_asked_for_again_by_its_tag() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        fill(&database);
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        let again = async |path: &str, tag: &str, method: Method| -> Reply {
            send(anna.request(method, path).insert_header(("if-none-match", tag))).await
        };
        for path in ["/v1/tracks", "/v1/albums", "/v1/artists", "/v1/genres", "/v1/me/playlists"] {
            let first = anna.get(path).await;
            let tag = first.header("etag").to_owned();
            assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "private, no-cache"), "{path}");
            assert!(tag.starts_with("W/\""), "{path}: {tag}");
            for method in [Method::GET, Method::HEAD] {
                let known = again(path, &format!("\"other\", {tag}"), method).await;
                assert_eq!((known.status.as_u16(), known.header("etag")), (304, tag.as_str()), "{path}");
                assert!(known.header("vary").contains("accept-encoding"), "{path}");
                assert_eq!(known.header("cache-control"), "private, no-cache", "{path}");
                assert!(known.body.is_empty(), "{path}");
            }
            assert_eq!(again(path, "*", Method::GET).await.status, 304, "{path}");
            let other = again(path, "W/\"other\"", Method::GET).await;
            assert_eq!((other.status.as_u16(), other.body == first.body), (200, true), "{path}");
        }
        // Another content has another tag.
        let before = anna.get("/v1/me/playlists").await;
        anna.post("/v1/me/playlists", &json!({"name": "New"})).await;
        let after = again("/v1/me/playlists", before.header("etag"), Method::GET).await;
        assert_eq!(after.status, 200);
        assert_ne!(after.header("etag"), before.header("etag"));
        for path in ["/v1/me/player", "/v1/auth/logins", "/v1/tracks/ffffffffffffffff"] {
            let reply = anna.get(path).await;
            assert_eq!((reply.header("cache-control"), reply.header("etag")), ("no-store", ""), "{path}");
        }
        let login = server.post("/v1/auth/login", &json!({"username": "anna", "password": "anna-password"})).await;
        assert_eq!((login.status.as_u16(), login.header("cache-control")), (200, "no-store"));
    });
}

#[test]
fn an_address_that_is_too_long_is_refused_with_the_object_of_an_error() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        let path = |bytes: usize| format!("/v1/tracks?x={}", "a".repeat(bytes - "/v1/tracks?x=".len()));
        assert_eq!(anna.get(&path(8 * 1024)).await.status, 200);
        for bytes in [8 * 1024 + 1, 60_000] {
            anna.get(&path(bytes)).await.assert_error(414, "uri_too_long");
        }
        server.get(&format!("/{}", "a".repeat(9_000))).await.assert_error(414, "uri_too_long");
    });
}

#[test]
fn a_refused_preflight_request_is_answered_with_the_object_of_an_error() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_with(&database, &["--allowed-origins", "https://app.example.org"]).await;
        let ask = async |origin: &'static str, method: &'static str, header: &'static str| {
            let request = server.request(Method::OPTIONS, "/v1/tracks").insert_header(("origin", origin));
            let request = request.insert_header(("access-control-request-method", method));
            send(request.insert_header(("access-control-request-headers", header))).await
        };
        let (app, stranger) = ("https://app.example.org", "https://stranger.example.org");
        assert_eq!(ask(app, "PUT", "authorization").await.status, 200);
        for (origin, method, header) in
            [(stranger, "PUT", "authorization"), (app, "TRACE", "authorization"), (app, "PUT", "x-other")]
        {
            let refused = ask(origin, method, header).await;
            refused.assert_error(400, "invalid");
            let message = refused.json()["error"]["message"].to_string();
            assert!(message.contains(origin) && message.contains("allowed_origins"), "{message}");
            assert_eq!(refused.header("content-type"), "application/json");
        }
    });
}
