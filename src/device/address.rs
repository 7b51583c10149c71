//! The address of the server.

use super::Trouble;
use awc::http::Uri;
use std::{fmt, str::FromStr};

/// A server's base address, `http://HOST[:PORT][/PATH]` or the same with `https`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(String);

impl FromStr for ServerAddress {
    type Err = Trouble;

    fn from_str(text: &str) -> Result<Self, Trouble> {
        let wanted = "give the server as http://HOST:PORT or https://HOST:PORT";
        let uri: Uri = text.trim().parse().map_err(|_| Trouble::new(format!("{text:?} is no address: {wanted}")))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("http" | "https")), Some(authority)) if uri.query().is_none() => {
                Ok(Self(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'))))
            }
            _ => Err(Trouble::new(format!("{text:?} is no address of a server: {wanted}"))),
        }
    }
}

impl ServerAddress {
    /// The address of a path on the server; `path` begins with a slash.
    pub(super) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether the server speaks TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// `HOST:PORT`.
    pub(super) fn host_and_port(&self) -> Option<String> {
        let uri: Uri = self.0.parse().ok()?;
        let usual = if self.is_secure() { 443 } else { 80 };
        Some(format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(usual)))
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
    fn http_and_https_are_spoken_and_the_others_are_told_what_to_do() {
        let read = |text: &str| text.parse::<ServerAddress>();
        for (text, sync, place) in [
            ("http://localhost:4747", "ws://localhost:4747/v1/sync", "localhost:4747"),
            ("http://music.example/segue/", "ws://music.example/segue/v1/sync", "music.example:80"),
            ("http://[::1]:80/", "ws://[::1]:80/v1/sync", "[::1]:80"),
            ("https://music.example", "wss://music.example/v1/sync", "music.example:443"),
            ("https://music.example:4747/segue", "wss://music.example:4747/segue/v1/sync", "music.example:4747"),
        ] {
            let address = read(text).expect(text);
            assert_eq!(address.sync(), sync);
            assert_eq!(address.host_and_port().as_deref(), Some(place));
            assert_eq!(address.of("/v1/me"), sync.replacen("ws", "http", 1).replace("/sync", "/me"));
        }
        for bad in ["", "localhost", "localhost:4747", "ftp://a", "http://", "http://a?b=c", "https://", "http://a b"] {
            let told = read(bad).expect_err(bad).to_string();
            assert!(told.contains("give the server as http://HOST:PORT or https://HOST:PORT"), "{told}");
        }
    }
}
