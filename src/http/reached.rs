//! The scheme and the name under which a request reached this server: the start of the links in its answer.
//!
//! A client may send any name. One that is not known to be the server's is used for nothing: links would lead, with their
//! signatures, to somebody else, and a page of any name that is made to lead here would count as a page of this server
//! ("DNS rebinding").

use super::{client, connection::LocalEnd, forwarded::Forwarded};
use crate::{
    app::App,
    config::{Origins, Settings},
};
use actix_web::{HttpRequest, http::header, web};
use std::{
    fs,
    net::{IpAddr, Ipv6Addr},
    sync::{LazyLock, Once},
};

/// Endings of names that nobody can register: they lead to a machine of the same network (RFC 6761, 6762 and 8375; of
/// `lan`, what home routers give out).
const LOCAL: &[&str] = &["localhost", "local", "lan", "internal", "home.arpa"];
/// The longest name with its port, in bytes.
const HOST_BYTES: usize = 260;

/// The name that the system has for this machine; empty where it cannot be read.
static MACHINE: LazyLock<String> = LazyLock::new(|| {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
});

/// Done once a request was logged whose name is not used: every further one would say the same.
static TOLD: Once = Once::new();

/// The start of links in the answer, without a slash at the end: `public_url`; without it the scheme and the name under
/// which the request reached the server, or the address where that is not known to be the server's name.
pub(super) fn base(request: &HttpRequest) -> String {
    let settings = settings(request);
    if let Some(public) = settings.and_then(|settings| settings.public_url.as_str()) {
        return public.to_owned();
    }
    // The server's own TLS counts; else the proxy may have spoken it.
    let forwarded = forwarded(request, settings);
    let by_proxy =
        forwarded.and_then(|forwarded| forwarded.scheme).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let scheme = if by_proxy { "https" } else { settings.map_or("http", Settings::scheme) };
    let host = name(request).unwrap_or_else(|| {
        let here = request.conn_data::<LocalEnd>().map(|end| end.0);
        // A Unix socket has no address.
        here.map_or_else(|| "localhost".to_owned(), |here| here.to_string())
    });
    format!("{scheme}://{host}")
}

/// The name, with its port, under which the request reached the server; `None` where it is not known to be the server's.
pub(super) fn name(request: &HttpRequest) -> Option<String> {
    let settings = settings(request);
    let forwarded = forwarded(request, settings);
    let is_by_proxy = forwarded.is_some();
    let host = forwarded.and_then(|forwarded| forwarded.host).or_else(|| host(request))?;
    let (name, _) = parts(&host)?;
    // With TLS a browser has checked the name by the certificate.
    let is_secure = settings.is_some_and(|settings| settings.tls_cert.is_some());
    if is_by_proxy || is_secure || is_own(name, &MACHINE, settings.map(|settings| &settings.allowed_origins)) {
        return Some(host);
    }
    TOLD.call_once(|| {
        log::warn!(
            "a request came for {name:?}, which is not known to be this server's name, so that links do not use it and \
             its pages may not open the socket: set public_url, or trusted_proxies where a proxy stands before the server"
        );
    });
    None
}

fn settings(request: &HttpRequest) -> Option<&Settings> {
    request.app_data::<web::Data<App>>().map(|app| &app.settings)
}

/// What a trusted proxy says; `None`: the request came from none.
fn forwarded(request: &HttpRequest, settings: Option<&Settings>) -> Option<Forwarded> {
    let is_proxy = settings.is_some_and(|settings| client::is_proxy(request, &settings.trusted_proxies));
    is_proxy.then(|| Forwarded::read(request.headers()))
}

/// The name that the request itself has: of its only `Host`, or of its target where it has none.
fn host(request: &HttpRequest) -> Option<String> {
    let mut lines = request.headers().get_all(header::HOST);
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok().map(str::to_owned),
        (None, _) => request.uri().authority().map(ToString::to_string),
        (Some(_), Some(_)) => None,
    }
}

/// Name or address, and port, of a text that is nothing else (RFC 3986, section 3.2.2).
fn parts(host: &str) -> Option<(&str, Option<u16>)> {
    let bracket = host.starts_with('[').then(|| host.find(']')).flatten();
    let (name, rest) = match bracket {
        Some(end) => host.split_at(end + 1),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if rest.is_empty() => None,
        _ => return None,
    };
    let is_v6 = || name.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let is_name = name.strip_suffix('.').unwrap_or(name).split('.').all(is_label);
    (host.len() <= HOST_BYTES && (is_name || is_v6().is_some())).then_some((name, port))
}

/// Whether a name is one of this server: an address, a name without a dot or of the local network, that of the machine, or
/// that of an allowed origin. No stranger can make one of these lead here.
fn is_own(name: &str, machine: &str, allowed: Option<&Origins>) -> bool {
    let bare = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_local = || {
        !bare.contains('.') || LOCAL.iter().any(|end| bare.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')))
    };
    let of_origin =
        |origin: &str| origin.split_once("://").and_then(|(_, host)| parts(host)).map(|(name, _)| name.to_owned());
    bare.starts_with('[')
        || bare.parse::<IpAddr>().is_ok()
        || is_local()
        || bare.eq_ignore_ascii_case(machine)
        || allowed.is_some_and(|allowed| allowed.iter().filter_map(of_origin).any(|host| host == bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for (text, name, port) in [
            ("localhost", "localhost", None),
            ("Music.example.org.:443", "Music.example.org.", Some(443)),
            ("192.0.2.1:4747", "192.0.2.1", Some(4747)),
            ("[::1]", "[::1]", None),
            ("[2001:db8::1]:80", "[2001:db8::1]", Some(80)),
        ] {
            assert_eq!(parts(text), Some((name, port)), "{text}");
        }
        let long = format!("{}a", "a.".repeat(HOST_BYTES));
        for bad in [
            "",
            ".",
            "a..b",
            "a b",
            "a/b",
            "a@b",
            "a?b",
            "a#b",
            "a\"b",
            "a:",
            "a:x",
            "a:+1",
            "a:65536",
            "a:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[x]",
            "a\\b",
            "é.example",
            "a,b",
            &long,
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_names_that_no_stranger_can_have_are_the_servers_own() {
        let origins = <Origins as std::default::Default>::default();
        let own = |name: &str| is_own(name, "nas.example.org", Some(&origins));
        for good in [
            "127.0.0.1",
            "203.0.113.9",
            "[::1]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST.",
            "segue.localhost",
            "nas",
            "nas.local",
            "nas.lan",
            "music.home.arpa",
            "a.b.internal",
            "NAS.example.org",
        ] {
            assert!(own(good), "{good}");
        }
        for bad in [
            "evil.test",
            "music.example.org",
            "nas.example.org.evil.test",
            "127.0.0.1.evil.test",
            "evil-local.com",
            "home.arpa.evil.test",
            "notlocal.example",
            "xlan.com",
        ] {
            assert!(!own(bad), "{bad}");
        }
    }
}
