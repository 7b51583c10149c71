//! What all routes have in common: errors as JSON, health checks, the end of the server.

use crate::harness::{Cluster, Dialect, Server, TestDatabase, run, send, until};
use awc::http::Method;

on_both_databases! {
    async fn a_server_is_ready_when_its_database_answers(database) {
        let server = Server::start(&database).await;
        for path in ["/healthz", "/readyz"] {
            let reply = server.get(path).await;
            assert_eq!((reply.status.as_u16(), reply.json()), (200, serde_json::json!({"status": "ok"})));
        }
    }
}

#[test]
fn a_server_without_its_database_is_not_ready_and_keeps_running() {
    run(async {
        let cluster = Cluster::start(&[]);
        let folder = tempfile::tempdir().expect("a temp folder");
        let database = TestDatabase { dialect: Dialect::Postgres, url: cluster.url("postgres"), folder };
        let server = Server::start(&database).await;
        let user = server.user(&database, "anna").await;
        drop(cluster);
        until("the database is missed", async || server.get("/readyz").await.status == 503).await;
        let reply = user.get("/v1/me").await;
        reply.assert_error(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
        assert_eq!(server.get("/healthz").await.status, 200);
    });
}

#[test]
fn errors_are_json_everywhere() {
    run(async {
        let server = Server::start(&TestDatabase::new(Dialect::Sqlite)).await;
        server.get("/nowhere").await.assert_error(404, "not_found");
        server.post("/nowhere", &serde_json::json!({})).await.assert_error(404, "not_found");
        let reply = send(server.request(Method::DELETE, "/healthz")).await;
        reply.assert_error(405, "method_not_allowed");
        let expected = "this address takes no DELETE requests: /docs lists what it takes";
        assert_eq!(reply.json()["error"]["message"], expected);
        assert_eq!(reply.header("content-type"), "application/json");
    });
}

#[test]
fn a_server_ends_with_success_after_a_stop_signal() {
    run(async {
        for signal in ["TERM", "INT"] {
            let mut server = Server::start(&TestDatabase::new(Dialect::Sqlite)).await;
            server.signal(signal);
            assert!(server.wait(), "{signal}");
        }
    });
}
