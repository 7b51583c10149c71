//! A device without audio output: it plays tracks by the clock, prints what is shown, and connects again by itself.
//! `cargo run -p segue-client --example player -- http://127.0.0.1:4747 TOKEN TRACK_ID…`
#![expect(clippy::print_stdout, reason = "it is a program")]

use segue_client::{DeviceKind, HelloDevice, InstanceId, Op, SUBPROTOCOL, ServerMessage};
use segue_client::{Driver, Input, Output, random};
use std::{error::Error, io::ErrorKind, thread};
use tungstenite::{ClientRequestBuilder, Error as SocketError, Message, stream::MaybeTlsStream};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, token, tracks @ ..] = &arguments[..] else { return Err("usage: player URL TOKEN TRACK_ID…".into()) };
    let address = format!("{}/v1/sync", server.trim_end_matches('/').replacen("http", "ws", 1));
    let request = ClientRequestBuilder::new(address.parse()?).with_sub_protocol(SUBPROTOCOL);
    let device = HelloDevice::new(InstanceId(random()), "Example", DeviceKind::Other);
    let mut driver = Driver::new(device, Some(token.clone()));
    driver.command(Op::play(tracks.iter().map(|id| id.parse()).collect::<Result<_, _>>()?));
    let (mut socket, mut end_us) = (None, i64::MAX); // When the item that sounds ends, in local time.
    loop {
        while let Some(output) = driver.output() {
            match output {
                Output::Connect => {
                    socket = tungstenite::connect(request.clone()).inspect_err(|error| println!("{error}")).ok();
                    driver.input(if socket.is_some() { Input::Opened } else { Input::Closed(None) });
                }
                Output::Disconnect => socket = None,
                // That a socket has ended is noticed when it is read.
                Output::Send(message) => _ = socket.as_mut().map(|(to, _)| to.send(Message::text(message.encode()))),
                Output::Sound(item, position_ms) => {
                    end_us = item.duration_ms.map_or(i64::MAX, |ms| driver.now_us() + (ms - position_ms) * 1_000);
                    driver.input(Input::Started { item, position_ms });
                }
                Output::Prepare(item, _) => driver.input(Input::Prepared(item.id)),
                Output::Silence => end_us = i64::MAX,
                Output::Show => println!("{:?}", driver.client().playback().map(|now| (now.status, now.position_ms))),
                Output::Answered(_, Err((_, why))) | Output::GiveUp(_, why) => return Err(why.into()),
                Output::Answered(..) | Output::Queue(_) | Output::Volume(_) => {}
            }
        }
        if end_us <= driver.now_us() {
            end_us = i64::MAX;
            driver.input(Input::Finished);
        } else if let Some((from, _)) = &mut socket {
            let MaybeTlsStream::Plain(stream) = from.get_ref() else { return Err("it speaks no TLS".into()) };
            stream.set_read_timeout(Some(driver.wait_until(end_us)))?;
            match from.read() {
                Ok(Message::Text(text)) => driver.input(Input::Frame(Box::new(ServerMessage::decode(&text)?))),
                Err(SocketError::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                read @ (Ok(Message::Close(_)) | Err(_)) => {
                    let code = if let Ok(Message::Close(Some(end))) = read { Some(end.code.into()) } else { None };
                    driver.input(Input::Closed(code));
                    socket = None;
                }
                Ok(_) => {}
            }
        } else {
            thread::sleep(driver.wait_until(end_us));
        }
    }
}
