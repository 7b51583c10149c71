//! What strangers send that is no request: it is answered or cut, and is no error in the log.

use crate::harness::{Dialect, Log, Server, TestDatabase, run, segue};
use crate::sync::socket::Socket;
use awc::ws;
use futures_util::SinkExt as _;
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

/// Sends bytes and reads until the server closes the connection.
fn send(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    // The server may close before it has everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn junk_is_no_error() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut command = segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "debug"]);
        let log = Log::of(&mut command, &database);
        let server = Server::run(command).await;
        let address = server.base.trim_start_matches("http://");
        let endless = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'x'; 1 << 20]].concat();
        for junk in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03junk"[..],
            b"GET / HTTP/9.9\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\njunk",
            b"nonsense\r\n\r\n",
            b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
            b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n",
            b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{",
            b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            b"",
            &endless,
        ] {
            send(address, junk);
        }
        let mut socket = Socket::open(&server, None).await.expect("the server upgrades");
        socket.0.send(ws::Message::Text("nonsense".into())).await.expect("the socket is open");
        socket.end().await;
        let mut raw = TcpStream::connect(address).expect("a connection");
        let upgrade = "GET /v1/sync HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        raw.write_all(upgrade.as_bytes()).expect("sent");
        // An opcode that does not exist, unmasked, and a fragment without a beginning.
        raw.write_all(b"\x8f\x00\x80\x01x").expect("sent");
        let _ = raw.read_to_end(&mut Vec::new());

        assert_eq!(server.get("/readyz").await.status, 200);
        let text = log.text();
        assert!(text.contains(" DEBUG actix_http::h1::"), "the junk reached nobody: {text}");
        let errors: Vec<_> = text.lines().filter(|line| line.contains(" ERROR ") || line.contains("panic")).collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    });
}
