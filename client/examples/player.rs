//! A device without audio output: it plays tracks by the clock and prints what is shown.
//!
//! `cargo run -p segue-client --example player -- 127.0.0.1:4747 TOKEN TRACK_ID…`

#![expect(clippy::print_stdout, reason = "it is a program")]

use segue_client::protocol::device::{DeviceKind, HelloDevice};
use segue_client::protocol::ids::{CommandId, InstanceId, MediaId};
use segue_client::protocol::wire::{SUBPROTOCOL, ServerMessage};
use segue_client::protocol::{messages::Op, playback::Item};
use segue_client::{Client, Input, Output};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::{collections::VecDeque, error::Error, io::ErrorKind, net::TcpStream, thread, time::Duration, time::Instant};
use tungstenite::{ClientRequestBuilder, Error as SocketError, Message, WebSocket};

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn connect(server: &str) -> Result<WebSocket<TcpStream>, Box<dyn Error>> {
    let request = ClientRequestBuilder::new(format!("ws://{server}/v1/sync").parse()?).with_sub_protocol(SUBPROTOCOL);
    let stream = TcpStream::connect(server)?;
    Ok(tungstenite::client(request, stream).map_err(|error| error.to_string())?.0)
}

/// The instant at which an item that sounds from this place on ends; for an unknown length never.
fn end_of(item: Item, position_ms: i64, now_us: i64) -> i64 {
    item.duration_ms.map_or(i64::MAX, |duration_ms| now_us + (duration_ms - position_ms) * 1000)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(token)) = (arguments.next(), arguments.next()) else {
        return Err("usage: player http://HOST:PORT TOKEN TRACK_ID…".into());
    };
    let server = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let tracks = arguments.map(|id| id.parse()).collect::<Result<Vec<MediaId>, _>>()?;
    let (name, kind, instance) = ("Example".to_owned(), DeviceKind::Other, InstanceId(random()));
    let device = HelloDevice { id: None, instance, name, kind, plays: true, controls: true, volume: None };

    let start = Instant::now();
    let now_us = || i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX);
    let mut client = Client::new(device, Some(token), now_us());
    let play = Op::Play { item: None, tracks, start: None, position_ms: None, on: None };
    // Inputs that were not passed to the rules yet. A command may be given before there is a connection.
    let mut inputs = VecDeque::from([Input::Command(CommandId(random()), play)]);
    let (mut socket, mut ends_us) = (None, i64::MAX);
    loop {
        while let Some(input) = inputs.pop_front() {
            let mut outputs = Vec::new();
            client.step(now_us(), random(), input, &mut outputs);
            for output in outputs {
                match output {
                    Output::Connect => {
                        socket = connect(&server).inspect_err(|error| println!("not connected: {error}")).ok();
                        inputs.push_back(if socket.is_some() { Input::Opened } else { Input::Closed(None) });
                    }
                    Output::Disconnect => socket = None,
                    // A socket that has ended is noticed when it is read.
                    Output::Send(message) => _ = socket.as_mut().map(|to| to.send(Message::text(message.encode()))),
                    Output::Sound(item, position_ms) => {
                        ends_us = end_of(item, position_ms, now_us());
                        inputs.push_back(Input::Started { item, position_ms });
                    }
                    Output::Prepare(item, _) => inputs.push_back(Input::Prepared(item.id)),
                    Output::Silence => ends_us = i64::MAX,
                    Output::Show => {
                        let status = client.playback().map(|playback| playback.status);
                        println!("{status:?} at {} ms", client.position_at(now_us()).unwrap_or_default());
                    }
                    Output::Answered(_, Err((_, why))) => return Err(format!("rejected: {why}").into()),
                    Output::GiveUp(_, why) => return Err(format!("the server closed the connection: {why}").into()),
                    Output::Answered(..) | Output::Queue(_) | Output::Volume(_) => {}
                }
            }
        }
        let due_us = client.next_deadline().min(ends_us);
        let wait = Duration::from_micros(u64::try_from(due_us - now_us()).unwrap_or(0).clamp(1_000, 1_000_000));
        if let Some(from) = &mut socket {
            from.get_ref().set_read_timeout(Some(wait))?;
            match from.read() {
                Ok(Message::Text(text)) => inputs.push_back(Input::Frame(Box::new(ServerMessage::decode(&text)?))),
                Ok(Message::Close(frame)) => inputs.push_back(Input::Closed(frame.map(|frame| frame.code.into()))),
                Err(SocketError::Io(error)) if error.kind() != ErrorKind::WouldBlock => {
                    inputs.push_back(Input::Closed(None));
                }
                Err(SocketError::ConnectionClosed) => inputs.push_back(Input::Closed(None)),
                Ok(_) | Err(_) => {}
            }
        } else {
            thread::sleep(wait);
        }
        if ends_us <= now_us() {
            ends_us = i64::MAX;
            inputs.push_back(Input::Finished);
        }
        if client.next_deadline() <= now_us() {
            inputs.push_back(Input::Tick);
        }
    }
}
