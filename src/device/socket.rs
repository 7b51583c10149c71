//! The WebSocket of a device: a task that reads, writes and answers pings.

use super::{
    api::Api,
    happening::{FromSocket, Happening},
};
use awc::ws::{CloseReason, Frame, Message};
use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use segue_client::protocol::wire::{ClientMessage, SUBPROTOCOL, ServerMessage};
use tokio::{sync::mpsc, task::JoinHandle};

/// The longest frame that is accepted, in bytes.
const FRAME_BYTES: usize = 1 << 20;
/// How many messages may wait to be written; if there are more, the socket is given up.
const WAITING: usize = 64;

/// The handle of a socket that is opening or open; dropping it closes the socket at once.
pub(super) struct DeviceSocket {
    number: u64,
    waiting: mpsc::Sender<Message>,
    task: JoinHandle<()>,
}

/// The socket accepts no more messages.
pub(super) struct Stuck;

impl DeviceSocket {
    /// Starts to connect; events are sent with `number`.
    pub(super) fn open(number: u64, api: &Api, happenings: mpsc::Sender<Happening>) -> Self {
        let (waiting, frames) = mpsc::channel(WAITING);
        let pongs = waiting.clone();
        let api = api.clone();
        let task = actix::spawn(async move {
            let (code, why) = live(number, &api, frames, pongs, &happenings).await;
            tell(&happenings, number, FromSocket::Closed(code, why)).await;
        });
        Self { number, waiting, task }
    }

    /// The number that its events are sent with.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Queues a message to be written.
    pub(super) fn send(&self, message: &ClientMessage) -> Result<(), Stuck> {
        self.waiting.try_send(Message::Text(message.encode().into())).map_err(|_| Stuck)
    }
}

impl Drop for DeviceSocket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tell(happenings: &mpsc::Sender<Happening>, number: u64, what: FromSocket) {
    // Sending fails only while the program ends.
    drop(happenings.send(Happening::Socket(number, what)).await);
}

/// Connects, reads and writes until the socket closes; returns how it ended.
async fn live(
    number: u64,
    api: &Api,
    frames: mpsc::Receiver<Message>,
    pongs: mpsc::Sender<Message>,
    happenings: &mpsc::Sender<Happening>,
) -> (Option<u16>, String) {
    let request = api.http().ws(api.server().sync()).max_frame_size(FRAME_BYTES).protocols([SUBPROTOCOL]);
    let (_, socket) = match request.connect().await {
        Ok(connected) => connected,
        Err(error) => return (None, error.to_string()),
    };
    tell(happenings, number, FromSocket::Opened).await;
    let (sink, stream) = socket.split();
    tokio::select! {
        end = read(number, stream, pongs, happenings) => end,
        () = write(sink, frames) => (None, "the connection broke".to_owned()),
    }
}

async fn read<E: std::fmt::Display>(
    number: u64,
    mut stream: impl Stream<Item = Result<Frame, E>> + Unpin,
    pongs: mpsc::Sender<Message>,
    happenings: &mpsc::Sender<Happening>,
) -> (Option<u16>, String) {
    loop {
        match stream.next().await {
            None => return (None, "the connection was cut".to_owned()),
            Some(Err(error)) => return (None, format!("the connection broke: {error}")),
            Some(Ok(Frame::Text(text))) => match message(&text) {
                Ok(message) => tell(happenings, number, FromSocket::Message(Box::new(message))).await,
                Err(error) => return (None, format!("the server sent a message that cannot be read: {error}")),
            },
            Some(Ok(Frame::Ping(payload))) => {
                // A message that cannot be written is lost; the rules send it again after a reconnect if they have to.
                drop(pongs.try_send(Message::Pong(payload)));
            }
            Some(Ok(Frame::Pong(_))) => {}
            Some(Ok(Frame::Close(reason))) => {
                return farewell(reason.as_ref());
            }
            Some(Ok(Frame::Binary(_) | Frame::Continuation(_))) => {
                return (None, "the server sent a frame that is no message".to_owned());
            }
        }
    }
}

fn message(text: &Bytes) -> Result<ServerMessage, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    ServerMessage::decode(text).map_err(|error| error.to_string())
}

fn farewell(reason: Option<&CloseReason>) -> (Option<u16>, String) {
    let code = reason.map(|reason| u16::from(reason.code));
    let words = reason.and_then(|reason| reason.description.clone());
    (code, words.unwrap_or_else(|| "the server closed the connection".to_owned()))
}

async fn write(mut sink: impl Sink<Message> + Unpin, mut frames: mpsc::Receiver<Message>) {
    while let Some(frame) = frames.recv().await {
        if sink.send(frame).await.is_err() {
            return;
        }
    }
}
