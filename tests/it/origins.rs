//! Pages of other origins: refused by the browser (CORS) and by the socket, unless the settings allow them.

use crate::harness::{Dialect, Reply, Server, TestDatabase, run, send};
use awc::http::Method;

const APP: &str = "https://app.example.org";
const STRANGER: &str = "https://evil.example.org";

/// The preflight request that a browser sends before a page of `origin` may send a token.
async fn preflight(server: &Server, origin: &str) -> Reply {
    let request = server.request(Method::OPTIONS, "/v1/me").insert_header(("origin", origin));
    let request = request.insert_header(("access-control-request-method", "PUT"));
    send(request.insert_header(("access-control-request-headers", "authorization,content-type"))).await
}

/// The status that the socket's route answers to a page of `origin` that requests no WebSocket.
async fn socket(server: &Server, origin: &str) -> u16 {
    send(server.request(Method::GET, "/v1/sync").insert_header(("origin", origin))).await.status.as_u16()
}

#[test]
fn only_allowed_origins_may_use_the_server_from_a_browser() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let allowed = format!("--allowed-origins={APP}, http://localhost:3000");
        let server = Server::start_with(&database, &[&allowed]).await;
        let asked = preflight(&server, APP).await;
        assert_eq!((asked.status.as_u16(), asked.header("access-control-allow-origin")), (200, APP));
        assert!(asked.header("access-control-allow-methods").contains("PUT"));
        assert!(asked.header("access-control-allow-headers").contains("authorization"));
        assert_eq!(preflight(&server, STRANGER).await.header("access-control-allow-origin"), "");

        let ask = async |origin| send(server.request(Method::GET, "/healthz").insert_header(("origin", origin))).await;
        assert_eq!(ask(APP).await.header("access-control-allow-origin"), APP);
        let refused = ask(STRANGER).await;
        assert_eq!((refused.status.as_u16(), refused.header("access-control-allow-origin")), (200, ""));

        assert_eq!(socket(&server, APP).await, 400, "it may, but asks for no WebSocket");
        assert_eq!(socket(&server, &server.base).await, 400, "the server's own page");
        for foreign in [STRANGER, "null", "https://app.example.org:8443", "http://app.example.org"] {
            assert_eq!(socket(&server, foreign).await, 403, "{foreign}");
        }
    });
}

#[test]
fn without_the_setting_only_the_servers_own_origin_is_allowed() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_with(&database, &["--public-url=https://music.example.org/segue"]).await;
        assert_eq!(preflight(&server, APP).await.header("access-control-allow-origin"), "");
        assert_eq!(socket(&server, APP).await, 403);
        assert_eq!(socket(&server, "https://music.example.org").await, 400, "by the name people know it by");
        assert_eq!(send(server.request(Method::GET, "/v1/sync")).await.status, 400, "programs name no origin");
    });
}
