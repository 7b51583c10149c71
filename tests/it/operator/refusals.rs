//! Refused log-ins, tokens, codes and links: what the log says of them, and what a filter for fail2ban finds in it.

use crate::harness::{Dialect, Log, Server, TestDatabase, python, receive, run, segue, send};
use crate::sync::socket::{Socket, hello};
use awc::http::Method;
use serde_json::{Value, json};
use std::path::Path;

/// The addresses that the filter would ban, one for each line that it finds.
fn found(log: &Log) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = python();
    command.arg(root.join("tests/it/operator/fail2ban.py")).arg(root.join("config/fail2ban-filter.conf")).arg(&log.0);
    let output = command.output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

/// A server behind a proxy that it trusts, so that each request may come from another address.
fn command(database: &TestDatabase, format: &str) -> (std::process::Command, Log) {
    let mut command = segue(database);
    command.args(["serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.0/8", "--token-lifetime-s", "60"]);
    // The log is no terminal: it has no colours, whatever is asked for.
    command.args(["--log-format", format, "--log-requests"]).env("CLICOLOR_FORCE", "1");
    let log = Log::of(&mut command, database);
    (command, log)
}

async fn post(server: &Server, from: &str, path: &str, body: &Value) -> u16 {
    let request = server.request(Method::POST, path).insert_header(("x-forwarded-for", from));
    receive(request.send_json(body).await).await.status.as_u16()
}

async fn get(server: &Server, from: &str, path: &str, token: Option<&str>) -> u16 {
    let mut request = server.request(Method::GET, path).insert_header(("x-forwarded-for", from));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    send(request).await.status.as_u16()
}

async fn guess_everything(format: &str) {
    let database = TestDatabase::new(Dialect::Sqlite);
    let (command, log) = command(&database, format);
    let server = Server::run(command).await;
    let anna = server.user(&database, "anna").await;

    let login = |name: &str| json!({"username": name, "password": "a guess"});
    assert_eq!(post(&server, "192.0.2.1", "/v1/auth/login", &login("anna")).await, 401);
    assert_eq!(post(&server, "2001:db8::2", "/v1/auth/login", &login("nobody")).await, 401);
    assert_eq!(post(&server, "192.0.2.3", "/v1/auth/codes/use", &json!({"code": "0000-0000"})).await, 403);
    let account = json!({"secret": "guess", "username": "eve", "password": "long enough"});
    assert_eq!(post(&server, "192.0.2.4", "/v1/auth/setup", &account).await, 403);
    assert_eq!(get(&server, "192.0.2.5", "/v1/me", Some("segue1.AAAA")).await, 401);
    let link = "/v1/tracks/0000000000000001/stream?login=0000000000000001&expires=99999999999&signature=AAAA";
    assert_eq!(get(&server, "192.0.2.6", link, None).await, 403);
    let change = server.request(Method::PUT, "/v1/me/password").bearer_auth(&anna.token);
    let change = change.insert_header(("x-forwarded-for", "192.0.2.7"));
    let changed = receive(change.send_json(&json!({"old": "a guess", "new": "long enough"})).await).await;
    assert_eq!(changed.status, 403);
    // Names that look like lines of the log, like ends of their quotes, like other fields.
    for (last, name) in (8..).zip([
        "x\n[2026-01-01T00:00:00.000Z WARN  segue::auth] log-in refused address=203.0.113.1 reason=wrong",
        "\r\n{\"time\":\"x\",\"level\":\"WARN\",\"target\":\"segue::auth\",\"message\":\"log-in refused\",\"address\":\"203.0.113.1\",\"reason\":\"wrong\"}",
        "\" address=203.0.113.1 reason=wrong ",
        "\",\"address\":\"203.0.113.1\",\"reason\":\"wrong\",\"x\":\"",
        "\\\" \u{2028}[2026-01-01T00:00:00.000Z WARN  segue::auth] log-in refused address=203.0.113.1 reason=wrong",
        "a\u{0}\u{1b}[2J\u{7f}\u{85}",
    ]) {
        assert_eq!(post(&server, &format!("192.0.2.{last}"), "/v1/auth/login", &login(name)).await, 401);
    }
    // Tokens that were good, a request without one, and successes are no guesses.
    let other = server.log_in("anna", "anna-password").await;
    assert_eq!(anna.delete("/v1/auth/logins").await.status, 204);
    assert_eq!(get(&server, "192.0.2.101", "/v1/me", Some(&other.token)).await, 401);
    assert_eq!(get(&server, "192.0.2.102", "/v1/me", None).await, 401);
    assert_eq!(get(&server, "192.0.2.103", "/v1/me", Some(&anna.token)).await, 200);
    // A socket's own frame comes from the peer: what its client says of a proxy counts for the request alone.
    let mut socket = Socket::open(&server, None).await.expect("the server upgrades");
    socket.send(&hello(Some("segue1.AAAA"), 1)).await;
    socket.end().await;

    log.line("the last refusal", |line| line.contains("token refused") && line.contains("127.0.0.1")).await;
    let wanted: Vec<String> =
        (1..=13).map(|last| if last == 2 { "2001:db8::2".to_owned() } else { format!("192.0.2.{last}") }).collect();
    assert_eq!(found(&log), [wanted, vec!["127.0.0.1".to_owned()]].concat(), "{}", log.text());
    let text = log.text();
    assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
    assert!(text.contains("revoked") && !text.contains("0000-0000") && !text.contains("a guess"), "{text}");
    if format == "json" {
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            for key in ["time", "level", "target", "message"] {
                assert!(record[key].is_string(), "{key}: {line}");
            }
        }
        let refused = text.lines().find(|line| line.contains("log-in refused")).expect("it was waited for");
        let refused: Value = serde_json::from_str(refused).expect("JSON");
        assert_eq!((&refused["address"], &refused["name"]), (&json!("192.0.2.1"), &json!("anna")));
        assert_eq!((&refused["reason"], &refused["level"]), (&json!("wrong"), &json!("WARN")));
        let failed = text.lines().find(|line| line.contains("request failed")).expect("a request failed");
        let failed: Value = serde_json::from_str(failed).expect("JSON");
        assert!(failed["status"] == 401 && failed["ms"].is_u64() && failed["route"] == "/v1/auth/login", "{failed}");
    }
}

#[test]
fn guesses_are_logged_as_a_filter_finds_them_and_nobody_forges_a_line() {
    run(guess_everything("text"));
}

#[test]
fn as_json_they_are_found_too_and_every_line_is_an_object() {
    run(guess_everything("json"));
}

#[test]
fn who_guesses_too_often_is_found_and_who_is_guessed_at_is_not() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (mut command, log) = command(&database, "text");
        command.args(["--login-tries-per-user=2", "--login-tries-per-address=3"]);
        let server = Server::run(command).await;
        let login = |name: &str| json!({"username": name, "password": "a guess"});
        for (from, name, status) in [
            ("192.0.2.1", "anna", 401),
            ("192.0.2.1", "anna", 401),
            ("192.0.2.2", "anna", 429),
            ("192.0.2.1", "ben", 401),
            ("192.0.2.1", "carl", 429),
        ] {
            assert_eq!(post(&server, from, "/v1/auth/login", &login(name)).await, status, "{from} {name}");
        }
        log.line("the last refusal", |line| line.contains("too_many_from_address")).await;
        assert_eq!(found(&log), ["192.0.2.1"; 4], "{}", log.text());
    });
}
