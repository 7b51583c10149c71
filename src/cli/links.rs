//! The addresses at which a browser reaches this server.

use crate::config::{ListenAddress, Settings};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// Stands for the address of the proxy before a Unix socket while `public_url` does not name it.
const OF_PROXY: &str = "http://ADDRESS-OF-YOUR-PROXY";

/// The base addresses of a server that listens on `bound`, without a slash at the end: the public address where one is
/// set; otherwise, when every address of this machine is listened on, those that other machines can use, and then the one
/// for this machine itself. Of a Unix socket it is a text in place of the address, which only the proxy knows.
pub(super) fn bases(settings: &Settings, bound: &ListenAddress) -> Vec<String> {
    let own = settings.base_url(bound).unwrap_or_else(|| OF_PROXY.to_owned());
    let outside = match bound {
        ListenAddress::Address(address) if settings.public_url.as_str().is_none() => outside_addresses(*address),
        _ => Vec::new(),
    };
    let scheme = settings.scheme();
    outside.into_iter().map(|address| format!("{scheme}://{address}")).chain([own]).collect()
}

/// The addresses of this machine that other machines can use, when all of its addresses are listened on.
fn outside_addresses(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return Vec::new();
    }
    // Connecting a UDP socket sends nothing; it asks the system which address of this machine leads there: to the internet
    // (TEST-NET-1 of RFC 5737), to the private networks of RFC 1918, and with IPv6 to the documentation prefix of RFC 3849.
    let v4 = [[192, 0, 2, 1], [10, 255, 255, 254], [172, 31, 255, 254], [192, 168, 255, 254]].map(Ipv4Addr::from);
    let mut far: Vec<IpAddr> = v4.map(IpAddr::from).to_vec();
    if bound.is_ipv6() {
        far.push(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    }
    let mut found = Vec::new();
    for far in far {
        let any: IpAddr = if far.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { bound.ip() };
        let ours =
            UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((far, 9)).and_then(|()| socket.local_addr()));
        if let Ok(ours) = ours {
            let address = SocketAddr::new(ours.ip(), bound.port());
            if !ours.ip().is_loopback() && !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;
    use std::collections::BTreeMap;

    #[test]
    fn a_loopback_address_is_for_this_machine_alone() {
        assert_eq!(outside_addresses("127.0.0.1:1".parse().unwrap()), []);
        let found = outside_addresses("0.0.0.0:7".parse().unwrap());
        assert!(found.iter().all(|found| found.port() == 7 && !found.ip().is_loopback()), "{found:?}");
    }

    fn read(text: &str) -> ListenAddress {
        ListenAddress::read(text).unwrap().0
    }

    #[test]
    fn a_public_address_is_the_only_one() {
        let flags = BTreeMap::from([("public_url", vec!["https://music.example".to_owned()])]);
        let settings = Settings::merge(&Sources { flags, ..Sources::default() }).unwrap();
        assert_eq!(bases(&settings, &read("0.0.0.0:7")), ["https://music.example"]);
        let settings = Settings::merge(&Sources::default()).unwrap();
        assert_eq!(bases(&settings, &read("127.0.0.1:7")), ["http://127.0.0.1:7"]);
        assert_eq!(bases(&settings, &read("0.0.0.0:7")).pop().unwrap(), "http://127.0.0.1:7");
        assert_eq!(bases(&settings, &read("localhost:7")), ["http://localhost:7"]);
        assert_eq!(bases(&settings, &read("unix:/run/segue.sock")), [OF_PROXY]);
    }
}
