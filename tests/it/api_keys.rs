//! API keys: what each scope may do on every route, and what becomes of what a removed key has opened.

use crate::{
    harness::{Dialect, Log, Login, Reply, Server, TestDatabase, run, segue, send, until},
    openapi::{described, description},
    stream::fixture::{Track, noise},
    sync::{
        logged_out::out,
        socket::{Socket, hello},
    },
};
use awc::http::Method;
use segue_client::protocol::close::CloseReason;
use serde_json::json;

/// Makes a key, and returns its id and its text.
async fn key(login: &Login<'_>, name: &str, scope: &str) -> (String, String) {
    let reply = login.post("/v1/auth/keys", &json!({"name": name, "scope": scope})).await;
    let made = reply.json();
    assert_eq!((reply.status.as_u16(), &made["name"], &made["scope"]), (201, &name.into(), &scope.into()), "{made}");
    (made["id"].as_str().expect("an id").to_owned(), made["key"].as_str().expect("a key").to_owned())
}

async fn ask(server: &Server, key: &str, method: &Method, path: &str) -> Reply {
    send(server.request(method.clone(), path).bearer_auth(key)).await
}

/// Whether the scope of the key was not enough.
fn is_refused(reply: &Reply) -> bool {
    reply.status == 403 && reply.json()["error"]["message"].as_str().is_some_and(|message| message.contains("API key"))
}

/// The routes for admins alone. Where a body is missing an ordinary user may be told of that first.
const FOR_ADMINS: &[(&str, &str)] = &[
    ("GET", "/v1/users"),
    ("DELETE", "/v1/users/{id}"),
    ("POST", "/v1/library/scan"),
    ("GET", "/v1/library/troubles"),
    ("GET", "/v1/library/unreadable"),
    ("GET", "/metrics"),
];

/// The routes that no key opens, beside those below `/v1/auth/`: they set passwords.
const FOR_PEOPLE: &[(&str, &str)] = &[("PUT", "/v1/me/password"), ("POST", "/v1/users"), ("PATCH", "/v1/users/{id}")];

#[test]
fn every_route_asks_a_key_for_its_scope() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let anna = server.admin(&database, "anna").await;
        let bob = server.user(&database, "bob").await;
        let (_, read) = key(&anna, "read", "read").await;
        let (_, control) = key(&anna, "control", "control").await;
        let (_, admin) = key(&anna, "admin", "admin").await;
        let (mut changing, mut for_admins, mut for_people) = (0, 0, 0);
        for (method, path, needs_token) in described(&description()) {
            if !needs_token && path != "/v1/sync" {
                continue;
            }
            let filled = path.replace("{id}", "0000000000000001").replace("{version}.{ending}", "0.flac");
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let (by_read, by_control, by_admin) = (
                is_refused(&ask(&server, &read, &method, &filled).await),
                is_refused(&ask(&server, &control, &method, &filled).await),
                is_refused(&ask(&server, &admin, &method, &filled).await),
            );
            if path.starts_with("/v1/auth/") || FOR_PEOPLE.contains(&(method.as_str(), &*path)) {
                for_people += 1;
                assert!(by_read && by_control && by_admin, "{method} {path}: it is about passwords, logins and keys");
                continue;
            }
            let is_for_admins = FOR_ADMINS.contains(&(method.as_str(), &*path));
            let by_user = ask(&server, &bob.token, &method, &filled).await;
            let is_forbidden =
                by_user.status == 403 && by_user.json()["error"]["message"] == "only an admin may do this";
            assert!(is_for_admins || !is_forbidden, "{method} {path} is missing in FOR_ADMINS");
            let changes = method != Method::GET || path == "/v1/sync";
            assert_eq!(
                (by_read, by_control, by_admin),
                (changes || is_for_admins, is_for_admins, false),
                "{method} {path}"
            );
            changing += u32::from(changes);
            for_admins += u32::from(is_for_admins);
        }
        assert!(changing > 20 && for_admins == 6 && for_people >= 10, "{changing} {for_admins} {for_people}");
        assert!(server.get("/v1/me").await.status == 401);
        ask(&server, &format!("{read}x"), &Method::GET, "/v1/me").await.assert_error(401, "unauthorized");
    });
}

#[test]
fn a_key_of_an_admin_shows_no_more_than_its_scope() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let anna = server.admin(&database, "anna").await;
        let bob = server.user(&database, "bob").await;
        let (_, read) = key(&anna, "read", "read").await;
        let (_, admin) = key(&anna, "admin", "admin").await;
        let path = format!("/v1/users/{}", bob.user);
        ask(&server, &read, &Method::GET, &path).await.assert_error(404, "not_found");
        assert_eq!(ask(&server, &read, &Method::GET, &format!("/v1/users/{}", anna.user)).await.status, 200);
        assert_eq!(ask(&server, &admin, &Method::GET, &path).await.status, 200);
        let reply = bob.post("/v1/auth/keys", &json!({"name": "mine", "scope": "admin"})).await;
        reply.assert_error(403, "forbidden");
        assert_eq!(anna.send(Method::PATCH, &path, &json!({"role": "admin"})).await.status, 204);
        let (_, of_bob) = key(&bob, "mine", "admin").await;
        assert_eq!(ask(&server, &of_bob, &Method::GET, "/v1/users").await.status, 200);
        assert_eq!(anna.send(Method::PATCH, &path, &json!({"role": "user"})).await.status, 204);
        ask(&server, &of_bob, &Method::GET, "/v1/users").await.assert_error(403, "forbidden");
    });
}

#[test]
fn a_key_is_named_shown_once_and_limited_in_number() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-requests=true"]);
        let log = Log::of(&mut command, &database);
        let server = Server::run(command).await;
        let anna = server.user(&database, "anna").await;
        let (id, text) = key(&anna, "Home Assistant", "read").await;
        assert!(text.starts_with("segue_key_") && text.len() == 53, "{text}");
        let all = || anna.get("/v1/auth/keys");
        let list = all().await;
        assert!(!String::from_utf8_lossy(&list.body).contains(&text));
        let item = &list.json()["items"][0];
        assert_eq!((&item["id"], &item["last_used"]), (&id.as_str().into(), &serde_json::Value::Null), "{item}");
        assert_eq!(ask(&server, &text, &Method::GET, "/v1/me").await.status, 200);
        until("its use is noted", async || {
            all().await.json()["items"][0]["last_used"].as_str().is_some_and(|day| day.len() == 10)
        })
        .await;
        log.line("the log names the key", |line| {
            line.contains("route=/v1/me ") && line.contains("key=\"Home Assistant\"")
        })
        .await;

        for (name, scope, status, code) in [
            ("Home Assistant", "control", 409, "conflict"),
            ("other", "write", 400, "invalid"),
            ("", "read", 400, "invalid"),
            ("a\nb", "read", 400, "invalid"),
        ] {
            anna.post("/v1/auth/keys", &json!({"name": name, "scope": scope})).await.assert_error(status, code);
        }
        for number in 1..50 {
            key(&anna, &format!("number {number}"), "control").await;
        }
        anna.post("/v1/auth/keys", &json!({"name": "one more", "scope": "read"})).await.assert_error(409, "conflict");
        let bob = server.user(&database, "bob").await;
        bob.delete(&format!("/v1/auth/keys/{id}")).await.assert_error(404, "not_found");
        assert_eq!(anna.delete(&format!("/v1/auth/keys/{id}")).await.status, 204);
        anna.delete(&format!("/v1/auth/keys/{id}")).await.assert_error(404, "not_found");
        key(&anna, "Home Assistant", "read").await;
    });
}

/// Runs a command of the program about keys, and returns its output.
fn of_program(database: &TestDatabase, arguments: &[&str]) -> String {
    let output = segue(database).args(["user", "key"]).args(arguments).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

on_both_databases! {
    async fn a_removed_key_takes_its_sockets_and_links_along(database) {
        let track = Track::add(&database, "a.ogg", &noise(10));
        let server = Server::start_with(&database, &["--heartbeat-ms=60000", "--poll-ms=600000"]).await;
        let anna = server.user(&database, "anna").await;
        let media = format!("/v1/tracks/{}/media", track.id);
        for how in ["request", "program", "password", "account"] {
            let (id, text) = match how {
                "program" => (String::new(), of_program(&database, &["add", "anna", how, "--scope", "control"])),
                _ => key(&anna, how, "control").await,
            };
            until("the key is known", async || ask(&server, &text, &Method::GET, "/v1/me").await.status == 200).await;
            let (mut idle, _) = Socket::join(&server, &text, 1).await;
            let mut by_header = Socket::open(&server, Some(&text)).await.expect("the server upgrades");
            by_header.send(&hello(None, 2)).await;
            by_header.welcome().await;
            let link = ask(&server, &text, &Method::GET, &media).await.json()["url"].as_str().expect("a link").to_owned();
            let link = link.strip_prefix(&server.base).expect("an address of this server");
            assert_eq!(server.get(link).await.status, 200);
            match how {
                "request" => assert_eq!(anna.delete(&format!("/v1/auth/keys/{id}")).await.status, 204),
                "program" => {
                    let listed = of_program(&database, &["list", "anna"]);
                    assert!(listed.starts_with("control\t") && listed.ends_with("\tprogram"), "{listed}");
                    of_program(&database, &["remove", "anna", how]);
                }
                "password" => {
                    let new = json!({"old": "anna-password", "new": "anna-password"});
                    assert_eq!(anna.put("/v1/me/password", &new).await.status, 204);
                }
                _ => {
                    let removed = segue(&database).args(["user", "remove", "anna", "--yes"]).output();
                    assert!(removed.expect("the program runs").status.success());
                }
            }
            out(&mut idle, how).await;
            out(&mut by_header, how).await;
            ask(&server, &text, &Method::GET, "/v1/me").await.assert_error(401, "unauthorized");
            server.get(link).await.assert_error(403, "link_expired");
        }
    }

    async fn a_key_that_only_reads_opens_no_socket(database) {
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        let (_, text) = key(&anna, "wall display", "read").await;
        assert!(Socket::open(&server, Some(&text)).await.is_err());
        let mut socket = Socket::open(&server, None).await.expect("the server upgrades");
        socket.send(&hello(Some(&text), 1)).await;
        assert_eq!(socket.end().await.1, Some(CloseReason::BadToken.code()));
        assert_eq!(ask(&server, &text, &Method::GET, "/v1/me/player").await.status, 200);
    }
}
