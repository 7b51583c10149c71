//! The memory cost of slow clients.

use super::fixture::{Track, noise, send_raw};
use crate::harness::{Dialect, Server, TestDatabase, run};
use std::{fs, io::Read as _, net::TcpStream};

/// A length in bytes that the kernel's buffers of both sides cannot hold, so that every stream has to wait for its
/// client.
const LONG: usize = 24 << 20;
/// So many that what else the server allocates meanwhile does not count.
const CLIENTS: usize = 16 * BATCH;
/// How many streams are started at once.
const BATCH: usize = 32;
/// How many bytes each client reads at a time: more than a chunk, so that the server sends to all of them.
const SIP: usize = 48 * 1024;

/// The server's anonymous memory, which includes its heap, in KiB.
fn memory_kib(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Starts that many batches of streams, one after the other.
fn open(server: &Server, path: &str, token: &str, batches: usize) -> Vec<TcpStream> {
    (0..batches).flat_map(|_| open_batch(server, path, token)).collect()
}

/// Starts [`BATCH`] streams and reads the head of each answer. More at once could be refused as busy on a loaded machine.
fn open_batch(server: &Server, path: &str, token: &str) -> Vec<TcpStream> {
    let mut clients: Vec<_> = (0..BATCH).map(|_| send_raw(server, "GET", path, &["Range: bytes=8-", token])).collect();
    for client in &mut clients {
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 206"), "{}", String::from_utf8_lossy(&head));
    }
    clients
}

/// Reads [`SIP`] bytes from each client and compares them.
fn sip(clients: &mut [TcpStream], bytes: &[u8], round: usize) {
    let mut found = vec![0; SIP];
    for client in clients {
        client.read_exact(&mut found).unwrap();
        assert!(found == bytes[8 + round * SIP..][..SIP]);
    }
}

/// The figure includes the chunk in the connection's buffer, the connection's buffer for requests (8 KiB), and the
/// state of connection, request and stream; not the kernel's socket buffers. A first batch of streams is not counted:
/// it allocates what is shared (pools, threads, arenas).
#[test]
fn a_slow_client_costs_at_most_64_kib() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let bytes = noise(LONG);
        let track = Track::add(&database, "a.flac", &bytes);
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);

        let mut first = open_batch(&server, &track.stream(), &token);
        for round in 0..16 {
            sip(&mut first, &bytes, round);
        }
        let before = memory_kib(&server);
        let mut clients = open(&server, &track.stream(), &token, CLIENTS / BATCH);
        let mut most = memory_kib(&server);
        for round in 0..50 {
            sip(&mut clients, &bytes, round);
            most = most.max(memory_kib(&server));
        }
        let each = most.saturating_sub(before) / CLIENTS;
        println!("{each} KiB for each of {CLIENTS} slow clients");
        assert!(each <= 64, "{each} KiB for each of {CLIENTS} slow clients");
        assert_eq!(login.get("/v1/me").await.status, 200, "the server has time for others");
    });
}
