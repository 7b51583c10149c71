//! The address of a client, also where proxies stand between it and the server.

use super::{connection::OverUnixSocket, forwarded::Forwarded};
use crate::config::Networks;
use actix_web::HttpRequest;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Whether the peer of the connection is a trusted proxy: only then its header fields count. That of a Unix socket is one.
pub(super) fn is_proxy(request: &HttpRequest, trusted: &Networks) -> bool {
    request.conn_data::<OverUnixSocket>().is_some() || trusted.contain(peer(request))
}

/// The client's address: the peer's, or when the peer is a trusted proxy, the address that the proxy names; when that is
/// a trusted proxy as well, the address before it, and so on. An IPv4 address within IPv6 is returned as IPv4. `::` is a
/// program at the other end of a Unix socket that sends no forwarded address.
pub(super) fn address(request: &HttpRequest, trusted: &Networks) -> IpAddr {
    if !is_proxy(request, trusted) {
        return peer(request).to_canonical();
    }
    nearest_untrusted(peer(request), &Forwarded::read(request.headers()).clients, trusted)
}

fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip())
}

/// The last address of the list that is no trusted proxy, for a `peer` that is one. Each proxy appends, so the last entry
/// is the nearest one; entries before the first untrusted address may be made up by the client.
fn nearest_untrusted(peer: IpAddr, names: &[String], trusted: &Networks) -> IpAddr {
    let mut address = peer;
    for before in names.iter().rev().map_while(|name| read(name)) {
        address = before;
        if !trusted.contain(address) {
            break;
        }
    }
    address.to_canonical()
}

/// Reads an address; some proxies write a port behind it.
fn read(name: &str) -> Option<IpAddr> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| name.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn fields_of_a_stranger_do_not_count() {
        let trusted = Networks::read("127.0.0.1").expect("networks");
        let of = |peer: &str| {
            let peer: SocketAddr = peer.parse().expect("an address");
            let request = TestRequest::default().peer_addr(peer).insert_header(("x-forwarded-for", "192.0.2.1"));
            address(&request.to_http_request(), &trusted).to_string()
        };
        assert_eq!(of("192.0.2.9:1"), "192.0.2.9", "no trusted proxy sent it");
        assert_eq!(of("[::ffff:192.0.2.9]:1"), "192.0.2.9", "IPv4 within IPv6");
        assert_eq!(of("127.0.0.1:1"), "192.0.2.1");
    }

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        let trusted = "127.0.0.1, 10.0.0.0/8";
        let trusted = Networks::read(trusted).expect("networks");
        let found = |peer: &str, names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            nearest_untrusted(peer.parse().expect("an address"), &names, &trusted).to_string()
        };
        assert_eq!(found("::", &["203.0.113.7", "192.0.2.1"]), "192.0.2.1", "by a Unix socket");
        assert_eq!(found("127.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(found("127.0.0.1", &["203.0.113.7", "192.0.2.1"]), "192.0.2.1", "the first entry may be made up");
        assert_eq!(found("127.0.0.1", &["203.0.113.7", "192.0.2.1", "10.1.2.3"]), "192.0.2.1", "through two proxies");
        assert_eq!(found("::ffff:127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(found("127.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(found("127.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        for nothing in [&[][..], &[""], &["unknown"], &["192.0.2.1", "unknown"]] {
            assert_eq!(found("127.0.0.1", nothing), "127.0.0.1", "{nothing:?}");
        }
        assert_eq!(found("10.0.0.1", &["10.0.0.2"]), "10.0.0.2", "one within");
    }
}
