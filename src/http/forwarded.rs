//! What the header fields of proxies say of a request: where it came from, and what it asked for.

use actix_web::http::header::HeaderMap;

/// The fields that proxies usually write, each with a comma before what it adds.
const FOR: &str = "x-forwarded-for";
const HOST: &str = "x-forwarded-host";
const PROTO: &str = "x-forwarded-proto";
/// The field that the standard has for all of it (RFC 7239).
const STANDARD: &str = "forwarded";

/// What the fields say; true only of a request that a trusted proxy passed on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Forwarded {
    /// The addresses from which the request came to each proxy, the nearest proxy's last.
    pub(super) clients: Vec<String>,
    /// The name and port that the nearest proxy was asked for.
    pub(super) host: Option<String>,
    /// The scheme with which the nearest proxy was asked.
    pub(super) scheme: Option<String>,
}

impl Forwarded {
    /// Reads the fields. `Forwarded` counts where there is no other: a proxy that writes one kind passes the other kind on
    /// as its client sent it.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        if [FOR, HOST, PROTO].iter().any(|name| headers.contains_key(*name)) {
            let last = |name| items(headers, name).pop();
            return Self { clients: items(headers, FOR), host: last(HOST), scheme: last(PROTO) };
        }
        let elements = items(headers, STANDARD);
        let last = |name| elements.last().and_then(|element| parameter(element, name));
        Self {
            clients: elements.iter().map(|element| parameter(element, "for").unwrap_or_default()).collect(),
            host: last("host"),
            scheme: last("proto"),
        }
    }
}

/// The items between the commas of all lines of a field. Bytes that are no text stay as replacement characters, so that no
/// item before them counts in their place.
fn items(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    lines.flat_map(|line| parts(&line, ',').into_iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The parts between separators that are not within a quoted string (RFC 9110, section 5.6.4).
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let ends = |sign: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match sign {
            '\\' => is_escaped = is_quoted && !was_escaped,
            '"' => is_quoted ^= !was_escaped,
            _ => return sign == separator && !is_quoted,
        }
        false
    };
    text.split(ends).map(str::trim).collect()
}

/// The value of a parameter such as `host=music.example.org` or `for="[2001:db8::1]"`.
fn parameter(element: &str, wanted: &str) -> Option<String> {
    let mut pairs = parts(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    let value = value.trim();
    let Some(quoted) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return Some(value.to_owned());
    };
    let mut is_escaped = false;
    Some(
        quoted
            .chars()
            .filter(|sign| {
                is_escaped = *sign == '\\' && !is_escaped;
                !is_escaped
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn read(lines: &[(&'static str, &[u8])]) -> Forwarded {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a value"));
        }
        Forwarded::read(&headers)
    }

    fn told(clients: &[&str], host: Option<&str>, scheme: Option<&str>) -> Forwarded {
        let clients = clients.iter().map(ToString::to_string).collect();
        Forwarded { clients, host: host.map(str::to_owned), scheme: scheme.map(str::to_owned) }
    }

    #[test]
    fn the_nearest_proxy_wrote_the_last_item() {
        assert_eq!(read(&[]), told(&[], None, None));
        let lines: &[(_, &[u8])] = &[
            (FOR, b"192.0.2.1, 192.0.2.2"),
            (FOR, b"192.0.2.3"),
            (HOST, b"evil.example, music.example"),
            (PROTO, b"https"),
        ];
        assert_eq!(read(lines), told(&["192.0.2.1", "192.0.2.2", "192.0.2.3"], Some("music.example"), Some("https")));
        let standard: &[u8] =
            b"for=192.0.2.1;host=evil.example, For=\"[2001:db8::1]:4711\";Host=\"music.example:8443\";proto=https";
        let of_standard = told(&["192.0.2.1", "[2001:db8::1]:4711"], Some("music.example:8443"), Some("https"));
        assert_eq!(read(&[(STANDARD, standard)]), of_standard);
        assert_eq!(read(&[(STANDARD, standard), (FOR, b"192.0.2.9")]), told(&["192.0.2.9"], None, None));
        assert_eq!(read(&[(STANDARD, b"for=192.0.2.1, proto=http")]), told(&["192.0.2.1", ""], None, Some("http")));
    }

    #[test]
    fn a_quoted_string_may_hold_what_separates() {
        let hidden: &[u8] = br#"for="a, b;host=evil.example \"";host="music\.example", for="c\\";proto=https;host="""#;
        let found = read(&[(STANDARD, hidden)]);
        assert_eq!(found, told(&["a, b;host=evil.example \"", "c\\"], Some(""), Some("https")));
        assert_eq!(
            read(&[(STANDARD, br#"for=a;host="music\.example";proto=http"#)]).host.as_deref(),
            Some("music.example")
        );
        assert_eq!(read(&[(STANDARD, br#"for="never closed, for=b"#)]).clients.len(), 1);
    }

    #[test]
    fn a_line_that_is_no_text_hides_none_before_it() {
        let clients = read(&[(FOR, b"192.0.2.1"), (FOR, b"\xff, 192.0.2.2"), (FOR, b"\xff")]).clients;
        assert_eq!(clients, ["192.0.2.1", "\u{fffd}", "192.0.2.2", "\u{fffd}"]);
    }
}
