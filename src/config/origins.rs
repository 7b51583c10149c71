//! A list of origins: pages of these may use the server from browsers.

use super::{
    source::Shape,
    value::{Value, quote},
};
use std::fmt;

/// Origins in one text with commas, as browsers write them (RFC 6454, section 6.2): `https://app.example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether an origin is one of them.
    #[must_use]
    pub fn contain(&self, origin: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(origin))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// An origin: scheme, host and, where it is not the scheme's own, port.
fn read(text: &str) -> Result<String, String> {
    let rest = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")).map(|(_, rest)| rest);
    let is_host = |rest: &str| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ', '*', '"']);
    match rest {
        Some(rest) if is_host(rest) => Ok(text.to_ascii_lowercase()),
        _ => Err(format!("is origins such as https://app.example.org, http://localhost:3000; {text:?} is none")),
    }
}

impl Value for Origins {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "ORIGINS";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
        parts.map(read).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> String {
        quote(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send_and_nothing_wider() {
        let origins = Origins::parse(&["https://App.example.org, http://localhost:3000".to_owned()]).expect("good");
        assert_eq!(origins.show(), "\"https://app.example.org, http://localhost:3000\"");
        assert!(origins.contain("https://app.example.org") && origins.contain("http://localhost:3000"));
        for other in ["http://app.example.org", "https://app.example.org:8443", "https://evil.org", "null", ""] {
            assert!(!origins.contain(other), "{other}");
        }
        for bad in
            ["*", "app.example.org", "https://", "https://a/b", "https://*.org", "ftp://a", "https://u@a", "null"]
        {
            assert!(Origins::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(Origins::parse(&[String::new()]).expect("none").is_empty());
    }
}
