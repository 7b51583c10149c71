//! Clients that stop reading are disconnected, and can continue with a range request.

use super::fixture::{Track, noise, raw, receive_raw, send_raw};
use crate::harness::{Dialect, Server, TestDatabase, run, until};
use std::{
    fs,
    io::{ErrorKind, Read as _},
    net::TcpStream,
    path::Path,
};

/// A length in bytes that the kernel's buffers of both sides cannot hold.
const LONG: usize = 48 << 20;
const SIP: usize = 16 * 1024;

/// How many open file descriptors the server has for this file.
fn times_open(server: &Server, path: &Path) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    // A descriptor may be closed between listing and reading it.
    files.flatten().filter(|file| fs::read_link(file.path()).is_ok_and(|target| target == path)).count()
}

/// Reads the head of an answer.
fn head(client: &mut TcpStream) {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&head));
}

/// Reads the rest of the answer, up to its end or to the end of the connection.
fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut all = vec![];
    if let Err(error) = client.read_to_end(&mut all) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    all
}

#[test]
fn a_client_that_stops_reading_is_disconnected_and_continues_by_range() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(LONG);
        let track = Track::add(&database, "a.flac", &bytes);
        let server = Server::start_with(&database, &["--send-timeout-s", "3"]).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let ask = || send_raw(&server, "GET", &track.stream(), &["Range: bytes=0-", "Connection: close", &token]);
        let (mut stalled, mut slow) = (ask(), ask());
        head(&mut stalled);
        head(&mut slow);
        assert_eq!(times_open(&server, &track.path), 2);

        // One client reads nothing, the other a little in each evaluation of the condition.
        let mut slowly = vec![];
        until("the stalled stream ends", async || {
            let mut sip = vec![0; SIP.min(LONG - slowly.len())];
            slow.read_exact(&mut sip).unwrap();
            slowly.extend(sip);
            times_open(&server, &track.path) == 1
        })
        .await;
        assert!(slowly.len() < LONG, "the other one is still at it");
        slowly.extend(rest(&mut slow));
        assert!(slowly == bytes, "who reads slowly gets all");

        // As a player does after a long pause.
        let before = rest(&mut stalled);
        assert!(before.len() < LONG && bytes.starts_with(&before), "{} bytes", before.len());
        let range = format!("Range: bytes={}-", before.len());
        let after = raw(&server, "GET", &track.stream(), &[&range, &token]);
        assert!(after.status == 206 && [before, after.body].concat() == bytes);
        let all = receive_raw(ask());
        assert!(all.body == bytes);
    });
}
