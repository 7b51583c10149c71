//! An answer of the server.

use awc::http::{StatusCode, header::HeaderMap};
use serde_json::Value;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The value of a header field; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of text"))
    }

    /// Checks the status and the error's code.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str) {
        let json = self.json();
        let found = (self.status.as_u16(), json["error"]["status"].as_u64(), json["error"]["code"].as_str());
        assert_eq!(found, (status, Some(status.into()), Some(code)), "{json}");
        assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{json}");
    }
}
