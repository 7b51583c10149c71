//! Where a request really comes from when a proxy stands before the server.

use crate::config::Networks;
use actix_web::HttpRequest;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The field that proxies append the address to from which a request came to them. Of RFC 7239's `Forwarded` nothing is
/// believed: a proxy that knows only one of the two passes the other on as the client wrote it.
const FIELD: &str = "x-forwarded-for";

/// The address a request comes from: the peer's, or where that is a trusted proxy's, the one it names; and so on.
pub(super) fn address(request: &HttpRequest, trusted: &Networks) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
    let lines = request.headers().get_all(FIELD).filter_map(|line| line.to_str().ok());
    nearest_stranger(peer, &lines.collect::<Vec<_>>(), trusted)
}

/// Each proxy appends; so the last name is the nearest, and what stands before the first stranger may be invented.
fn nearest_stranger(peer: IpAddr, lines: &[&str], trusted: &Networks) -> IpAddr {
    let mut names = lines.iter().flat_map(|line| line.split(',')).map(str::trim).rev();
    let mut address = peer;
    while trusted.contain(address) {
        match names.next().and_then(read) {
            Some(before) => address = before,
            None => break,
        }
    }
    address
}

/// An address, as some write it with a port.
fn read(name: &str) -> Option<IpAddr> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| name.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_say_is_believed() {
        let trusted = "127.0.0.1, 10.0.0.0/8";
        let trusted = Networks::read(trusted).expect("networks");
        let found = |peer: &str, lines: &[&str]| {
            nearest_stranger(peer.parse().expect("an address"), lines, &trusted).to_string()
        };
        assert_eq!(found("192.0.2.9", &["192.0.2.1"]), "192.0.2.9", "a stranger may say anything");
        assert_eq!(found("127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(found("127.0.0.1", &["203.0.113.7, 192.0.2.1"]), "192.0.2.1", "the first was invented");
        assert_eq!(found("127.0.0.1", &["203.0.113.7", "192.0.2.1, 10.1.2.3"]), "192.0.2.1", "through two proxies");
        assert_eq!(found("::ffff:127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(found("127.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(found("127.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        for nothing in [&[][..], &[""], &["unknown"], &["192.0.2.1, unknown"]] {
            assert_eq!(found("127.0.0.1", nothing), "127.0.0.1", "{nothing:?}");
        }
        assert_eq!(found("10.0.0.1", &["10.0.0.2"]), "10.0.0.2", "one within");
    }
}
