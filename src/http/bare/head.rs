//! Which requests are answered on the bare connection, told by their head alone.

use crate::{
    auth::LinkClaims,
    media::{
        precondition::{ConditionalFields, Method},
        version::is_version,
    },
};

/// The most bytes of a head that is looked at.
pub(super) const HEAD_BYTES: usize = 8 * 1024;
/// The most fields of such a head.
const FIELDS: usize = 48;

/// What the bytes that wait on a connection are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The head of a request for media by a signed link.
    Media(Box<MediaRequest>),
    /// The begin of a head that may become one.
    Begun,
    /// Something else.
    Other,
}

/// A request for the bytes of a version by a signed link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MediaRequest {
    /// The length of its head in bytes.
    pub(super) head: usize,
    pub(super) method: Method,
    pub(super) version: String,
    pub(super) ending: String,
    pub(super) claims: LinkClaims,
    pub(super) signature: String,
    /// Whether the client wants the connection closed after the answer.
    pub(super) closes: bool,
    conditions: Vec<(Condition, Vec<u8>)>,
}

/// The fields of [`ConditionalFields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    IfMatch,
    IfUnmodifiedSince,
    IfNoneMatch,
    IfModifiedSince,
    IfRange,
    Range,
}

impl MediaRequest {
    /// The values of its conditional fields.
    pub(super) fn fields(&self) -> ConditionalFields<'_> {
        let lines = |wanted| {
            let of = self.conditions.iter().filter(move |(condition, _)| *condition == wanted);
            of.map(|(_, value)| value.as_slice()).collect()
        };
        ConditionalFields {
            if_match: lines(Condition::IfMatch),
            if_unmodified_since: lines(Condition::IfUnmodifiedSince),
            if_none_match: lines(Condition::IfNoneMatch),
            if_modified_since: lines(Condition::IfModifiedSince),
            if_range: lines(Condition::IfRange),
            range: lines(Condition::Range),
        }
    }
}

/// What `bytes`, which wait on a connection, are. They are left for HTTP where there is the least doubt: it answers every
/// request, and this only the plainest ones.
pub(super) fn look_at(bytes: &[u8]) -> Waiting {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(byte, expected)| byte == expected);
    if !begins(b"GET /media/") && !begins(b"HEAD /media/") {
        return Waiting::Other;
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => {
            media_request(&request, head).map_or(Waiting::Other, |request| Waiting::Media(Box::new(request)))
        }
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES => Waiting::Begun,
        Ok(httparse::Status::Partial) | Err(_) => Waiting::Other,
    }
}

fn media_request(request: &httparse::Request<'_, '_>, head: usize) -> Option<MediaRequest> {
    if request.version != Some(1) {
        return None;
    }
    let method = match request.method? {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => return None,
    };
    let (path, query) = request.path?.strip_prefix("/media/")?.split_once('?')?;
    let (version, ending) = path.split_once('.')?;
    if !is_version(version) || !ending.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (claims, signature) = link(query)?;
    let (mut conditions, mut hosts, mut closes) = (Vec::new(), 0, false);
    for field in &*request.headers {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        let known = [
            ("if-match", Condition::IfMatch),
            ("if-unmodified-since", Condition::IfUnmodifiedSince),
            ("if-none-match", Condition::IfNoneMatch),
            ("if-modified-since", Condition::IfModifiedSince),
            ("if-range", Condition::IfRange),
            ("range", Condition::Range),
        ];
        if let Some((_, condition)) = known.into_iter().find(|(name, _)| is(name)) {
            conditions.push((condition, field.value.to_vec()));
        } else if is("host") {
            hosts += 1;
        } else if is("connection") {
            match field.value.trim_ascii() {
                value if value.eq_ignore_ascii_case(b"close") => closes = true,
                value if value.eq_ignore_ascii_case(b"keep-alive") => {}
                _ => return None,
            }
        } else if UNUSUAL.iter().any(|name| is(name)) {
            return None;
        }
    }
    let (version, ending) = (version.to_owned(), ending.to_owned());
    (hosts == 1).then_some(MediaRequest { head, method, version, ending, claims, signature, closes, conditions })
}

/// Fields that change how a request is read, or what its answer has. A request with one of them is left for HTTP.
const UNUSUAL: &[&str] = &[
    "authorization",
    "content-length",
    "expect",
    "http2-settings",
    "origin",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// The claims and the signature in the query of a link: each once, and nothing else.
fn link(query: &str) -> Option<(LinkClaims, String)> {
    let (mut login, mut expires_s, mut signature) = (None, None, None);
    for part in query.split('&') {
        let (name, value) = part.split_once('=')?;
        let is_new = match name {
            "login" => login.replace(value.parse().ok()?).is_none(),
            "expires" => expires_s.replace(value.parse().ok()?).is_none(),
            "signature" if !value.contains(['%', '+']) => signature.replace(value.to_owned()).is_none(),
            _ => false,
        };
        if !is_new {
            return None;
        }
    }
    Some((LinkClaims { login: login?, expires_s: expires_s? }, signature?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "0123456789abcdef0123456789abcdef";

    fn text(line: &str, fields: &str) -> String {
        format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
    }

    fn target() -> String {
        let login = format!("{:016x}", 7);
        format!("/media/{VERSION}.flac?login={login}&expires=1700000000&signature=abc-_1")
    }

    #[test]
    fn a_plain_request_is_read_whole_and_its_begins_are_waited_for() {
        let head = text(&format!("GET {}", target()), "Range: bytes=1-2\r\nConnection: Close\r\nif-range: \"x\"\r\n");
        let Waiting::Media(request) = look_at(head.as_bytes()) else { panic!("{head}") };
        assert_eq!((request.head, request.method, request.closes), (head.len(), Method::Get, true));
        assert_eq!((request.version.as_str(), request.ending.as_str()), (VERSION, "flac"));
        assert_eq!((request.claims.expires_s, request.signature.as_str()), (1_700_000_000, "abc-_1"));
        let fields = request.fields();
        assert_eq!((fields.range, fields.if_range), (vec![b"bytes=1-2".as_slice()], vec![b"\"x\"".as_slice()]));
        for end in 0..head.len() {
            assert_eq!(look_at(&head.as_bytes()[..end]), Waiting::Begun, "{end}");
        }
        let next = format!("{head}GET / HTTP/1.1\r\n");
        assert!(matches!(look_at(next.as_bytes()), Waiting::Media(request) if request.head == head.len()));
        let head = text(&format!("HEAD {}", target()), "Connection: keep-alive\r\n");
        assert!(matches!(look_at(head.as_bytes()), Waiting::Media(request) if request.method == Method::Head));
    }

    #[test]
    fn whatever_is_not_plain_is_left_for_http() {
        let target = target();
        for field in UNUSUAL.iter().chain(&["Connection: upgrade", "host: again"]) {
            let field = if field.contains(':') { (*field).to_owned() } else { format!("{field}: 1") };
            let head = text(&format!("GET {target}"), &format!("{field}\r\n"));
            assert_eq!(look_at(head.as_bytes()), Waiting::Other, "{field}");
        }
        let token = format!("/media/{VERSION}.flac");
        for line in [
            format!("POST {target}"),
            format!("GET http://localhost{target}"),
            format!("GET {token}"),
            format!("GET {token}?login=1&expires=2"),
            format!("GET {target}&expires=1"),
            format!("GET {target}&more=1"),
            format!("GET {target}%41"),
            "GET /media/..%2f.flac?a=b".to_owned(),
            "GET /v1/me".to_owned(),
            "PRI * HTTP/2.0".to_owned(),
        ] {
            assert_eq!(look_at(text(&line, "").as_bytes()), Waiting::Other, "{line}");
        }
        assert_eq!(look_at(format!("GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()), Waiting::Other);
        assert_eq!(look_at(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()), Waiting::Other);
        assert_eq!(look_at(b"\x16\x03\x01"), Waiting::Other);
        let long = text(&format!("GET {target}"), &format!("a: {}\r\n", "a".repeat(HEAD_BYTES)));
        assert_eq!(look_at(&long.as_bytes()[..HEAD_BYTES]), Waiting::Other);
        let many = text(&format!("GET {target}"), &"a: b\r\n".repeat(FIELDS));
        assert_eq!(look_at(many.as_bytes()), Waiting::Other);
    }
}
