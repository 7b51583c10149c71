//! The address to listen on, with or without a port.

use super::{
    source::Shape,
    value::{Value, quote, single},
};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The port where none is given.
pub const PORT: u16 = 4747;

/// Reads an address and, where it is given, a port.
///
/// # Errors
/// What is wrong with the text and what to write; it completes the sentence "KEY …".
pub fn read_address(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address.ip(), Some(address.port())));
    }
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(Ok(ip)) = in_brackets.map(str::parse::<Ipv6Addr>) {
        return Ok((ip.into(), None));
    }
    let port = |text: &str| text.parse::<u16>().ok().filter(|_| !text.starts_with('+'));
    if let Ok(ip) = text.parse::<IpAddr>() {
        let split = text.rsplit_once(':').and_then(|(ip, end)| Some((ip.parse::<Ipv6Addr>().ok()?, port(end)?)));
        return match split {
            None => Ok((ip, None)),
            Some((ip, port)) => Err(format!("can be read in two ways: write [{ip}]:{port} or [{text}], not {text:?}")),
        };
    }
    let hint = match (port(text.strip_prefix(':').unwrap_or(text)), text.strip_prefix("localhost")) {
        (Some(port), _) => format!(": write 0.0.0.0:{port} to listen on every address of this machine"),
        (None, Some(rest)) if rest.is_empty() || rest.starts_with(':') => format!(": write 127.0.0.1{rest}"),
        _ => String::new(),
    };
    Err(format!("is an address and a port such as 127.0.0.1:{PORT} or [::]:{PORT}, not {text:?}{hint}"))
}

impl Value for SocketAddr {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "ADDRESS";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let (ip, port) = read_address(single(texts)?)?;
        Ok(Self::new(ip, port.unwrap_or(PORT)))
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
        ] {
            assert_eq!(SocketAddr::parse(&[text.to_owned()]).map(|read| read.to_string()).as_deref(), Ok(address));
        }
    }

    #[test]
    fn an_error_says_what_to_write() {
        for (text, told) in [
            (":4747", ": write 0.0.0.0:4747 to listen on every address of this machine"),
            ("80", ": write 0.0.0.0:80 to listen on every address of this machine"),
            ("localhost:8080", ": write 127.0.0.1:8080"),
            ("localhost", ": write 127.0.0.1"),
            ("::1:4747", "write [::1]:4747 or [::1:4747]"),
            ("nowhere", "is an address and a port such as 127.0.0.1:4747 or [::]:4747, not \"nowhere\""),
            ("", "is an address and a port"),
            ("0.0.0.0:99999", "not \"0.0.0.0:99999\""),
            (":99999", "not \":99999\""),
            ("[::", "not \"[::\""),
        ] {
            let error = read_address(text).expect_err(text);
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
