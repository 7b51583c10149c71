//! A device that sends too many commands to the real server.

use super::socket::{Socket, command};
use crate::harness::{Dialect, Server, TestDatabase, run};
use actix_http::ws::Item;
use awc::ws::Message;
use futures_util::{SinkExt as _, StreamExt as _, future};
use segue_client::protocol::{
    close::CloseReason,
    messages::{Op, RejectCode},
    wire::{ClientMessage, FRAME_BYTES, ServerMessage},
};
use tokio::io::AsyncWriteExt as _;

/// Also before the `hello`, and without a byte of the payload.
#[test]
fn a_message_over_the_limit_is_refused_by_the_headers_of_its_frames() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let anna = server.user(&database, "anna").await;
        for length in [65_537_u64, 1 << 40] {
            let (joined, _) = Socket::join(&server, &anna.token, 1).await;
            let stranger = Socket::open(&server, None).await.expect("the server upgrades");
            for mut socket in [joined, stranger] {
                let header = [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
                socket.0.io_mut().write_all(&header).await.expect("the socket is open");
                assert_eq!(closed(&mut socket).await, Some(CloseReason::BadFrame.code()), "{length}");
            }
        }
        let mut socket = Socket::open(&server, None).await.expect("the server upgrades");
        for part in [Item::FirstText(vec![b' '; FRAME_BYTES].into()), Item::Last(vec![b' '].into())] {
            socket.0.send(Message::Continuation(part)).await.expect("the socket is open");
        }
        assert_eq!(closed(&mut socket).await, Some(CloseReason::BadFrame.code()), "fragments count together");
    });
}

/// The close code.
async fn closed(socket: &mut Socket) -> Option<u16> {
    loop {
        if let Err(code) = socket.next().await {
            return code;
        }
    }
}

async fn is_answered(socket: &mut Socket, id: u64) {
    socket.send(&command(id, Op::Pause)).await;
    socket.find(|message| matches!(message, ServerMessage::Ack { .. }).then_some(())).await;
}

#[test]
fn t83_a_flooding_device_is_limited_then_disconnected_and_others_are_not_affected() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let (anna, bert) = (server.user(&database, "anna").await, server.user(&database, "bert").await);
        let (flood, _) = Socket::join(&server, &anna.token, 1).await;
        let (mut calm, _) = Socket::join(&server, &anna.token, 2).await;
        let (mut other, _) = Socket::join(&server, &bert.token, 1).await;
        let (mut sink, stream) = flood.0.split();
        let floods = async {
            for id in 1..2_000 {
                let text = command(id, Op::Pause).encode().into();
                // Sends until the connection is closed.
                if sink.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
        };
        let hears = async {
            let (mut limited, mut code) = (0, None);
            let mut frames = stream;
            while let Some(Ok(frame)) = frames.next().await {
                match frame {
                    awc::ws::Frame::Text(text) => {
                        let text = String::from_utf8(text.to_vec()).expect("text is UTF-8");
                        if let Ok(ServerMessage::Reject { code, retry_ms, .. }) = ServerMessage::decode(&text) {
                            assert_eq!(code, RejectCode::RateLimited);
                            assert!(retry_ms.is_some_and(|ms| ms > 0));
                            limited += 1;
                        }
                    }
                    awc::ws::Frame::Close(reason) => code = reason.map(|reason| u16::from(reason.code)),
                    _ => {}
                }
            }
            (limited, code)
        };
        let lives = async {
            for id in 1..=5 {
                future::join(is_answered(&mut calm, id), is_answered(&mut other, id)).await;
            }
        };
        let ((), (limited, code), ()) = futures_util::join!(floods, hears, lives);
        assert!(limited > 0, "it is told first");
        assert_eq!(code, Some(CloseReason::Flooding.code()));
        calm.send(&ClientMessage::Time { client_us: 1 }).await;
        other.send(&ClientMessage::Time { client_us: 1 }).await;
        let told_the_time = |message| matches!(message, ServerMessage::Time { .. }).then_some(());
        calm.find(told_the_time).await;
        other.find(told_the_time).await;
    });
}
