//! Conditional requests: evaluates the fields in the order of RFC 9110, section 13.2.2.

use super::range::{ByteRange, Selection, select};
use std::time::{Duration, SystemTime};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// All bytes: 200.
    Whole,
    /// One range: 206.
    Part(ByteRange),
    /// Several ranges: 206 with `multipart/byteranges`.
    Parts(Vec<ByteRange>),
    /// The client has these bytes: 304.
    NotModified,
    /// The client's condition does not hold: 412.
    PreconditionFailed,
    /// No byte of the ranges exists: 416.
    Unsatisfiable,
}

/// The method of a request. Only these two are evaluated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The bytes are sent.
    Get,
    /// Only the header is sent, as for a `GET` of the whole object.
    Head,
}

/// The values of the conditional fields of a request; a field on several header lines has several values.
#[derive(Debug, Clone, Default)]
pub struct ConditionalFields<'a> {
    /// `If-Match`.
    pub if_match: Vec<&'a [u8]>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Vec<&'a [u8]>,
    /// `If-None-Match`.
    pub if_none_match: Vec<&'a [u8]>,
    /// `If-Modified-Since`.
    pub if_modified_since: Vec<&'a [u8]>,
    /// `If-Range`.
    pub if_range: Vec<&'a [u8]>,
    /// `Range`.
    pub range: Vec<&'a [u8]>,
}

/// The requested object.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// Its strong entity tag, quotes included.
    pub etag: &'a str,
    /// Its `Last-Modified` in seconds since 1970, not in the future.
    pub modified_s: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// Decides the answer to a request that would otherwise be answered 200, at `now_s` seconds since 1970.
#[must_use]
pub fn decide(method: Method, fields: &ConditionalFields, object: &Object, now_s: u64) -> Decision {
    if !fields.if_match.is_empty() {
        if !matches_any(&fields.if_match, object.etag, Comparison::Strong) {
            return Decision::PreconditionFailed;
        }
    } else if date(&fields.if_unmodified_since).is_some_and(|date_s| object.modified_s > date_s) {
        return Decision::PreconditionFailed;
    }
    if !fields.if_none_match.is_empty() {
        if matches_any(&fields.if_none_match, object.etag, Comparison::Weak) {
            return Decision::NotModified;
        }
    } else if date(&fields.if_modified_since).is_some_and(|date_s| object.modified_s <= date_s) {
        return Decision::NotModified;
    }
    // A repeated Range has no meaning: the field is not a list (14.2).
    let [range] = *fields.range else { return Decision::Whole };
    if method == Method::Head || !if_range_holds(&fields.if_range, object, now_s) {
        return Decision::Whole;
    }
    match select(range, object.length) {
        Selection::Whole => Decision::Whole,
        Selection::Part(part) => Decision::Part(part),
        Selection::Parts(parts) => Decision::Parts(parts),
        Selection::Unsatisfiable => Decision::Unsatisfiable,
    }
}

/// Whether `If-Range` (13.1.5) holds, so that the range is sent and not the whole. A date holds only when it equals
/// `Last-Modified` and that second has passed, because the file may still change within the same second (8.8.2.2).
fn if_range_holds(lines: &[&[u8]], object: &Object, now_s: u64) -> bool {
    match *lines {
        [] => true,
        [value] if value.ends_with(b"\"") => matches_any(&[value], object.etag, Comparison::Strong),
        _ => date(lines) == Some(object.modified_s) && object.modified_s < now_s,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags, or `*`, matches a strong tag. A line is ignored from its first malformed member on.
fn matches_any(lines: &[&[u8]], etag: &str, comparison: Comparison) -> bool {
    lines.iter().any(|line| {
        let mut rest = line.trim_ascii();
        if rest == b"*" {
            return true;
        }
        while let Some((is_weak, tag, after)) = next_tag(rest) {
            if tag == etag.as_bytes() && (comparison == Comparison::Weak || !is_weak) {
                return true;
            }
            rest = after;
        }
        false
    })
}

/// The first tag of a list: whether it is weak, the tag with its quotes, and the rest of the list.
fn next_tag(list: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let start = list.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
    let list = list.get(start..)?;
    let (is_weak, list) = list.strip_prefix(b"W/").map_or((false, list), |rest| (true, rest));
    let inside = list.strip_prefix(b"\"")?;
    let end = inside.iter().position(|&byte| byte == b'"')?;
    let allowed = |&byte: &u8| byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80;
    let (tag, after) = list.split_at_checked(end + 2)?;
    inside.get(..end)?.iter().all(allowed).then_some((is_weak, tag, after))
}

/// The date of a field in seconds since 1970, in any of the three formats of RFC 9110, 5.6.7; `None` for other values
/// and for several header lines. A date before 1970 is 0.
fn date(lines: &[&[u8]]) -> Option<u64> {
    let [value] = *lines else { return None };
    let time = httpdate::parse_http_date(str::from_utf8(value).ok()?.trim()).ok()?;
    Some(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ETAG: &str = "\"v1\"";
    /// The example date of RFC 9110, 5.6.7.
    const MODIFIED_S: u64 = 784_111_777;
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const OBJECT: Object = Object { etag: ETAG, modified_s: MODIFIED_S, length: 10 };

    fn fields(lines: &[(&str, &'static str)]) -> ConditionalFields<'static> {
        let of = |name: &str| {
            lines.iter().filter(|(line, _)| *line == name).map(|(_, value)| value.as_bytes()).collect::<Vec<_>>()
        };
        ConditionalFields {
            if_match: of("If-Match"),
            if_unmodified_since: of("If-Unmodified-Since"),
            if_none_match: of("If-None-Match"),
            if_modified_since: of("If-Modified-Since"),
            if_range: of("If-Range"),
            range: of("Range"),
        }
    }

    const PART: Decision = Decision::Part(ByteRange { first: 2, last: 3 });

    type Case<'a> = (&'a str, &'a [(&'a str, &'static str)], Decision);

    #[test]
    fn each_condition_is_decided_in_the_order_of_the_standard() {
        use Decision::{NotModified, PreconditionFailed, Unsatisfiable, Whole};
        let range = ("Range", "bytes=2-3");
        let cases: &[Case] = &[
            ("nothing", &[], Whole),
            ("range", &[range], PART),
            ("range twice", &[range, range], Whole),
            ("range beyond the end", &[("Range", "bytes=10-")], Unsatisfiable),
            ("two ranges", &[("Range", "bytes=2-3,5-5")], {
                Decision::Parts(vec![ByteRange { first: 2, last: 3 }, ByteRange { first: 5, last: 5 }])
            }),
            ("if-match same", &[("If-Match", ETAG)], Whole),
            ("if-match any", &[("If-Match", "*")], Whole),
            ("if-match other", &[("If-Match", "\"v2\"")], PreconditionFailed),
            ("if-match weak", &[("If-Match", "W/\"v1\"")], PreconditionFailed),
            ("if-match in a list", &[("If-Match", "\"a,b\", ,W/\"x\",\"v1\"")], Whole),
            ("if-match on two lines", &[("If-Match", "\"a\""), ("If-Match", ETAG)], Whole),
            ("if-match malformed", &[("If-Match", "v1")], PreconditionFailed),
            ("if-match unclosed", &[("If-Match", "\"v1")], PreconditionFailed),
            ("if-match empty", &[("If-Match", "")], PreconditionFailed),
            ("if-match hides if-unmodified-since", &[("If-Match", ETAG), ("If-Unmodified-Since", BEFORE)], Whole),
            ("if-match fails before if-none-match", &[("If-Match", "\"v2\""), ("If-None-Match", ETAG)], {
                PreconditionFailed
            }),
            ("if-match fails before a bad range", &[("If-Match", "\"v2\""), ("Range", "bytes=10-")], {
                PreconditionFailed
            }),
            ("if-match and range", &[("If-Match", ETAG), range], PART),
            ("unmodified since then", &[("If-Unmodified-Since", SAME)], Whole),
            ("unmodified since later", &[("If-Unmodified-Since", AFTER)], Whole),
            ("modified since", &[("If-Unmodified-Since", BEFORE)], PreconditionFailed),
            ("if-unmodified-since malformed", &[("If-Unmodified-Since", "yesterday")], Whole),
            ("if-unmodified-since twice", &[("If-Unmodified-Since", BEFORE), ("If-Unmodified-Since", BEFORE)], Whole),
            (
                "if-unmodified-since fails before if-none-match",
                { &[("If-Unmodified-Since", BEFORE), ("If-None-Match", ETAG)] },
                PreconditionFailed,
            ),
            ("if-none-match same", &[("If-None-Match", ETAG)], NotModified),
            ("if-none-match weak", &[("If-None-Match", "W/\"v1\"")], NotModified),
            ("if-none-match any", &[("If-None-Match", "*")], NotModified),
            ("if-none-match other", &[("If-None-Match", "\"v2\"")], Whole),
            ("if-none-match in a list", &[("If-None-Match", "\"a\" , \"v1\"")], NotModified),
            ("if-none-match on two lines", &[("If-None-Match", "\"a\""), ("If-None-Match", ETAG)], NotModified),
            ("if-none-match malformed", &[("If-None-Match", "v1")], Whole),
            (
                "if-none-match hides if-modified-since",
                &[("If-None-Match", "\"v2\""), ("If-Modified-Since", SAME)],
                Whole,
            ),
            ("if-none-match before a bad range", &[("If-None-Match", ETAG), ("Range", "bytes=10-")], NotModified),
            ("if-none-match other and range", &[("If-None-Match", "\"v2\""), range], PART),
            ("if-modified-since then", &[("If-Modified-Since", SAME)], NotModified),
            ("if-modified-since later", &[("If-Modified-Since", AFTER)], NotModified),
            ("if-modified-since before", &[("If-Modified-Since", BEFORE)], Whole),
            (
                "if-modified-since in the format of RFC 850",
                &[("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")],
                { NotModified },
            ),
            ("if-modified-since in the format of asctime", &[("If-Modified-Since", "Sun Nov  6 08:49:37 1994")], {
                NotModified
            }),
            ("if-modified-since malformed", &[("If-Modified-Since", "2094-01-01")], Whole),
            ("if-modified-since and range", &[("If-Modified-Since", SAME), range], NotModified),
            ("if-range same", &[("If-Range", ETAG), range], PART),
            ("if-range other", &[("If-Range", "\"v2\""), range], Whole),
            ("if-range weak", &[("If-Range", "W/\"v1\""), range], Whole),
            ("if-range date", &[("If-Range", SAME), range], PART),
            ("if-range date in the format of RFC 850", &[("If-Range", "Sunday, 06-Nov-94 08:49:37 GMT"), range], PART),
            ("if-range earlier date", &[("If-Range", BEFORE), range], Whole),
            ("if-range later date", &[("If-Range", AFTER), range], Whole),
            ("if-range malformed", &[("If-Range", "v1"), range], Whole),
            ("if-range twice", &[("If-Range", ETAG), ("If-Range", ETAG), range], Whole),
            ("if-range other and a bad range", &[("If-Range", "\"v2\""), ("Range", "bytes=10-")], Whole),
            ("if-range same and a bad range", &[("If-Range", ETAG), ("Range", "bytes=10-")], Unsatisfiable),
            ("if-range without range", &[("If-Range", ETAG)], Whole),
        ];
        for (name, lines, expected) in cases {
            let fields = fields(lines);
            assert_eq!(decide(Method::Get, &fields, &OBJECT, MODIFIED_S + 1), *expected, "{name}");
            let of_head = match expected {
                Decision::NotModified | Decision::PreconditionFailed => expected.clone(),
                _ => Whole,
            };
            assert_eq!(decide(Method::Head, &fields, &OBJECT, MODIFIED_S + 1), of_head, "HEAD, {name}");
        }
    }

    #[test]
    fn a_date_is_no_strong_validator_until_its_second_has_passed() {
        let fields = fields(&[("If-Range", SAME), ("Range", "bytes=2-3")]);
        assert_eq!(decide(Method::Get, &fields, &OBJECT, MODIFIED_S), Decision::Whole);
    }

    #[test]
    fn the_largest_lengths_do_not_overflow() {
        let object = Object { length: u64::MAX, ..OBJECT };
        let fields = fields(&[("Range", "bytes=0-")]);
        let Decision::Part(part) = decide(Method::Get, &fields, &object, 0) else { panic!("a part") };
        assert_eq!(part.length(), u64::MAX);
    }

    proptest! {
        #[test]
        fn no_header_causes_a_panic(lines: [Vec<Vec<u8>>; 6], length: u64, now_s: u64) {
            let [if_match, if_unmodified_since, if_none_match, if_modified_since, if_range, range] =
                lines.each_ref().map(|lines| lines.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let fields =
                ConditionalFields { if_match, if_unmodified_since, if_none_match, if_modified_since, if_range, range };
            let object = Object { length, ..OBJECT };
            for method in [Method::Get, Method::Head] {
                let _ = decide(method, &fields, &object, now_s);
            }
        }

        #[test]
        fn no_tag_list_causes_a_panic(list in "[W/\"*, a-c\u{e9}]{0,30}") {
            let _ = matches_any(&[list.as_bytes()], "\"a\"", Comparison::Strong);
            prop_assert!(!matches_any(&[list.as_bytes()], "\"zz\"", Comparison::Weak) || list.trim() == "*");
        }

        #[test]
        fn no_date_causes_a_panic(text in "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT") {
            let _ = date(&[text.as_bytes()]);
        }
    }
}
