//! Bytes on the bare connection of a socket: what RFC 6455 forbids is refused, what it allows is understood, and a request
//! for a WebSocket anywhere else is answered as any other request.

use super::socket::hello;
use crate::harness::{Dialect, Server, TestDatabase, run};
use actix_http::ws::{OpCode, Parser};
use actix_web::web::BytesMut;
use segue_client::protocol::{
    close::CloseReason,
    wire::{ClientMessage, ServerMessage},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The most bytes of a frame of the server.
const MOST: usize = 1 << 20;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A request for a WebSocket, as text.
fn head(method: &str, path: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A masked frame with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    Parser::write_message(&mut bytes, payload, OpCode::Text, true, true);
    bytes[0] = first;
    bytes.to_vec()
}

/// The bare connection, and what was read of it and not used.
struct Connection(TcpStream, BytesMut);

impl Connection {
    async fn open(server: &Server) -> Self {
        let address = server.base.trim_start_matches("http://");
        Self(TcpStream::connect(address).await.expect("the server listens"), BytesMut::new())
    }

    async fn socket(server: &Server) -> Self {
        let mut connection = Self::open(server).await;
        connection.send(head("GET", "/v1/sync").as_bytes()).await;
        assert!(connection.head().await.starts_with("HTTP/1.1 101"));
        connection
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the connection is open");
    }

    /// The head of an answer.
    async fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.1.windows(END_OF_HEAD.len()).position(|some| some == END_OF_HEAD) {
                let head = self.1.split_to(at + END_OF_HEAD.len());
                return String::from_utf8(head.to_vec()).expect("text");
            }
            assert!(self.0.read_buf(&mut self.1).await.expect("the connection is open") > 0, "{:?}", self.1);
        }
    }

    /// The next frame; `None` at the end of the connection.
    async fn next(&mut self) -> Option<(OpCode, BytesMut)> {
        loop {
            if let Some((_, kind, payload)) = Parser::parse(&mut self.1, false, MOST).expect("frames of the server") {
                return Some((kind, payload.unwrap_or_default()));
            }
            if self.0.read_buf(&mut self.1).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The code of the close frame, before which nothing but a `goaway` and pings come; then the connection ends.
    async fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some((kind, payload)) = self.next().await {
            assert_eq!(code, None, "nothing follows the close frame: {kind:?}");
            if kind == OpCode::Close {
                code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
        code
    }
}

#[test]
fn frames_that_the_rfc_forbids_end_the_socket_with_the_code_for_it() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let mut unmasked = frame(0x81, b"");
        unmasked[1] = 0;
        let cases: [(&str, Vec<u8>); 14] = [
            ("reserved bit 1", frame(0xc1, b"{}")),
            ("reserved bit 2", frame(0xa1, b"{}")),
            ("reserved bit 3", frame(0x91, b"{}")),
            ("an unknown kind", frame(0x83, b"{}")),
            ("an unknown control frame", frame(0x8f, b"")),
            ("a frame without a mask", unmasked),
            ("a ping in fragments", frame(0x09, b"")),
            ("a ping of 126 bytes", frame(0x89, &[b'x'; 126])),
            ("a fragment of no message", frame(0x80, b"{}")),
            ("a message within a message", [frame(0x01, b"{"), frame(0x81, b"}")].concat()),
            ("a character cut by the end", [frame(0x01, b"\xc3"), frame(0x80, b"")].concat()),
            ("a close frame of one byte", frame(0x88, &[3])),
            ("a close frame with a reserved code", frame(0x88, &[0x03, 0xed])),
            ("a length of 2^63", [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat()),
        ];
        for (what, bytes) in cases {
            for step in [1, bytes.len()] {
                let mut socket = Connection::socket(&server).await;
                for some in bytes.chunks(step) {
                    // The socket may be closed before its last byte.
                    let _ = socket.0.write_all(some).await;
                }
                assert_eq!(socket.close_code().await, Some(CloseReason::BadFrame.code()), "{what}, {step}");
            }
        }
    });
}

#[test]
fn what_the_rfc_allows_is_understood_wherever_the_bytes_are_cut() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let token = server.user(&database, "anna").await.token;
        let time = ClientMessage::Time { client_us: 7 }.encode();
        let (hello, time) = (hello(Some(&token), 1).encode(), time.as_bytes());
        let sent = [
            head("GET", "/v1/sync").into_bytes(),
            frame(0x81, hello.as_bytes()),
            frame(0x01, &time[..5]),
            frame(0x89, b"in between"),
            frame(0x00, b""),
            frame(0x80, &time[5..]),
        ]
        .concat();
        for step in [sent.len(), 400, 7] {
            let mut connection = Connection::open(&server).await;
            for some in sent.chunks(step) {
                connection.send(some).await;
            }
            assert!(connection.head().await.starts_with("HTTP/1.1 101"), "{step}");
            let (mut is_welcome, mut is_told, mut is_ponged) = (false, false, false);
            while !(is_welcome && is_told && is_ponged) {
                let (kind, payload) = connection.next().await.expect("the socket is open");
                let text = std::str::from_utf8(&payload).expect("text");
                match kind {
                    OpCode::Text => {
                        let message = ServerMessage::decode(text).expect("a message");
                        is_welcome |= matches!(message, ServerMessage::Welcome(_));
                        is_told |= matches!(message, ServerMessage::Time { client_us: 7, .. });
                    }
                    OpCode::Pong => {
                        assert_eq!(text, "in between");
                        is_ponged = true;
                    }
                    _ => {}
                }
            }
            connection.send(&frame(0x88, &[0x03, 0xe8])).await;
            assert_eq!(connection.close_code().await, Some(1000), "its close frame is answered: {step}");
        }
    });
}

#[test]
fn a_request_for_a_websocket_elsewhere_is_answered_as_any_other() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        let cases = [
            ("GET", "/v1/nothing", "404"),
            ("GET", "/v1/tracks", "401"),
            ("GET", "/readyz", "200"),
            ("POST", "/v1/sync", "405"),
        ];
        for (method, path, status) in cases {
            let mut connection = Connection::open(&server).await;
            connection.send(head(method, path).as_bytes()).await;
            let head = connection.head().await.to_lowercase();
            assert!(head.starts_with(&format!("http/1.1 {status}")), "{method} {path}: {head}");
            assert!(head.contains("x-request-id: ") && head.contains("connection: close"), "{head}");
            let mut body = connection.1.to_vec();
            connection.0.read_to_end(&mut body).await.expect("the answer ends");
            assert!(!body.is_empty(), "{method} {path}");
        }
    });
}

#[test]
fn a_version_that_is_not_known_is_refused_with_the_one_that_is() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let server = Server::start(&database).await;
        for unfit in [
            head("GET", "/v1/sync").replace("Version: 13", "Version: 12"),
            head("GET", "/v1/sync").replace("/1.1", "/1.0"),
        ] {
            let mut connection = Connection::open(&server).await;
            connection.send(unfit.as_bytes()).await;
            let head = connection.head().await;
            assert!(head.starts_with("HTTP/1.1 400") || head.starts_with("HTTP/1.0 400"), "{head}");
            assert!(head.to_lowercase().contains("sec-websocket-version: 13\r\n"), "{head}");
        }
    });
}
