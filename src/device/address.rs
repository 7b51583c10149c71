//! Where the server is.

use super::Trouble;
use awc::http::Uri;
use std::{fmt, str::FromStr};

/// A server's base address, `http://HOST[:PORT][/PATH]` without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(String);

impl FromStr for ServerAddress {
    type Err = Trouble;

    fn from_str(text: &str) -> Result<Self, Trouble> {
        let wanted = "give the server as http://HOST:PORT";
        let uri: Uri = text.trim().parse().map_err(|_| Trouble::new(format!("{text:?} is no address: {wanted}")))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(_)) if uri.query().is_none() => {
                let path = uri.path().trim_end_matches('/');
                let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
                Ok(Self(format!("http://{authority}{path}")))
            }
            (Some("https"), Some(_)) => Err(Trouble::new(format!(
                "{text}: this build speaks http only, not https; give the server's http address on a network you \
                 trust, or forward a local port to it (ssh -L 4747:localhost:4747 HOST) and give http://localhost:4747"
            ))),
            _ => Err(Trouble::new(format!("{text:?} is no address of a server: {wanted}"))),
        }
    }
}

impl ServerAddress {
    /// The address of a path there; `path` begins with a slash.
    pub(super) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// `HOST:PORT`.
    pub(super) fn host_and_port(&self) -> Option<String> {
        let uri: Uri = self.0.parse().ok()?;
        Some(format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(80)))
    }

    /// The address of the WebSocket.
    pub(super) fn sync(&self) -> String {
        format!("ws{}/v1/sync", self.0.strip_prefix("http").unwrap_or_default())
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_is_spoken_and_the_others_are_told_what_to_do() {
        let read = |text: &str| text.parse::<ServerAddress>();
        for (text, sync) in [
            ("http://localhost:4747", "ws://localhost:4747/v1/sync"),
            ("http://music.example/segue/", "ws://music.example/segue/v1/sync"),
            ("http://[::1]:80/", "ws://[::1]:80/v1/sync"),
        ] {
            let address = read(text).expect(text);
            assert_eq!(address.sync(), sync);
            let port = if sync.contains(":4747") { "4747" } else { "80" };
            assert!(address.host_and_port().is_some_and(|place| place.ends_with(&format!(":{port}"))));
            assert_eq!(address.of("/v1/me"), sync.replace("ws:", "http:").replace("/sync", "/me"));
        }
        for bad in ["", "localhost", "localhost:4747", "ftp://a", "http://", "http://a?b=c", "http://a b"] {
            let told = read(bad).expect_err(bad).to_string();
            assert!(told.contains("give the server as http://HOST:PORT"), "{told}");
        }
        assert!(read("https://a").expect_err("no TLS here").to_string().contains("speaks http only"));
    }
}
