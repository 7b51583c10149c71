//! `/v1/me/player…`: programs without a socket read the session that devices share, and send commands to it.

use crate::{
    harness::{Login, Server, TestDatabase},
    search::{document, rows},
    sync::socket::Socket,
};
use awc::http::Method;
use segue::values::document::{Document, ItemKind};
use segue_client::protocol::{
    ids::MediaId,
    playback::{Playback, Repeat},
    wire::ServerMessage,
};
use serde_json::{Value, json};

/// Three tracks, 1 to 3.
fn fill(database: &TestDatabase) {
    let documents: Vec<Document> =
        ["One", "Two", "Three"].iter().zip(1..).map(|(name, id)| document(ItemKind::Track, id, name)).collect();
    rows::fill(&database.open(), &documents);
}

const TRACKS: [&str; 3] = ["0000000000000001", "0000000000000002", "0000000000000003"];
const PHONE: &str = "0000000000000001";
const KITCHEN: &str = "0000000000000002";

/// Sends a command that must be accepted.
async fn granted(user: &Login<'_>, (method, name): (Method, &str), fields: Value) -> u64 {
    let reply = user.send(method, &format!("/v1/me/player/{name}"), &fields).await;
    assert_eq!(reply.status, 200, "{name}: {reply:?}");
    reply.json()["revision"].as_u64().expect("a revision")
}

async fn put(user: &Login<'_>, name: &str, fields: Value) -> u64 {
    granted(user, (Method::PUT, name), fields).await
}

async fn post(user: &Login<'_>, name: &str, fields: Value) -> u64 {
    granted(user, (Method::POST, name), fields).await
}

/// The first playback that a device receives for which `awaited` is true.
async fn shown(socket: &mut Socket, awaited: impl Fn(&Playback) -> bool) -> Playback {
    let of = |message| match message {
        ServerMessage::Playback(playback) if awaited(&playback) => Some(*playback),
        _ => None,
    };
    socket.find(of).await
}

/// The tracks of the queue, in play order, and the ids of its entries.
async fn queue(user: &Login<'_>) -> (Vec<String>, Vec<Value>) {
    let page = user.get("/v1/me/player/queue").await.json();
    let items = page["items"].as_array().expect("items").clone();
    assert_eq!(page["total"], items.len());
    let track = |item: &Value| item["media_id"].as_str().expect("an id").to_owned();
    (items.iter().map(track).collect(), items.iter().map(|item| item["id"].clone()).collect())
}

on_both_databases! {
    async fn a_program_commands_what_devices_play(database) {
        fill(&database);
        let server = Server::start(&database).await;
        let (anna, bert) = (server.user(&database, "anna").await, server.user(&database, "bert").await);
        let (mut phone, _) = Socket::join(&server, &anna.token, 1).await;
        let (_kitchen, _) = Socket::join(&server, &anna.token, 2).await;

        let state = anna.get("/v1/me/player").await.json();
        assert_eq!(state["playback"]["status"], "idle");
        assert_eq!(state["devices"]["devices"].as_array().map(Vec::len), Some(2), "a program is no device");
        anna.put("/v1/me/player/play", &json!({"tracks": TRACKS})).await.assert_error(409, "no_active_device");

        let revision = put(&anna, "play", json!({"tracks": TRACKS, "on": PHONE})).await;
        let playback = shown(&mut phone, |playback| playback.revision == revision).await;
        assert_eq!(playback.item.map(|item| item.media_id), Some(MediaId(1)));
        assert_eq!(playback.by, None, "no device gave that command");
        put(&anna, "pause", json!({})).await;
        put(&anna, "seek", json!({"position_ms": 20_000})).await;
        put(&anna, "repeat", json!({"mode": "all"})).await;
        let seen = anna.get("/v1/me/player").await.json()["playback"].clone();
        assert_eq!((&seen["intent"], &seen["position_ms"], &seen["repeat"]), (&json!("pause"), &json!(20_000), &json!("all")));

        let first = seen["item"]["id"].clone();
        post(&anna, "next", json!({})).await;
        anna.post("/v1/me/player/next", &json!({"if_item": first})).await.assert_error(409, "stale");
        shown(&mut phone, |playback| playback.item.is_some_and(|item| item.media_id == MediaId(2))).await;

        put(&anna, "volume", json!({"level": 40})).await;
        put(&anna, "volume", json!({"delta": -15})).await;
        let devices = anna.get("/v1/me/player/devices").await.json()["devices"].clone();
        assert_eq!(devices[0]["volume"]["level"], 25, "of the active one");

        put(&anna, "transfer", json!({"to": KITCHEN, "mode": "pause"})).await;
        let at = anna.get("/v1/me/player").await.json()["playback"].clone();
        let (active, to) = (&at["active"]["device_id"], &at["transfer"]["to"]);
        assert!(active == KITCHEN || to["device_id"] == KITCHEN || to == KITCHEN, "{at}");

        put(&anna, "stop", json!({})).await;
        assert_eq!(bert.get("/v1/me/player").await.json()["playback"]["status"], "idle", "another user's is another");
    }

    async fn a_program_arranges_the_queue(database) {
        fill(&database);
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        // The queue can be filled while no device is connected.
        put(&anna, "queue", json!({"tracks": &TRACKS[..2]})).await;
        post(&anna, "queue", json!({"tracks": &TRACKS[2..]})).await;
        let (tracks, ids) = queue(&anna).await;
        assert_eq!(tracks, TRACKS);
        post(&anna, "queue/move", json!({"item": ids[2], "before": ids[0]})).await;
        assert_eq!(queue(&anna).await.0, [TRACKS[2], TRACKS[0], TRACKS[1]]);
        post(&anna, "queue/remove", json!({"items": [ids[0]]})).await;
        assert_eq!(queue(&anna).await.0, [TRACKS[2], TRACKS[1]]);
        let page = anna.get("/v1/me/player/queue?from=1&limit=1").await.json();
        assert_eq!((&page["total"], &page["items"][0]["media_id"]), (&json!(2), &json!(TRACKS[1])));

        // More tracks than a device may send in one frame.
        let many: Vec<&str> = TRACKS.iter().copied().cycle().take(10_000).collect();
        put(&anna, "queue", json!({"tracks": many})).await;
        assert_eq!(anna.get("/v1/me/player/queue").await.json()["total"], 10_000);
        let more: Vec<&str> = TRACKS.iter().copied().cycle().take(10_001).collect();
        anna.put("/v1/me/player/queue", &json!({"tracks": more})).await.assert_error(400, "invalid");
        granted(&anna, (Method::DELETE, "queue"), json!({})).await;
        assert_eq!(queue(&anna).await.0.len(), 0);
    }

    async fn commands_accepted_from_a_program_survive_a_kill_of_the_server(database) {
        let mut server = Server::start(&database).await;
        let token = {
            let anna = server.user(&database, "anna").await;
            put(&anna, "repeat", json!({"mode": "all"})).await;
            anna.token.clone()
        };
        server.signal("KILL");
        server.wait();
        let server = Server::start(&database).await;
        let (_phone, welcome) = Socket::join(&server, &token, 1).await;
        assert_eq!(welcome.playback.repeat, Repeat::All);
    }
}

/// Each of these was once carried out as if it had no body.
#[test]
fn a_command_whose_body_or_query_cannot_be_read_is_refused_and_does_nothing() {
    const JSON: &str = "application/json";
    crate::harness::run(async {
        let database = TestDatabase::new(crate::harness::Dialect::Sqlite);
        fill(&database);
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        put(&anna, "queue", json!({"tracks": TRACKS})).await;
        let before = anna.get("/v1/me/player").await.json()["playback"]["revision"].clone();
        let large = format!("{}{}", " ".repeat(1 << 20), json!({"tracks": []}));
        let all = json!({"tracks": TRACKS}).to_string();
        for (method, name, kind, body, status) in [
            (Method::PUT, "queue", "text/plain", "{\"tracks\":[]}", 415),
            (Method::PUT, "queue", "", "{\"tracks\":[]}", 415),
            (Method::PUT, "queue", JSON, &all[..all.len() - 1], 400),
            (Method::PUT, "queue", JSON, &large, 413),
            (Method::PUT, "queue", JSON, "{\"tracks\":[],\"uris\":[]}", 400),
            (Method::PUT, "shuffle", JSON, "{\"on\":true,\"device\":1}", 400),
            (Method::PUT, "shuffle?on=true", JSON, "{\"on\":true}", 400),
            (Method::POST, "queue", JSON, "[1]", 400),
            (Method::DELETE, "queue", JSON, "[null]", 400),
            (Method::DELETE, "queue", JSON, "{\"op\":\"pause\"}", 400),
            (Method::PUT, "pause", JSON, "\"\"", 400),
        ] {
            let mut request = anna.request(method.clone(), &format!("/v1/me/player/{name}"));
            if !kind.is_empty() {
                request = request.content_type(kind);
            }
            let reply = crate::harness::receive(request.send_body(body.to_owned()).await).await;
            assert_eq!(reply.status, status, "{method} {name} {kind}: {reply:?}");
        }
        assert_eq!(anna.get("/v1/me/player").await.json()["playback"]["revision"], before);
        assert_eq!(queue(&anna).await.0, TRACKS);
        // No body at all, and an empty one, mean a command without fields.
        for request in
            [anna.request(Method::PUT, "/v1/me/player/stop"), anna.request(Method::DELETE, "/v1/me/player/queue")]
        {
            assert_eq!(crate::harness::send(request).await.status, 200);
        }
        let saved = anna.request(Method::PUT, "/v1/me/tracks").content_type("text/plain").send_body("{}").await;
        assert_eq!(crate::harness::receive(saved).await.status, 415, "of saved tracks as well");
    });
}

#[test]
fn wrong_and_too_frequent_requests_are_refused() {
    crate::harness::run(async {
        let database = TestDatabase::new(crate::harness::Dialect::Sqlite);
        fill(&database);
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        server.get("/v1/me/player").await.assert_error(401, "unauthorized");
        for (name, fields, status, code) in [
            ("play", json!({"tracks": ["0000000000000009"]}), 400, "invalid"),
            ("play", json!({"tracks": "all"}), 400, "invalid"),
            ("play", json!({"on": "00000000000000ff"}), 400, "invalid"),
            ("seek", json!({}), 400, "invalid"),
            ("seek", json!({"position_ms": 1.5}), 400, "invalid"),
            ("volume", json!({"level": 50}), 409, "no_active_device"),
            ("repeat", json!({"mode": "all", "if_queue_revision": 999}), 409, "stale"),
            ("transfer", json!({"to": "00000000000000ff"}), 400, "invalid"),
        ] {
            anna.put(&format!("/v1/me/player/{name}"), &fields).await.assert_error(status, code);
        }
        anna.post("/v1/me/player/next", &json!({})).await.assert_error(409, "conflict");

        let nothing = json!({});
        let asked = (0..300).map(|_| anna.put("/v1/me/player/pause", &nothing));
        let replies = futures_util::future::join_all(asked).await;
        let refused = replies.iter().find(|reply| reply.status != 200).expect("there is an end to it");
        refused.assert_error(429, "rate_limited");
        assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
        let (_phone, welcome) = Socket::join(&server, &anna.token, 1).await;
        assert_eq!(welcome.devices.devices.len(), 1, "devices are not concerned");
    });
}
