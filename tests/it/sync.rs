//! The sync socket of the real server: joining, being refused, and what a killed server still knows.

use crate::harness::{Server, TestDatabase, until};
use actix_web::web::Bytes;
use awc::{BoxedSocket, error::WsClientError, ws};
use futures_util::{SinkExt as _, StreamExt as _};
use segue_actors::{
    close::CloseReason,
    ids::{CommandId, DeviceId, InstanceId},
    state::{
        messages::{ByeReason, Command, Op},
        playback::Repeat,
    },
    wire::{ClientMessage, Hello, HelloDevice, SUBPROTOCOL, ServerMessage, Welcome},
};

type Framed = actix_codec::Framed<BoxedSocket, ws::Codec>;

/// A socket as a client has it.
struct Socket(Framed);

impl Socket {
    async fn open(server: &Server, token: Option<&str>) -> Result<Self, WsClientError> {
        let request = awc::Client::new().ws(format!("{}/v1/sync", server.base)).protocols([SUBPROTOCOL]);
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let (response, framed) = request.connect().await?;
        let chosen = response.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
        assert_eq!(chosen, Some(SUBPROTOCOL), "the server names the subprotocol");
        Ok(Self(framed))
    }

    /// Opens a socket and says `hello` as device `number`.
    async fn join(server: &Server, token: &str, number: u64) -> (Self, Welcome) {
        let mut socket = Self::open(server, None).await.expect("the server upgrades");
        socket.send(&hello(Some(token), number)).await;
        let welcome = socket.welcome().await;
        (socket, welcome)
    }

    async fn send(&mut self, message: &ClientMessage) {
        self.0.send(ws::Message::Text(message.encode().into())).await.expect("the socket is open");
    }

    /// The next message, or the close code.
    async fn next(&mut self) -> Result<ServerMessage, Option<u16>> {
        loop {
            match self.0.next().await {
                Some(Ok(ws::Frame::Text(text))) => {
                    let text = String::from_utf8(text.to_vec()).expect("text is UTF-8");
                    return Ok(ServerMessage::decode(&text).expect("the server sends messages"));
                }
                Some(Ok(ws::Frame::Close(reason))) => return Err(reason.map(|reason| reason.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    async fn welcome(&mut self) -> Welcome {
        loop {
            if let ServerMessage::Welcome(welcome) = self.next().await.expect("a welcome comes") {
                return *welcome;
            }
        }
    }

    /// What the server says before it closes the socket, and its close code.
    async fn end(&mut self) -> (Vec<ServerMessage>, Option<u16>) {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Ok(message) => said.push(message),
                Err(code) => return (said, code),
            }
        }
    }
}

fn hello(token: Option<&str>, number: u64) -> ClientMessage {
    ClientMessage::Hello(Box::new(Hello {
        token: token.map(str::to_owned),
        device: HelloDevice {
            id: Some(DeviceId(number)),
            instance: InstanceId(number),
            name: format!("device {number}"),
            kind: segue_actors::state::devices::DeviceKind::Terminal,
            plays: true,
            controls: true,
            codecs: Vec::new(),
            volume: None,
        },
        lease: None,
    }))
}

fn command(id: u64, op: Op<segue_actors::ids::MediaId>) -> ClientMessage {
    let id = CommandId(id);
    ClientMessage::Command(Box::new(Command { id, if_item: None, if_queue_revision: None, if_lease: None, op }))
}

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
        loop {
            match kitchen.next().await.expect("the socket is open") {
                ServerMessage::Playback(shown) if shown.repeat == Repeat::All => break,
                _ => {}
            }
        }
        phone.send(&ClientMessage::Bye(ByeReason::Close)).await;
        loop {
            match kitchen.next().await.expect("the socket is open") {
                ServerMessage::Devices(list) if list.devices.len() == 1 => break,
                _ => {}
            }
        }
    }

    /// Commands go on while the server is killed again and again; each is resent until it is answered. Every one raises
    /// the version of a volume, so that the version counts how often one was applied.
    async fn a_killed_server_has_lost_nothing_acknowledged_and_applied_nothing_twice(database) {
        const ROUNDS: u64 = 8;
        const EACH: u64 = 12;
        let mut server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let mut unanswered: Vec<u64> = Vec::new();
        let mut acknowledged = 0;
        for round in 0..=ROUNDS {
            let (mut socket, welcome) = Socket::join(&server, &token, 1).await;
            let volume = welcome.devices.devices.first().and_then(|device| device.volume);
            let applied = volume.map_or(0, |volume| volume.version);
            assert!(applied >= acknowledged, "{acknowledged} were acknowledged and {applied} stand in the database");
            if round < ROUNDS {
                unanswered.extend(round * EACH..(round + 1) * EACH);
            }
            for id in &unanswered {
                let level = u8::try_from(id % 100).expect("below 100");
                let op = Op::Volume { device_id: DeviceId(1), level: Some(level), delta: None, muted: None };
                socket.send(&command(*id, op)).await;
            }
            let wanted = if round < ROUNDS { (round * 5) % EACH } else { u64::MAX };
            let mut answered = 0;
            while answered < wanted && !unanswered.is_empty() {
                if let ServerMessage::Ack { id, .. } = socket.next().await.expect("the server is up") {
                    unanswered.retain(|waiting| *waiting != id.0);
                    acknowledged += 1;
                    answered += 1;
                }
            }
            if round < ROUNDS {
                server.signal("KILL");
                server.wait();
                server = Server::start(&database).await;
            }
        }
        assert_eq!(acknowledged, ROUNDS * EACH);
        let (_socket, welcome) = Socket::join(&server, &token, 1).await;
        let volume = welcome.devices.devices.first().and_then(|device| device.volume).expect("it was set");
        assert_eq!(volume.version, ROUNDS * EACH, "each command was applied once");
        assert_eq!(u64::from(volume.level), (ROUNDS * EACH - 1) % 100, "in order");
    }
}

#[test]
fn a_server_that_is_asked_to_stop_says_so() {
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
fn what_is_no_client_is_turned_away_with_a_reason() {
    crate::harness::run(async {
        let database = TestDatabase::new(crate::harness::Dialect::Sqlite);
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;

        let plain = server.get("/v1/sync").await;
        assert_eq!(plain.status, 400);
        assert_eq!(plain.json()["error"]["code"], "invalid");
        let Err(WsClientError::InvalidResponseStatus(status)) = Socket::open(&server, Some("forged")).await else {
            panic!("a forged token is refused before the upgrade");
        };
        assert_eq!(status.as_u16(), 401);

        let long = format!(r#"{{"type":"pong","x":"{}"}}"#, "x".repeat(64 * 1024));
        let cases = [
            (ws::Message::Text(hello(Some("forged"), 1).encode().into()), CloseReason::BadToken),
            (ws::Message::Text("nonsense".into()), CloseReason::BadFrame),
            (ws::Message::Text(long.into()), CloseReason::BadFrame),
            (ws::Message::Binary(Bytes::from_static(b"nonsense")), CloseReason::BadFrame),
        ];
        for (frame, reason) in cases {
            let mut socket = Socket::open(&server, None).await.expect("the server upgrades");
            let shown = format!("{frame:?}").chars().take(80).collect::<String>();
            socket.0.send(frame).await.expect("the socket is open");
            let (said, code) = socket.end().await;
            assert_eq!(code, Some(reason.code()), "{shown}");
            assert!(matches!(&said[..], [ServerMessage::Goaway { reconnect: false, .. }]), "{shown}: {said:?}");
        }

        let (mut first, _) = Socket::join(&server, &token, 1).await;
        let (_second, welcome) = Socket::join(&server, &token, 1).await;
        assert_eq!(first.end().await.1, Some(CloseReason::Replaced.code()), "one life has one socket");
        assert_eq!(welcome.devices.devices.len(), 1);
        until("the server lives", async || server.get("/readyz").await.status == 200).await;
    });
}
