//! How late the server's loop is: a small request on connections of its own, again and again.

use crate::drive::clock::now_us;
use crate::measure::snapshot::Snapshot;
use crate::measure::{Latency, Measures};
use crate::number::span_us;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Connections, which a server spreads over its threads.
const CONNECTIONS: usize = 4;
/// The time between two requests.
const EVERY: Duration = Duration::from_millis(25);
/// After this long a request counts as not answered.
const LONGEST: Duration = Duration::from_secs(10);

/// Asks until `is_over`, and hands out the times once a second, as part `part`.
pub fn run(address: SocketAddr, start_us: i64, part: usize, is_over: &Arc<AtomicBool>, mut tell: impl FnMut(Snapshot)) {
    let mut connections: Vec<Option<TcpStream>> = (0..CONNECTIONS).map(|_| None).collect();
    let (mut measures, mut second) = (Measures::default(), 0);
    let mut snapshot = |second: u64, measures: &mut Measures, is_last: bool| {
        let measures = std::mem::take(measures);
        tell(Snapshot { part, process: std::process::id(), second, measures, is_last, ..Snapshot::default() });
    };
    for number in (0..CONNECTIONS).cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let asked_us = now_us();
        if let Some(connection) = connections.get_mut(number) {
            match ask(connection, address) {
                Ok(()) => measures.time(Latency::Lag, span_us(asked_us, now_us())),
                Err(error) => {
                    *connection = None;
                    measures.error(&format!("probe: {}", error.kind()));
                }
            }
        }
        let now = span_us(start_us, now_us()) / 1_000_000;
        if now > second {
            snapshot(second, &mut measures, false);
            second = now;
        }
        std::thread::sleep(EVERY);
    }
    snapshot(second, &mut measures, true);
}

fn ask(connection: &mut Option<TcpStream>, address: SocketAddr) -> io::Result<()> {
    let stream = if let Some(stream) = connection {
        stream
    } else {
        let stream = TcpStream::connect_timeout(&address, LONGEST)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LONGEST))?;
        connection.insert(stream)
    };
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: loadtest\r\n\r\n")?;
    let mut buffer = [0; 4_096];
    // The answer is short and comes at once; the first bytes of it are what is waited for.
    if stream.read(&mut buffer)? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
