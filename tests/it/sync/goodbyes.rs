//! The ways in which a client ends its socket: as a goodbye or as a lost connection.

use super::socket::{Socket, command, play, report, track, with_music};
use crate::harness::{Dialect, TestDatabase, run};
use awc::ws::{CloseCode, CloseReason, Message};
use futures_util::SinkExt as _;
use segue_client::protocol::{
    device::PresenceView,
    ids::DeviceId,
    playback::{Intent, Status},
    wire::ServerMessage,
};

/// The presence of the first device in a list.
fn presence(message: ServerMessage) -> Option<&'static str> {
    let ServerMessage::Devices(list) = message else { return None };
    let first = list.devices.iter().find(|device| device.id == DeviceId(1));
    Some(match first.map(|device| device.presence) {
        Some(PresenceView::Online) => "online",
        Some(PresenceView::Away) => "away",
        None => "gone",
    })
}

#[test]
fn a_socket_closed_with_3000_is_lost_and_one_closed_normally_is_a_goodbye() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = with_music(&database).await;
        let login = server.user(&database, "anna").await;
        let (track, token) = (track(&login).await, login.token.clone());
        let (mut eye, _) = Socket::join(&server, &token, 2).await;
        let gives_up = |code| Some(CloseReason { code: CloseCode::Other(code), description: None });
        let ends = [
            (None, false),
            (Some(CloseReason::from(CloseCode::Normal)), false),
            (Some(CloseReason::from(CloseCode::Away)), false),
            // A page cannot end a socket without a close frame. It uses the code 3000 for a connection that it takes
            // for dead.
            (gives_up(3000), true),
            (gives_up(4999), true),
        ];
        for (id, (reason, is_loss)) in (1_u64..).zip(ends) {
            let shown = format!("{reason:?}");
            let (mut player, _) = Socket::join(&server, &token, 1).await;
            player.send(&command(id, play(track))).await;
            let granted = eye.shown(|shown| shown.status == Status::Starting).await;
            player.send(&report(&granted, 0, granted.at_us)).await;
            eye.shown(|shown| shown.status == Status::Playing).await;
            player.0.send(Message::Close(reason)).await.expect("the socket is open");
            let (status, intent) = if is_loss { (Status::Lost, Intent::Play) } else { (Status::Paused, Intent::Pause) };
            // The device list and the playback after one change can arrive in either order.
            let (mut listed, mut ended) = (None, None);
            while listed.is_none() || ended.is_none() {
                match eye.next().await.expect("the server is up") {
                    ServerMessage::Playback(shown) => ended = Some(*shown),
                    other => listed = presence(other).or(listed),
                }
            }
            let ended = ended.expect("it was shown");
            assert_eq!((ended.status, ended.intent), (status, intent), "{shown}");
            assert_eq!(ended.active.is_some(), is_loss, "{shown}");
            assert_eq!(listed, Some(if is_loss { "away" } else { "gone" }), "{shown}");
        }
    });
}
