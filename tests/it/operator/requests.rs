//! Ids of requests, and the lines that requests leave in the log.

use crate::harness::{Dialect, Log, Reply, Server, TestDatabase, run, segue, send};
use crate::sync::socket::Socket;
use awc::{http::Method, ws};
use futures_util::SinkExt as _;

/// A server whose log is in a file.
async fn start(database: &TestDatabase, arguments: &[&str]) -> (Server, Log) {
    let mut command = segue(database);
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
    let log = Log::of(&mut command, database);
    (Server::run(command).await, log)
}

async fn with_id(server: &Server, path: &str, id: &str) -> Reply {
    send(server.request(Method::GET, path).insert_header(("x-request-id", id))).await
}

fn is_made(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn every_answer_names_its_request_and_an_error_too() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (server, log) = start(&database, &[]).await;
        for path in ["/healthz", "/", "/v1/me", "/nowhere", "/v1/tracks/no-id"] {
            let (one, two) = (server.get(path).await, with_id(&server, path, "chosen").await);
            assert!(is_made(one.header("x-request-id")) && is_made(two.header("x-request-id")), "{path}");
            assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
            if one.status.is_client_error() {
                assert_eq!(one.json()["error"]["request_id"], one.header("x-request-id"), "{path}");
            }
        }
        let refused = send(server.request(Method::DELETE, "/healthz")).await;
        refused.assert_error(405, "method_not_allowed");
        assert_eq!(refused.json()["error"]["request_id"], refused.header("x-request-id"));

        let id = refused.header("x-request-id").to_owned();
        let line = log.line("the failed request is logged", |line| line.contains(&id)).await;
        for part in [
            " INFO ",
            "request failed",
            " method=DELETE",
            " route=/healthz",
            " status=405",
            " ms=",
            " address=127.0.0.1",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!log.text().contains(" status=200"), "{}", log.text());
    });
}

#[test]
fn a_trusted_proxy_names_the_request_when_the_name_is_plain() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (server, log) = start(&database, &["--trusted-proxies", "127.0.0.0/8"]).await;
        assert_eq!(
            with_id(&server, "/healthz", "a-proxy's".trim_end_matches("'s")).await.header("x-request-id"),
            "a-proxy"
        );
        for bad in ["a b", "a\"b", "\u{e4}", &"x".repeat(65), ""] {
            assert!(is_made(with_id(&server, "/healthz", bad).await.header("x-request-id")), "{bad:?}");
        }
        let request = server.request(Method::GET, "/v1/me").insert_header(("x-forwarded-for", "192.0.2.7"));
        send(request.insert_header(("x-request-id", "of-the-proxy"))).await.assert_error(401, "unauthorized");
        let line = log.line("it is logged", |line| line.contains(" id=of-the-proxy")).await;
        assert!(line.contains(" address=192.0.2.7 "), "{line}");
    });
}

#[test]
fn a_line_names_route_and_user_and_no_secret() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (server, log) = start(&database, &["--log-requests"]).await;
        let anna = server.user(&database, "anna").await;
        let line = log.line("the log-in is logged", |line| line.contains("route=/v1/auth/login ")).await;
        for part in [" INFO ", "] request method=POST", " status=200", &format!(" user={}", anna.user)] {
            assert!(line.contains(part), "{part}: {line}");
        }
        let path = "/v1/tracks/00000000000000aa/stream?login=0000000000000001&expires=99999999999&signature=c2VjcmV0";
        server.get(path).await.assert_error(403, "forbidden");
        let missing = anna.get("/v1/tracks/00000000000000aa").await;
        missing.assert_error(404, "not_found");
        let id = missing.header("x-request-id");
        let line = log.line("the track that is not there", |line| line.contains(id)).await;
        let user = format!(" user={}", anna.user);
        assert!(
            line.contains("route=/v1/tracks/{id} ") && line.contains(&user) && line.contains(" status=404"),
            "{line}"
        );
        let text = log.text();
        assert!(text.contains("route=/v1/tracks/{id}/stream "), "{text}");
        for secret in ["c2VjcmV0", "00000000000000aa", "anna-password", anna.token.as_str()] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    });
}

#[test]
fn a_fault_of_the_server_is_logged_once_with_its_cause_and_told_without() {
    use crate::harness::{Cluster, until};
    run(async {
        let cluster = Cluster::start(&[]);
        let folder = tempfile::tempdir().expect("a temp folder");
        let database = TestDatabase { dialect: Dialect::Postgres, url: cluster.url("postgres"), folder };
        let (server, log) = start(&database, &[]).await;
        drop(cluster);
        until("the database is missed", async || server.get("/readyz").await.status == 503).await;
        let reply = server.get("/readyz").await;
        reply.assert_error(503, "unavailable");
        let id = reply.header("x-request-id");
        let line = log.line("the cause is logged", |line| line.contains(id)).await;
        assert!(
            line.contains(" WARN ") && line.contains("route=/readyz status=503") && line.contains(" cause=\""),
            "{line}"
        );
        assert_eq!(log.text().matches(id).count(), 1);
        assert!(!String::from_utf8_lossy(&reply.body).contains("database cannot be reached"));
    });
}

#[test]
fn a_line_about_a_socket_names_user_device_and_connection() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (server, log) = start(&database, &[]).await;
        let anna = server.user(&database, "anna").await;
        let (mut socket, welcome) = Socket::join(&server, &anna.token, 1).await;
        socket.0.send(ws::Message::Text("nonsense".into())).await.expect("the socket is open");
        socket.end().await;
        let line = log.line("the end is logged", |line| line.contains("a socket is closed")).await;
        let (user, device) = (format!(" user={}", anna.user), format!(" device={}", welcome.device_id));
        for part in [" INFO ", " reason=bad_frame", &user, &device, " connection="] {
            assert!(line.contains(part), "{part}: {line}");
        }
    });
}
