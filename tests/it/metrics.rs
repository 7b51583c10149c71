//! `/metrics`: which logins may read it, and that it has what the dashboard shows.

use crate::{
    harness::{Dialect, Log, Login, Server, TestDatabase, receive, run, segue, until},
    sync::socket::{Socket, command, play, track, with_music_and},
};
use awc::{Client, http::Method};
use segue_client::protocol::wire::ServerMessage;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};

const PATH: &str = "/metrics";

async fn scrape(admin: &Login<'_>) -> String {
    let reply = admin.get(PATH).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = String::from_utf8(reply.body).expect("text");
    assert!(text.ends_with("# EOF\n"), "{text}");
    text
}

/// The value of a sample, given by name and labels.
#[track_caller]
fn value<'t>(text: &'t str, sample: &str) -> &'t str {
    let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{sample}: {text}"))
}

#[track_caller]
fn is_more_than_nothing(text: &str, sample: &str) -> bool {
    value(text, sample).parse::<f64>().expect("a number") > 0.0
}

/// The words in the queries of the dashboard that are names of metrics.
fn named_by_the_dashboard() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).expect("it is there")).expect("JSON");
    let targets =
        dashboard["panels"].as_array().expect("panels").iter().filter_map(|panel| panel["targets"].as_array());
    let queries = targets.flatten().map(|target| target["expr"].as_str().expect("a query"));
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = queries.flat_map(|query| query.split(move |c| !is_of_word(c)));
    words.filter(|word| word.starts_with("segue_") || word.starts_with("process_")).map(str::to_owned).collect()
}

#[test]
fn metrics_are_closed_to_strangers_and_to_users() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let (admin, user) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        server.get(PATH).await.assert_error(401, "unauthorized");
        user.get(PATH).await.assert_error(403, "forbidden");
        scrape(&admin).await;
        for (scope, status) in [("read", 403), ("control", 403), ("admin", 200)] {
            let made = admin.post("/v1/auth/keys", &json!({"name": scope, "scope": scope})).await.json();
            let key = made["key"].as_str().unwrap_or_else(|| panic!("{made}"));
            let reply = receive(server.request(Method::GET, PATH).bearer_auth(key).send().await).await;
            assert_eq!(reply.status, status, "{scope}");
        }
    });
}

#[test]
fn a_loaded_server_has_every_metric_of_the_dashboard_and_names_nobody() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = with_music_and(&database, &["--grace-ms=600000"]).await;
        let (admin, anna) = (server.admin(&database, "root").await, server.user(&database, "anna").await);
        let before = scrape(&admin).await;
        assert_eq!((value(&before, "segue_sessions"), value(&before, "segue_sockets")), ("0", "0"));

        let track = track(&anna).await;
        let (mut phone, welcome) = Socket::join(&server, &anna.token, 1).await;
        let (desk, _) = Socket::join(&server, &anna.token, 2).await;
        phone.send(&command(1, play(track))).await;
        phone.find(|message| matches!(message, ServerMessage::Ack { .. }).then_some(())).await;
        for _ in 0..2 {
            assert_eq!(anna.get("/v1/tracks").await.status, 200);
        }
        let text = scrape(&admin).await;
        for (sample, expected) in [
            ("segue_sessions", "1"),
            ("segue_sockets", "2"),
            (r#"segue_devices{presence="online"}"#, "2"),
            (r#"segue_devices{presence="away"}"#, "0"),
            (r#"segue_frames_total{direction="in"}"#, "3"),
            (r#"segue_commits_total{outcome="failed"}"#, "0"),
            ("segue_lost_heartbeats_total", "0"),
        ] {
            assert_eq!(value(&text, sample), expected, "{sample}");
        }
        for sample in [
            r#"segue_frames_total{direction="out"}"#,
            r#"segue_frame_bytes_total{direction="in"}"#,
            r#"segue_frame_bytes_total{direction="out"}"#,
            r#"segue_commits_total{outcome="committed"}"#,
            "segue_commit_seconds_count",
            r#"segue_commit_seconds_bucket{le="+Inf"}"#,
            "segue_store_seconds_count",
            "segue_stored_rows_total",
            r#"segue_database_seconds_count{access="read"}"#,
            r#"segue_database_seconds_count{access="write"}"#,
            r#"segue_list_lookups_total{outcome="hit"}"#,
            r#"segue_list_lookups_total{outcome="miss"}"#,
            "process_start_time_seconds",
            "process_resident_memory_bytes",
        ] {
            assert!(is_more_than_nothing(&text, sample), "{sample}: {text}");
        }
        let samples: BTreeSet<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split(['{', ' ']).next())
            .collect();
        let named = named_by_the_dashboard();
        assert!(named.len() > 15, "{named:?}");
        let missing: Vec<_> = named.iter().filter(|name| !samples.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}: {text}");
        for name in ["anna", "root", "device 1", &anna.user, &track.to_string(), &welcome.device_id.to_string()] {
            assert!(!text.contains(name), "{name}: {text}");
        }

        drop((phone, desk));
        until("the devices are away", async || {
            let text = scrape(&admin).await;
            value(&text, r#"segue_devices{presence="away"}"#) == "2" && value(&text, "segue_sockets") == "0"
        })
        .await;
        until("the delay of the loops is known", async || {
            is_more_than_nothing(&scrape(&admin).await, r#"segue_loop_delay_seconds_count{worker="0"}"#)
        })
        .await;
    });
}

#[test]
fn a_listener_of_its_own_asks_for_no_token_and_has_nothing_else() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
        let log = Log::of(&mut command, &database);
        let mut server = Server::run(command).await;
        let line = log.line("its address is logged", |line| line.contains("metrics_listen")).await;
        let address = line.split(" address=").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
        let ask = async |path: &str| receive(Client::new().get(format!("http://{address}{path}")).send().await).await;
        let reply = ask(PATH).await;
        assert_eq!(reply.status, 200);
        let text = String::from_utf8(reply.body).expect("text");
        assert_eq!(value(&text, "segue_sessions"), "0");
        for path in ["/", "/healthz", "/v1/me", "/metrics/"] {
            assert_eq!(ask(path).await.status, 404, "{path}");
        }
        server.get(PATH).await.assert_error(401, "unauthorized");
        server.signal("TERM");
        assert!(server.wait(), "both listeners end");
    });
}

#[test]
fn a_place_that_is_taken_is_refused_by_the_name_of_the_setting() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = segue(&database).args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &address]).output();
    let output = output.expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains(&format!("metrics_listen: {address} cannot be listened on")),
        "{told}"
    );
}
