//! A socket as a client has it, and what a client says.

use crate::harness::Server;
use awc::{BoxedSocket, error::WsClientError, ws};
use futures_util::{SinkExt as _, StreamExt as _};
use segue_actors::{
    ids::{CommandId, DeviceId, InstanceId, MediaId},
    state::{
        devices::DeviceKind,
        messages::{Command, Op},
    },
    wire::{ClientMessage, Hello, HelloDevice, SUBPROTOCOL, ServerMessage, Welcome},
};

type Framed = actix_codec::Framed<BoxedSocket, ws::Codec>;

/// A socket as a client has it.
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

    /// Opens a socket and says `hello` as device `number`.
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

    /// The next message that `find` makes something of.
    pub(crate) async fn find<T>(&mut self, mut find: impl FnMut(ServerMessage) -> Option<T>) -> T {
        loop {
            if let Some(found) = find(self.next().await.expect("the socket is open")) {
                return found;
            }
        }
    }

    pub(crate) async fn welcome(&mut self) -> Welcome {
        self.find(|message| if let ServerMessage::Welcome(welcome) = message { Some(*welcome) } else { None }).await
    }

    /// What the server says before it closes the socket, and its close code.
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
    ClientMessage::Hello(Box::new(Hello {
        token: token.map(str::to_owned),
        device: HelloDevice {
            id: Some(DeviceId(number)),
            instance: InstanceId(number),
            name: format!("device {number}"),
            kind: DeviceKind::Terminal,
            plays: true,
            controls: true,
            codecs: Vec::new(),
            volume: None,
        },
        lease: None,
        seen: None,
    }))
}

pub(crate) fn command(id: u64, op: Op<MediaId>) -> ClientMessage {
    let id = CommandId(id);
    ClientMessage::Command(Box::new(Command { id, if_item: None, if_queue_revision: None, if_lease: None, op }))
}
