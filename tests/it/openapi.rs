//! The OpenAPI description matches the server: its routes, its authentication, its answers.

use crate::harness::{Dialect, Server, TestDatabase, bare, python, run, send, until};
use awc::http::Method;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Stdio,
};

/// Routes that are not described: pages, and the description itself.
const PAGES: &[&str] =
    &["/docs", "/docs.css", "/docs.js", "/openapi.json", "/", "/sw.js", "/player/{name:.+}", NAMED, VIEWS, SHARED];

/// The files of the player under addresses that name their content.
const NAMED: &str = "/player/{version:[0-9a-f]{16}}/{name}";
/// The pages of shared links.
const SHARED: &str = "/{noun:track|album|artist|playlist}/{id:[0-9a-f]{16}}";
/// The other views of the player.
const VIEWS: &str = "/{view:search|albums|artists|tracks|saved|playlists|queue|devices|now|settings|login|setup}";

fn printed() -> String {
    let output = bare().arg("openapi").output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

pub(crate) fn description() -> Value {
    serde_json::from_str(&printed()).expect("it is JSON")
}

/// Method and path of each operation, with whether it needs a token.
pub(crate) fn described(description: &Value) -> BTreeSet<(String, String, bool)> {
    let paths = description["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path item").iter();
        methods.map(move |(method, operation)| {
            (
                method.to_uppercase(),
                path.clone(),
                operation["security"].as_array().is_none_or(|needs| !needs.is_empty()),
            )
        })
    });
    operations.collect()
}

/// The routes that `src/http` registers, without HEAD, read from its source because actix-web does not list them.
fn registered() -> BTreeSet<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("the tree can be read").into_path());
    let mut found = BTreeSet::new();
    for file in files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(file).expect("a text");
        let text = text.replace(".route(\"", "web::resource(\"");
        for resource in text.split("web::resource(\"").skip(1) {
            let (path, routes) = resource.split_once('"').expect("a path in quotes");
            for method in ["get", "post", "put", "patch", "delete"] {
                // `reads` also registers HEAD.
                let call = if method == "get" { "reads()".to_owned() } else { format!("web::{method}()") };
                if routes.contains(&call) && !PAGES.contains(&path) {
                    found.insert((method.to_uppercase(), path.to_owned()));
                }
            }
        }
    }
    assert!(found.len() > 10, "the routes were not found");
    found
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<_> =
        described(&description()).into_iter().map(|(method, path, _)| (method, path)).collect();
    let registered = registered();
    let missing: Vec<_> = registered.difference(&described).collect();
    let invented: Vec<_> = described.difference(&registered).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not described: {missing:?}; no such route: {invented:?}");
}

#[test]
fn every_described_operation_answers_and_asks_for_a_token_as_described() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        for (method, path, needs_token) in described(&description()) {
            let filled = path.replace("{id}", "0000000000000001").replace("{version}.{ending}", "0.flac");
            assert!(!filled.contains('{'), "{path} has a parameter that this test does not know");
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let reply = send(server.request(method.clone(), &filled)).await;
            // A route without authentication may answer that the id is unknown, but not that the route is.
            let nowhere = reply.status == 404
                && reply.json()["error"]["message"] == "this server has no such address: /docs lists them";
            assert!(!nowhere && reply.status != 405, "{method} {path}: {}", reply.status);
            assert_eq!(reply.status == 401, needs_token, "{method} {path}: {}", reply.status);
        }
        assert_eq!(server.get("/openapi.json").await.json(), description());
    });
}

/// The status, the compared header fields, and the body of an answer.
fn head(server: &Server, path: &str, token: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).expect("the server listens");
    let request =
        format!("HEAD {path} HTTP/1.1\r\nHost: segue\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the server answers");
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let text = String::from_utf8_lossy(&all[..end]).to_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let kind = text.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    (status, kind.to_owned(), all[end + 4..].to_vec())
}

#[test]
fn every_get_route_answers_head_without_the_body() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let anna = server.admin(&database, "anna").await;
        until("search is open", async || anna.get("/v1/search?q=a").await.status == 200).await;
        let mut successes = 0;
        let described = described(&description()).into_iter();
        let paths = described.filter(|(method, ..)| method == "GET").map(|(_, path, _)| path);
        for path in paths.chain(PAGES.iter().map(|page| (*page).to_owned())) {
            let id = if path.starts_with("/v1/users/") { &anna.user } else { "0000000000000001" };
            let query = if path == "/v1/search" { "?q=a" } else { "" };
            let path = path.replace("{id}", id).replace("{version}.{ending}", "0.flac") + query;
            let path = path.replace("{noun:track|album|artist|playlist}/{id:[0-9a-f]{16}}", "track/0000000000000001");
            let got = anna.get(&path).await;
            let (status, kind, content) = head(&server, &path, &anna.token);
            assert_eq!((status, kind.as_str()), (got.status.as_u16(), got.header("content-type")), "{path}");
            assert!(content.is_empty(), "{path}: {}", String::from_utf8_lossy(&content));
            successes += usize::from(status == 200);
        }
        assert!(successes > 20, "{successes}");
        assert_eq!(head(&server, "/v1/auth/login", &anna.token).0, 405, "what only takes POST");
    });
}

#[test]
fn a_shared_link_leads_to_a_page() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        for noun in ["track", "album", "artist", "playlist"] {
            let page = server.get(&format!("/{noun}/0123456789abcdef")).await;
            assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
            assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
            assert!(String::from_utf8_lossy(&page.body).contains("/first.js\""), "the player");
        }
        for nothing in ["/track/", "/track/x", "/show/0123456789abcdef", "/track/0123456789abcdef/more"] {
            server.get(nothing).await.assert_error(404, "not_found");
        }
    });
}

#[test]
fn a_validator_accepts_the_description() {
    let check = "import json, sys; from openapi_spec_validator import OpenAPIV31SpecValidator as V; \
                 print(*V(json.load(sys.stdin)).iter_errors(), sep='\\n')";
    let mut child = python()
        .args(["-c", check])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the validator starts");
    child.stdin.take().expect("its input is piped").write_all(printed().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_documentation_page_loads_only_from_this_server() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        for path in ["/", "/player/app.js", "/player/style/base.css", "/sw.js", "/docs", "/docs.css", "/docs.js"] {
            let reply = server.get(path).await;
            assert_eq!(reply.status, 200);
            assert!(reply.header("content-security-policy").starts_with("default-src 'self'"));
            let text = String::from_utf8(reply.body).expect("a text");
            assert!(!text.contains("http://") && !text.contains("https://"), "{path} names another server");
        }
    });
}
