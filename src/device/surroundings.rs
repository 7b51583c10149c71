//! Changes of the machine that a device has to notice: it has slept, or it is on another network.

use super::ServerAddress;
use crate::time;
use segue_client::protocol::ids::Micros;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};
use tokio::net::lookup_host;

/// Time between two observations.
pub(super) const LOOK_EACH: Duration = Duration::from_secs(1);
/// If the wall clock advances this much more than the monotonic clock, the machine has slept. A wall clock that is corrected
/// forward looks the same.
const SLEPT_MS: i64 = 3_000;

/// A change that a device has to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The machine has slept, or there is a route to the server again.
    Woke,
    /// The local address towards the server has changed: sockets of the old address are dead, even if they show no error.
    Moved,
}

/// One observation.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// The local address from which the server would be reached; `None` without a route.
    from: Option<IpAddr>,
    /// The monotonic clock, which stands still while the machine sleeps, and the wall clock.
    steady: Micros,
    wall: Micros,
}

/// The observations so far.
#[derive(Debug, Default)]
struct Observations {
    last: Option<Look>,
    /// The local address of the last observation that had a route.
    from: Option<IpAddr>,
}

impl Observations {
    fn compare(&mut self, look: Look) -> Option<Change> {
        let last = self.last.replace(look);
        let from = look.from.and_then(|from| self.from.replace(from));
        let last = last?;
        let slept_ms = look.wall.since_ms(last.wall) - look.steady.since_ms(last.steady);
        if from.is_some() && from != look.from {
            return Some(Change::Moved);
        }
        let is_back = last.from.is_none() && look.from.is_some();
        (is_back || slept_ms >= SLEPT_MS).then_some(Change::Woke)
    }
}

/// Observes the machine when it is asked to.
#[derive(Debug)]
pub(super) struct Surroundings {
    server: Option<SocketAddr>,
    started: Instant,
    seen: Observations,
}

impl Surroundings {
    /// For a device of that server. If the server's name cannot be resolved now, only sleep is noticed.
    pub(super) async fn of(server: &ServerAddress) -> Self {
        let found = match server.host_and_port() {
            Some(place) => lookup_host(place).await.ok().and_then(|mut found| found.next()),
            None => None,
        };
        Self { server: found, started: Instant::now(), seen: Observations::default() }
    }

    /// What has changed since the last observation.
    pub(super) fn look(&mut self) -> Option<Change> {
        let from = self.server.and_then(way_to);
        let steady = Micros(i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX));
        self.seen.compare(Look { from, steady, wall: time::now() })
    }
}

/// The local address from which the system would reach `server`; nothing is sent.
fn way_to(server: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(server).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_and_other_networks_are_noticed_and_nothing_else() {
        let (home, mobile) = (IpAddr::from([10, 0, 0, 2]), IpAddr::from([10, 1, 0, 2]));
        let mut seen = Observations::default();
        let mut at = |from, steady_s: i64, wall_s: i64| {
            seen.compare(Look { from, steady: Micros(steady_s * 1_000_000), wall: Micros(wall_s * 1_000_000) })
        };
        assert_eq!(at(Some(home), 1, 1_001), None, "the first look says nothing");
        assert_eq!(at(Some(home), 2, 1_002), None);
        assert_eq!(at(Some(home), 3, 30_000), Some(Change::Woke), "it slept for hours");
        assert_eq!(at(Some(home), 4, 29_000), None, "the clock was set back");
        assert_eq!(at(None, 5, 29_001), None, "no network: nothing can be done");
        assert_eq!(at(None, 6, 29_002), None);
        assert_eq!(at(Some(home), 7, 29_003), Some(Change::Woke), "the same network again");
        assert_eq!(at(Some(mobile), 8, 29_004), Some(Change::Moved), "from one to another");
        assert_eq!(at(None, 9, 29_005), None);
        assert_eq!(at(Some(home), 10, 29_006), Some(Change::Moved), "and back, by way of none");
        assert_eq!(at(Some(home), 11, 29_007), None);
    }

    #[test]
    fn there_is_a_way_to_oneself() {
        let here = SocketAddr::from(([127, 0, 0, 1], 9));
        assert_eq!(way_to(here), Some(IpAddr::from([127, 0, 0, 1])));
    }
}
