//! Why a socket ended: each time a line in the log, which names who was at the other end.

use crate::harness::{Dialect, Log, Server, TestDatabase, run, segue, until};
use crate::sync::socket::Socket;
use awc::ws::Message;
use bytes::Bytes;
use futures_util::SinkExt as _;
use segue_client::protocol::{ids::DeviceId, wire::FRAME_BYTES};
use serde_json::json;

/// Frames that end a socket, and what the log says of them.
fn bad_frames() -> [(Message, &'static str); 5] {
    let long = format!(r#"{{"type":"pong","x":"{}"}}"#, "x".repeat(FRAME_BYTES));
    [
        (Message::Text("nonsense".into()), "a socket is closed: expected"),
        (Message::Text(r#"{"type":"hello","device":{}}"#.into()), "a socket is closed: missing field"),
        (Message::Binary(Bytes::from_static(b"nonsense")), "a socket is closed: a binary frame"),
        (Message::Text(long.into()), "a socket is closed: a message of more than 65536 bytes"),
        (Message::Text(r#"{"type":"time"}"#.into()), "a socket is closed: missing field"),
    ]
}

/// Sends a frame, reads the close frame, and returns the last line of the log that ends with these words.
async fn line_after(log: &Log, socket: &mut Socket, (frame, said): (Message, &str)) -> String {
    let before = log.text().len();
    socket.0.send(frame).await.expect("the socket is open");
    socket.end().await;
    let mut line = String::new();
    until(said, async || {
        let text = log.text();
        let new = text.get(before..).unwrap_or_default();
        let whole = new.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().find(|line| line.contains(said)).unwrap_or_default().clone_into(&mut line);
        !line.is_empty()
    })
    .await;
    line
}

/// Checks what a line names; an unknown user or device is left out.
#[track_caller]
fn assert_names(line: &str, reason: &str, user: Option<&str>, device: Option<DeviceId>) {
    let value = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    assert!(line.contains(" INFO "), "{line}");
    assert_eq!((value("reason"), value("user")), (Some(reason), user), "{line}");
    assert_eq!(value("device"), device.map(|id| id.to_string()).as_deref(), "{line}");
    assert!(value("connection").is_some_and(|id| id.len() == 16), "{line}");
    assert_eq!(value("address"), Some("127.0.0.1"), "{line}");
}

async fn start(database: &TestDatabase) -> (Server, Log) {
    let mut command = segue(database);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    let log = Log::of(&mut command, database);
    (Server::run(command).await, log)
}

#[test]
fn a_bad_frame_is_logged_with_its_sender_however_far_they_had_come() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (server, log) = start(&database).await;
        let anna = server.user(&database, "anna").await;
        for (number, case) in (1..).zip(0..bad_frames().len()) {
            let bad = || bad_frames().into_iter().nth(case).expect("there is one");
            let mut stranger = Socket::open(&server, None).await.expect("the server upgrades");
            assert_names(&line_after(&log, &mut stranger, bad()).await, "bad_frame", None, None);
            let mut known = Socket::open(&server, Some(&anna.token)).await.expect("the server upgrades");
            assert_names(&line_after(&log, &mut known, bad()).await, "bad_frame", Some(&anna.user), None);
            let (mut joined, _) = Socket::join(&server, &anna.token, number).await;
            let line = line_after(&log, &mut joined, bad()).await;
            assert_names(&line, "bad_frame", Some(&anna.user), Some(DeviceId(number)));
        }
    });
}

#[test]
fn the_end_of_a_login_is_logged_for_each_of_its_sockets() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (server, log) = start(&database).await;
        let anna = server.user(&database, "anna").await;
        let (mut first, _) = Socket::join(&server, &anna.token, 1).await;
        let (mut second, _) = Socket::join(&server, &anna.token, 2).await;
        assert_eq!(anna.post("/v1/auth/logout", &json!({})).await.status, 204);
        first.end().await;
        second.end().await;
        for device in [DeviceId(1), DeviceId(2)] {
            let of_device =
                |line: &str| line.contains("its login has ended") && line.contains(&format!(" device={device} "));
            let line = log.line("it is logged", of_device).await;
            assert_names(&line, "bad_token", Some(&anna.user), Some(device));
        }
    });
}
