//! The sync socket of the real server: joining, refusals, transfers, and kills of the server.

mod all_at_once;
mod goodbyes;
mod handing_over;
mod hostile;
mod kills;
pub(crate) mod logged_out;
mod misuse;
mod page;
pub(crate) mod socket;

use crate::harness::{Server, TestDatabase, until};
use actix_web::web::Bytes;
use awc::{error::WsClientError, ws};
use futures_util::SinkExt as _;
use segue_client::protocol::{
    close::CloseReason,
    messages::{ByeReason, Op},
    playback::Repeat,
    wire::{ClientMessage, ServerMessage},
};
use socket::{Socket, command, hello};

on_both_databases! {
    async fn devices_of_one_user_share_a_session_and_others_do_not(database) {
        let server = Server::start(&database).await;
        let (anna, bert) = (server.user(&database, "anna").await, server.user(&database, "bert").await);
        let (mut phone, _) = Socket::join(&server, &anna.token, 1).await;
        let mut kitchen = Socket::open(&server, Some(&anna.token)).await.expect("a header will do");
        kitchen.send(&hello(None, 2)).await;
        let names: Vec<String> = kitchen.welcome().await.devices.devices.into_iter().map(|device| device.name).collect();
        assert_eq!(names, ["device 1", "device 2"]);
        let (_garden, welcome) = Socket::join(&server, &bert.token, 1).await;
        assert_eq!(welcome.devices.devices.len(), 1, "another user's session is another");

        phone.send(&command(1, Op::Repeat { mode: Repeat::All })).await;
        let repeats = |message| matches!(message, ServerMessage::Playback(shown) if shown.repeat == Repeat::All);
        kitchen.find(|message| repeats(message).then_some(())).await;
        phone.send(&ClientMessage::Bye { reason: ByeReason::Close }).await;
        let is_alone = |message| matches!(message, ServerMessage::Devices(list) if list.devices.len() == 1);
        kitchen.find(|message| is_alone(message).then_some(())).await;
    }
}

#[test]
fn a_stopping_server_closes_its_sockets_with_the_code_for_it() {
    crate::harness::run(async {
        let database = TestDatabase::new(crate::harness::Dialect::Sqlite);
        let mut server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let (mut socket, _) = Socket::join(&server, &token, 1).await;
        server.signal("TERM");
        let (said, code) = socket.end().await;
        assert_eq!(code, Some(CloseReason::Shutdown.code()));
        assert!(
            said.iter().any(|message| matches!(message, ServerMessage::Goaway { reconnect: true, .. })),
            "{said:?}"
        );
        assert!(server.wait(), "it ends with success");
    });
}

#[test]
fn invalid_clients_are_refused_with_a_status_or_a_close_code() {
    crate::harness::run(async {
        let database = TestDatabase::new(crate::harness::Dialect::Sqlite);
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let (mut other, _) = Socket::join(&server, &server.user(&database, "bert").await.token, 1).await;

        let plain = server.get("/v1/sync").await;
        assert_eq!(plain.status, 400);
        assert_eq!(plain.json()["error"]["code"], "invalid");
        let Err(WsClientError::InvalidResponseStatus(status)) = Socket::open(&server, Some("forged")).await else {
            panic!("a forged token is refused before the upgrade");
        };
        assert_eq!(status.as_u16(), 401);

        let long = format!(r#"{{"type":"pong","x":"{}"}}"#, "x".repeat(64 * 1024));
        let deep = format!(r#"{{"type":"time","client_us":{}"#, "[".repeat(60_000));
        let no_text = actix_http::ws::Item::FirstText(Bytes::from_static(b"{\"type\":\"\xff"));
        let cases = [
            (ws::Message::Text(hello(Some("forged"), 1).encode().into()), CloseReason::BadToken),
            (ws::Message::Text("nonsense".into()), CloseReason::BadFrame),
            (ws::Message::Text(long.into()), CloseReason::BadFrame),
            (ws::Message::Text(deep.into()), CloseReason::BadFrame),
            (ws::Message::Text(ClientMessage::Pong.encode().into()), CloseReason::BadFrame),
            (ws::Message::Continuation(no_text), CloseReason::BadFrame),
            (ws::Message::Binary(Bytes::from_static(b"nonsense")), CloseReason::BadFrame),
        ];
        for (frame, reason) in cases {
            let mut socket = Socket::open(&server, None).await.expect("the server upgrades");
            let shown = format!("{frame:?}").chars().take(80).collect::<String>();
            let begun = matches!(frame, ws::Message::Continuation(_));
            socket.0.send(frame).await.expect("the socket is open");
            if begun {
                let rest = ws::Message::Continuation(actix_http::ws::Item::Last(Bytes::from_static(b"\"}")));
                socket.0.send(rest).await.expect("the socket is open");
            }
            let (said, code) = socket.end().await;
            assert_eq!(code, Some(reason.code()), "{shown}");
            assert!(matches!(&said[..], [ServerMessage::Goaway { reconnect: false, .. }]), "{shown}: {said:?}");
        }

        let (mut twice, _) = Socket::join(&server, &token, 2).await;
        twice.send(&hello(Some(&token), 2)).await;
        assert_eq!(twice.end().await.1, Some(CloseReason::BadFrame.code()), "a second hello");
        other.send(&command(1, Op::Repeat { mode: Repeat::All })).await;
        let acked = |message| matches!(message, ServerMessage::Ack { .. }).then_some(());
        other.find(acked).await;

        let (mut first, _) = Socket::join(&server, &token, 1).await;
        let (_second, welcome) = Socket::join(&server, &token, 1).await;
        assert_eq!(first.end().await.1, Some(CloseReason::Replaced.code()), "an instance has one socket");
        assert_eq!(welcome.devices.devices.len(), 1);
        until("the server is still ready", async || server.get("/readyz").await.status == 200).await;
    });
}
