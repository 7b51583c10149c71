//! A restore while a server with devices runs: the devices reconnect and get the older state.

use super::{back_up, restore, sql};
use crate::harness::{Device, Server, send, until};
use awc::http::{Method, StatusCode};
use serde_json::{Value, json};

fn shows(event: &Value, repeat: &str) -> bool {
    event["event"] == "playback" && event["playback"]["repeat"] == repeat
}

fn epoch(event: &Value) -> i64 {
    event["playback"]["epoch"].as_i64().expect("an epoch")
}

/// Sets the repeat mode by a command of the device, and waits until the device shows it.
async fn repeat(device: &mut Device, mode: &str) {
    let mark = device.mark();
    device.tell(&format!("repeat {mode}"));
    let answered = |event: &Value| event["event"] == "answered" && event["accepted"] == true;
    device.first(mark, "the ack", answered).await;
    device.first(mark, "it is shown", |event| shows(event, mode)).await;
}

on_both_databases! {
    async fn devices_reconnect_and_show_the_state_of_the_backup(database) {
        let server = Server::start(&database).await;
        let anna = server.admin(&database, "anna").await;
        let ended_later = server.log_in("anna", "anna-password").await;
        let bert = server.user(&database, "bert").await;
        let mut kitchen = Device::start(&server, &database, "anna", "Kitchen");
        let phone = Device::start(&server, &database, "anna", "Phone");
        phone.first(0, "it is welcomed", |event| event["event"] == "welcome").await;
        repeat(&mut kitchen, "one").await;
        assert!(anna.post("/v1/me/playlists", &json!({"name": "Before"})).await.status.is_success());
        let key = async |name: &str| {
            let made = anna.post("/v1/auth/keys", &json!({"name": name, "scope": "read"})).await.json();
            (format!("/v1/auth/keys/{}", made["id"].as_str().expect("an id")), made["key"].as_str().expect("a key").to_owned())
        };
        let by_key = async |key: &str| send(server.request(Method::GET, "/v1/me").bearer_auth(key)).await.status;
        let (kept, removed_later) = (key("kept").await, key("removed").await);
        let file = back_up(&database, "live.backup");

        let key_made_later = key("later").await;
        assert_eq!(anna.delete(&removed_later.0).await.status, 204);
        let mark = phone.mark();
        repeat(&mut kitchen, "all").await;
        let newest = phone.first(mark, "all see it", |event| shows(event, "all")).await;
        assert!(anna.post("/v1/me/playlists", &json!({"name": "After"})).await.status.is_success());
        let made_later = server.log_in("anna", "anna-password").await;
        assert!(ended_later.post("/v1/auth/logout", &json!({})).await.status.is_success());
        let carl = server.user(&database, "carl").await;
        let found = async |name: &str| {
            let reply = anna.get(&format!("/v1/search?q={name}&type=playlist")).await;
            (reply.status == 200).then(|| reply.json()["playlists"]["total"].as_u64()).flatten()
        };
        until("it is found", async || found("after").await == Some(1)).await;

        let marks = (kitchen.mark(), phone.mark());
        restore(&database, &file);
        for (device, mark) in [(&kitchen, marks.0), (&phone, marks.1)] {
            device.first(mark, "it is sent away", |event| event["event"] == "link" && event["state"] != "online").await;
            let back = device.first(mark, "it shows the older state", |event| shows(event, "one")).await;
            assert!(epoch(&back.event) > epoch(&newest.event), "under a new epoch");
        }
        let mark = phone.mark();
        repeat(&mut kitchen, "off").await;
        phone.first(mark, "and it goes on from there", |event| shows(event, "off")).await;

        let lists = anna.get("/v1/me/playlists").await.json();
        assert_eq!((&lists["total"], &lists["items"][0]["name"]), (&json!(1), &json!("Before")));
        until("search forgets", async || found("after").await == Some(0) && found("before").await == Some(1)).await;
        assert_eq!(bert.get("/v1/me").await.status, 200, "a login of before");
        assert_eq!(made_later.get("/v1/me").await.status, 200, "a login made since");
        let listed = anna.get("/v1/auth/logins").await;
        assert!(String::from_utf8_lossy(&listed.body).contains(&made_later.id), "it can be seen: {listed:?}");
        assert_eq!(ended_later.get("/v1/me").await.status, 401, "what was ended stays so");
        assert_eq!((by_key(&kept.1).await, by_key(&key_made_later.1).await), (StatusCode::OK, StatusCode::OK));
        assert_eq!(by_key(&removed_later.1).await, 401, "a key that was removed stays so");
        until("an account made since is gone", async || carl.get("/v1/me").await.status == 401).await;
    }

    /// After the restore only tokens signed with the backup's key are valid.
    async fn a_backup_of_another_installation_replaces_the_key(database) {
        let theirs = crate::harness::TestDatabase::new(database.dialect);
        let (file, token) = {
            let server = Server::start(&theirs).await;
            let zoe = server.admin(&theirs, "zoe").await;
            (back_up(&theirs, "theirs.backup"), zoe.token)
        };
        let server = Server::start(&database).await;
        let anna = server.admin(&database, "anna").await;
        restore(&database, &file);
        until("our tokens are void", async || anna.get("/v1/me").await.status == 401).await;
        let request = server.request(Method::GET, "/v1/me").bearer_auth(token);
        assert_eq!(send(request).await.json()["display_name"], "zoe");
    }

    /// A server that was stopped during the restore of its database.
    async fn a_server_that_was_stopped_during_a_restore_rebuilds_its_search_index(database) {
        let mut server = Server::start(&database).await;
        let anna = server.admin(&database, "anna").await;
        let file = back_up(&database, "early.backup");
        assert!(anna.post("/v1/me/playlists", &json!({"name": "Later"})).await.status.is_success());
        let token = anna.token.clone();
        let count = async |server: &Server| {
            let request = server.request(awc::http::Method::GET, "/v1/search?q=later&type=playlist");
            let reply = crate::harness::send(request.bearer_auth(&token)).await;
            (reply.status == 200).then(|| reply.json()["playlists"]["total"].as_u64()).flatten()
        };
        until("it is found", async || count(&server).await == Some(1)).await;
        server.signal("TERM");
        server.wait();
        restore(&database, &file);
        // The same number of the last change as in the index, but other changes.
        sql(&database, "UPDATE changes SET last = 100");
        let server = Server::start(&database).await;
        until("it is forgotten", async || count(&server).await == Some(0)).await;
    }
}
