//! The client side of a socket, and the messages of a client.

use crate::harness::{Login, Server, TestDatabase, segue, silence};
use awc::{BoxedSocket, error::WsClientError, ws};
use futures_util::{SinkExt as _, StreamExt as _};
use segue_client::protocol::{
    device::{DeviceKind, HelloDevice},
    ids::{CommandId, DeviceId, InstanceId, MediaId, Micros, Stamp},
    messages::{Command, Op, Report, Sound},
    playback::Playback,
    wire::{ClientMessage, Hello, SUBPROTOCOL, ServerMessage, Welcome},
};

type Framed = actix_codec::Framed<BoxedSocket, ws::Codec>;

/// A server with one track of 200 s.
pub(super) async fn with_music(database: &TestDatabase) -> Server {
    with_music_and(database, &[]).await
}

/// The same, started with more arguments.
pub(crate) async fn with_music_and(database: &TestDatabase, arguments: &[&str]) -> Server {
    let music = database.folder.path().join("music");
    std::fs::create_dir(&music).expect("a folder");
    silence(&music.join("long.wav"), 200);
    let scanned = segue(database).arg("scan").arg("--music").arg(&music).output().expect("the program runs");
    assert!(scanned.status.success(), "{scanned:?}");
    Server::start_with(database, arguments).await
}

/// The id of that track.
pub(crate) async fn track(login: &Login<'_>) -> MediaId {
    let page = login.get("/v1/tracks").await.json();
    page["items"][0]["id"].as_str().expect("a track").parse().expect("an id")
}

/// The client side of a socket.
pub(crate) struct Socket(pub(crate) Framed);

impl Socket {
    pub(crate) async fn open(server: &Server, token: Option<&str>) -> Result<Self, WsClientError> {
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

    /// Opens a socket and sends `hello` as device `number`.
    pub(crate) async fn join(server: &Server, token: &str, number: u64) -> (Self, Welcome) {
        let mut socket = Self::open(server, None).await.expect("the server upgrades");
        socket.send(&hello(Some(token), number)).await;
        let welcome = socket.welcome().await;
        (socket, welcome)
    }

    pub(crate) async fn send(&mut self, message: &ClientMessage) {
        self.0.send(ws::Message::Text(message.encode().into())).await.expect("the socket is open");
    }

    /// The next message, or the close code.
    pub(crate) async fn next(&mut self) -> Result<ServerMessage, Option<u16>> {
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

    /// Reads messages until `find` returns a value for one.
    pub(crate) async fn find<T>(&mut self, mut find: impl FnMut(ServerMessage) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(self.next().await.expect("the socket is open")) {
                return found;
            }
        }
    }

    /// Reads messages until a playback for which `is_wanted` is true.
    pub(super) async fn shown(&mut self, is_wanted: impl Fn(&Playback) -> bool) -> Playback {
        self.find(|message| shown(message, &is_wanted)).await
    }

    pub(crate) async fn welcome(&mut self) -> Welcome {
        self.find(|message| if let ServerMessage::Welcome(welcome) = message { Some(*welcome) } else { None }).await
    }

    /// Reads to the end: the messages before the server closes the socket, and the close code.
    pub(crate) async fn end(&mut self) -> (Vec<ServerMessage>, Option<u16>) {
        let mut said = Vec::new();
        loop {
            match self.next().await {
                Ok(message) => said.push(message),
                Err(code) => return (said, code),
            }
        }
    }
}

pub(crate) fn hello(token: Option<&str>, number: u64) -> ClientMessage {
    hello_of(token, (number, number), None)
}

/// The `hello` of a device and instance, with the stamp of the last playback it was shown.
pub(super) fn hello_of(token: Option<&str>, (number, instance): (u64, u64), seen: Option<Stamp>) -> ClientMessage {
    ClientMessage::Hello(Box::new(Hello {
        token: token.map(str::to_owned),
        device: HelloDevice {
            id: Some(DeviceId(number)),
            instance: InstanceId(instance),
            name: format!("device {number}"),
            kind: DeviceKind::Terminal,
            plays: true,
            controls: true,
            volume: None,
        },
        seen,
        attempt: None,
    }))
}

/// The operation that plays the track.
pub(crate) fn play(track: MediaId) -> Op<MediaId> {
    Op::Play { item: None, tracks: vec![track], start: None, position_ms: None, on: None }
}

/// The playback in a message, if it has one for which `is_wanted` is true.
pub(super) fn shown(message: ServerMessage, is_wanted: impl Fn(&Playback) -> bool) -> Option<Playback> {
    match message {
        ServerMessage::Playback(shown) if is_wanted(&shown) => Some(*shown),
        _ => None,
    }
}

/// A report that the active device plays and is at `position_ms`.
pub(super) fn report(shown: &Playback, position_ms: i64, at_us: Micros) -> ClientMessage {
    ClientMessage::Report(Report {
        lease: shown.active.as_ref().expect("somebody is active").lease,
        turn: shown.turn,
        item: shown.item.as_ref().expect("something plays").id,
        position_ms,
        at_us,
        status: Sound::Playing,
        seen: None,
    })
}

pub(crate) fn command(id: u64, op: Op<MediaId>) -> ClientMessage {
    let id = CommandId(id);
    ClientMessage::Command(Box::new(Command { id, if_item: None, if_queue_revision: None, if_lease: None, op }))
}
