//! A login that has ended takes its sockets along, whoever ended it and where.
//!
//! The servers here look at nothing of their own accord for minutes: an idle device is pinged after ten, and what other
//! programs changed is looked for after ten.

use super::socket::{Socket, command, play, track, with_music_and};
use crate::{
    harness::{Dialect, Login, Server, TestDatabase, segue},
    stream::links::key,
};
use awc::http::Method;
use diesel::{RunQueryDsl as _, sql_query};
use segue::auth::Claims;
use segue_client::protocol::{
    close::CloseReason,
    messages::Op,
    playback::{Repeat, Status},
    wire::ServerMessage,
};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::timeout;

const QUIET: &[&str] = &["--heartbeat-ms=60000", "--poll-ms=600000"];

/// Reads to the end of a socket whose login has ended: what it was shown.
pub(crate) async fn out(socket: &mut Socket, how: &str) -> Vec<ServerMessage> {
    let end = timeout(Duration::from_mins(5), socket.end()).await;
    let (said, code) = end.unwrap_or_else(|_| panic!("it goes on listening: {how}"));
    assert_eq!(code, Some(CloseReason::BadToken.code()), "{how}");
    said
}

/// The next command of a device is carried out.
async fn is_in(socket: &mut Socket, id: u64, mode: Repeat) {
    socket.send(&command(id, Op::Repeat { mode })).await;
    socket.find(|message| matches!(message, ServerMessage::Ack { .. }).then_some(())).await;
}

fn run(database: &TestDatabase, arguments: &[&str], file: Option<&Path>) {
    let output = segue(database).args(arguments).args(file).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// How many rows sessions and histories have, of all users together.
fn rows(database: &TestDatabase) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM session_queues)
        + (SELECT count(*) FROM plays) AS count";
    let counted = database.open().read_blocking(|connection| Ok(sql_query(sql).get_result::<Count>(connection)?.count));
    counted.expect("the database answers")
}

/// Ends the first login by the second one, and returns the status.
async fn end_by(how: &str, ended: &Login<'_>, other: &Login<'_>) -> u16 {
    let reply = match how {
        "logout" => ended.post("/v1/auth/logout", &json!({})).await,
        "one login" => other.delete(&format!("/v1/auth/logins/{}", ended.id)).await,
        "other logins" => other.delete("/v1/auth/logins").await,
        "own password" => other.put("/v1/me/password", &json!({"old": "anna-password", "new": "anna-password"})).await,
        _ => panic!("nobody knows how: {how}"),
    };
    reply.status.as_u16()
}

/// Time for a device to join, in seconds.
const LIFETIME_S: u64 = 15;

#[test]
fn a_silent_device_whose_token_has_expired_is_out() {
    crate::harness::run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start_with(&database, QUIET).await;
        let anna = server.user(&database, "anna").await;
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
        let (user, login) = (anna.user.parse().expect("an id"), anna.id.parse().expect("an id"));
        let token = Claims { user, login, expires_s: now_s + LIFETIME_S }.sign(&key(&database));
        let (mut witness, _) = Socket::join(&server, &anna.token, 1).await;
        let (mut idle, _) = Socket::join(&server, &token, 2).await;
        out(&mut idle, "expired").await;
        is_in(&mut witness, 1, Repeat::All).await;
    });
}

on_both_databases! {
    async fn what_comes_after_a_log_out_is_not_shown(database) {
        let server = Server::start_with(&database, QUIET).await;
        server.user(&database, "anna").await;
        let ways = ["logout", "one login", "other logins", "own password"];
        for (number, how) in (1..).zip(ways) {
            let (phone, desk) = (server.log_in("anna", "anna-password").await, server.log_in("anna", "anna-password").await);
            let (mut ended, _) = Socket::join(&server, &phone.token, 1).await;
            let (mut witness, _) = Socket::join(&server, &desk.token, 2).await;
            assert_eq!(end_by(how, &phone, &desk).await, 204, "{how}");
            let mode = if number % 2 == 1 { Repeat::All } else { Repeat::One };
            is_in(&mut witness, number, mode).await;
            let said = out(&mut ended, how).await;
            let is_shown = |message: &ServerMessage| matches!(message, ServerMessage::Playback(shown) if shown.repeat == mode);
            assert!(!said.iter().any(is_shown), "{how}: {said:?}");
        }
    }

    async fn who_is_shut_out_or_removed_by_an_admin_is_out(database) {
        let mut server = Server::start_with(&database, QUIET).await;
        {
            let admin = server.admin(&database, "root").await;
            let anna = server.user(&database, "anna").await;
            let path = format!("/v1/users/{}", anna.user);
            let (mut socket, _) = Socket::join(&server, &anna.token, 1).await;
            let new = json!({"password": "another one"});
            assert_eq!(admin.send(Method::PATCH, &path, &new).await.status, 204);
            out(&mut socket, "password").await;
            let anna = server.log_in("anna", "another one").await;
            let (mut socket, _) = Socket::join(&server, &anna.token, 1).await;
            let (mut witness, _) = Socket::join(&server, &admin.token, 1).await;
            is_in(&mut witness, 1, Repeat::All).await;
            assert_eq!(admin.delete(&path).await.status, 204);
            is_in(&mut witness, 2, Repeat::One).await;
            out(&mut socket, "removed").await;
        }
        server.signal("TERM");
        assert!(server.wait(), "a clean end");
        assert_eq!(rows(&database), 2, "session and queue of the admin");
    }

    async fn another_program_ends_logins_just_as_well(database) {
        let mut server = with_music_and(&database, QUIET).await;
        let file = database.folder.path().join("password");
        std::fs::write(&file, "from a file\n").expect("a file");
        {
            let anna = server.user(&database, "anna").await;
            let (mut idle, _) = Socket::join(&server, &anna.token, 1).await;
            let (mut also, _) = Socket::join(&server, &anna.token, 2).await;
            run(&database, &["user", "passwd", "anna", "--password-file"], Some(&file));
            out(&mut idle, "password").await;
            out(&mut also, "password").await;

            let anna = server.log_in("anna", "from a file").await;
            let (mut idle, _) = Socket::join(&server, &anna.token, 1).await;
            let (mut playing, _) = Socket::join(&server, &anna.token, 2).await;
            playing.send(&command(1, play(track(&anna).await))).await;
            idle.shown(|shown| shown.status == Status::Starting).await;
            run(&database, &["user", "remove", "anna", "--yes"], None);
            out(&mut idle, "removed").await;
            out(&mut playing, "removed").await;
        }
        server.signal("TERM");
        assert!(server.wait(), "a clean end");
        assert_eq!(rows(&database), 0, "nothing was written for somebody who is gone");
    }
}
