//! Where to listen: an address, with or without a port, `localhost`, or a Unix socket.

use super::{
    source::Shape,
    value::{Value, quote, single},
};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// The port where none is given.
pub const PORT: u16 = 4747;
/// The longest path of a Unix socket, in bytes (unix(7), of Linux 107, of others 103).
const PATH_BYTES: usize = 103;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// At one address, or with an unspecified one at all of this machine.
    Address(SocketAddr),
    /// At both addresses of the machine itself, `127.0.0.1` and `::1`, with this port.
    Localhost(u16),
    /// At a Unix socket, for programs of this machine such as a proxy.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Reads where to listen, and whether the text leaves the port out.
    ///
    /// # Errors
    /// What is wrong with the text and what to write; it completes the sentence "KEY …".
    pub fn read(text: &str) -> Result<(Self, bool), String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return read_path(path).map(|path| (Self::Unix(path), false));
        }
        if let Some(rest) = text.strip_prefix("localhost") {
            return match rest.strip_prefix(':').map(read_port) {
                None if rest.is_empty() => Ok((Self::Localhost(PORT), true)),
                Some(Some(port)) => Ok((Self::Localhost(port), false)),
                _ => Err(wrong(text, "")),
            };
        }
        let (ip, port) = read_address(text)?;
        Ok((Self::Address(SocketAddr::new(ip, port.unwrap_or(PORT))), port.is_none()))
    }

    /// The same with this port; a Unix socket has none.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::Address(address) => Self::Address(SocketAddr::new(address.ip(), port)),
            Self::Localhost(_) => Self::Localhost(port),
            Self::Unix(path) => Self::Unix(path),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Localhost(port) => write!(f, "localhost:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

fn read_path(path: &str) -> Result<PathBuf, String> {
    if !Path::new(path).is_absolute() || path.ends_with('/') {
        return Err(format!("takes a whole path after unix:, such as unix:/run/segue/segue.sock, not {path:?}"));
    }
    if path.len() > PATH_BYTES {
        return Err(format!("names a path of {} bytes: that of a socket has at most {PATH_BYTES}", path.len()));
    }
    Ok(PathBuf::from(path))
}

fn read_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// Reads an address and, where it is given, a port.
fn read_address(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address.ip(), Some(address.port())));
    }
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(Ok(ip)) = in_brackets.map(str::parse::<Ipv6Addr>) {
        return Ok((ip.into(), None));
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        let split = text.rsplit_once(':').and_then(|(ip, end)| Some((ip.parse::<Ipv6Addr>().ok()?, read_port(end)?)));
        return match split {
            None => Ok((ip, None)),
            Some((ip, port)) => Err(format!("can be read in two ways: write [{ip}]:{port} or [{text}], not {text:?}")),
        };
    }
    let port = read_port(text.strip_prefix(':').unwrap_or(text));
    let of_port = port.map(|port| format!(": write 0.0.0.0:{port} to listen on every address of this machine"));
    let of_path = || text.starts_with(['/', '.', '~']).then(|| format!(": write unix:{text} for a Unix socket"));
    let is_name = || text.bytes().any(|byte| byte.is_ascii_alphabetic()) && !text.contains(['[', '/']);
    let of_name = || is_name().then(|| ": no name but localhost is looked up".to_owned());
    Err(wrong(text, &of_port.or_else(of_path).or_else(of_name).unwrap_or_default()))
}

fn wrong(text: &str, hint: &str) -> String {
    format!(
        "is an address and a port such as 127.0.0.1:{PORT}, [::]:{PORT} or localhost:{PORT}, or unix:PATH, not {text:?}{hint}"
    )
}

impl Value for ListenAddress {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "ADDRESS";

    fn parse(texts: &[String]) -> Result<Self, String> {
        Ok(Self::read(single(texts)?)?.0)
    }

    fn show(&self) -> String {
        quote(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_be_left_out() {
        for (text, address) in [
            ("0.0.0.0", "0.0.0.0:4747"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::]", "[::]:4747"),
            ("[::1]:80", "[::1]:80"),
            ("::", "[::]:4747"),
            ("::1", "[::1]:4747"),
            ("fe80::1", "[fe80::1]:4747"),
            ("localhost", "localhost:4747"),
            ("localhost:80", "localhost:80"),
            ("unix:/run/segue.sock", "unix:/run/segue.sock"),
        ] {
            assert_eq!(ListenAddress::parse(&[text.to_owned()]).map(|read| read.to_string()).as_deref(), Ok(address));
        }
        let left_out =
            |text| ListenAddress::read(text).map(|(listen, left_out)| (listen.with_port(9).to_string(), left_out));
        assert_eq!(left_out("localhost"), Ok(("localhost:9".to_owned(), true)));
        assert_eq!(left_out("[::1]:80"), Ok(("[::1]:9".to_owned(), false)));
        assert_eq!(left_out("::1"), Ok(("[::1]:9".to_owned(), true)));
        assert_eq!(left_out("unix:/a"), Ok(("unix:/a".to_owned(), false)));
    }

    #[test]
    fn an_error_says_what_to_write() {
        for (text, told) in [
            (":4747", ": write 0.0.0.0:4747 to listen on every address of this machine"),
            ("80", ": write 0.0.0.0:80 to listen on every address of this machine"),
            ("localhost:", "not \"localhost:\""),
            ("localhost:http", "not \"localhost:http\""),
            ("localhost:99999", "not \"localhost:99999\""),
            ("localhosts", "not \"localhosts\""),
            ("::1:4747", "write [::1]:4747 or [::1:4747]"),
            ("nowhere", ", or unix:PATH, not \"nowhere\": no name but localhost is looked up"),
            ("nas.lan:80", "not \"nas.lan:80\": no name but localhost is looked up"),
            ("", "is an address and a port such as 127.0.0.1:4747, [::]:4747 or localhost:4747"),
            ("0.0.0.0:99999", "not \"0.0.0.0:99999\""),
            (":99999", "not \":99999\""),
            ("[::", "not \"[::\""),
            ("/run/segue.sock", ": write unix:/run/segue.sock for a Unix socket"),
            ("unix:", "takes a whole path after unix:, such as unix:/run/segue/segue.sock, not \"\""),
            ("unix:segue.sock", "takes a whole path after unix:"),
            ("unix:/run/", "takes a whole path after unix:"),
            (&format!("unix:/{}", "a".repeat(103)), "names a path of 104 bytes: that of a socket has at most 103"),
        ] {
            let error = ListenAddress::read(text).expect_err(text);
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
