//! A table of ranges and conditions, sent to the real server; the bytes of each answer are compared with the file.

use super::fixture::{Answer, Track, noise, raw};
use crate::harness::{Dialect, Server, TestDatabase, run};
use std::ops::Range;

pub(crate) const SIZE: usize = 200_000;
pub(super) const SAME: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
const BEFORE: &str = "Sun, 09 Sep 2001 01:46:39 GMT";
const AFTER: &str = "Sun, 09 Sep 2001 01:46:41 GMT";

pub(super) enum Expected {
    Whole,
    Part(Range<usize>),
    Parts(Vec<Range<usize>>),
    NotModified,
    Failed,
    Unsatisfiable,
}
use Expected::{Failed, NotModified, Part, Parts, Unsatisfiable, Whole};

/// Name, header lines (`ETAG` stands for the entity tag), and the expected answer.
pub(super) fn cases() -> Vec<(&'static str, Vec<&'static str>, Expected)> {
    vec![
        ("no range", vec![], Whole),
        ("what Safari asks first", vec!["Range: bytes=0-1"], Part(0..2)),
        ("first byte", vec!["Range: bytes=0-0"], Part(0..1)),
        ("last byte", vec!["Range: bytes=199999-199999"], Part(199_999..SIZE)),
        ("middle", vec!["Range: bytes=1000-99999"], Part(1000..100_000)),
        ("all by range", vec!["Range: bytes=0-199999"], Part(0..SIZE)),
        ("open end from the start", vec!["Range: bytes=0-"], Part(0..SIZE)),
        ("open end", vec!["Range: bytes=150000-"], Part(150_000..SIZE)),
        ("end beyond the end", vec!["Range: bytes=199990-300000"], Part(199_990..SIZE)),
        ("end beyond all numbers", vec!["Range: bytes=5-99999999999999999999999999"], Part(5..SIZE)),
        ("suffix", vec!["Range: bytes=-10"], Part(199_990..SIZE)),
        ("suffix longer than the file", vec!["Range: bytes=-300000"], Part(0..SIZE)),
        ("suffix of nothing", vec!["Range: bytes=-0"], Unsatisfiable),
        ("beyond the end", vec!["Range: bytes=200000-"], Unsatisfiable),
        ("beyond all numbers", vec!["Range: bytes=99999999999999999999999999-"], Unsatisfiable),
        ("unit in capitals", vec!["Range: BYTES=0-1"], Part(0..2)),
        ("unknown unit", vec!["Range: seconds=0-1"], Whole),
        ("no unit", vec!["Range: 0-1"], Whole),
        ("empty", vec!["Range:"], Whole),
        ("empty set", vec!["Range: bytes="], Whole),
        ("backwards", vec!["Range: bytes=5-4"], Whole),
        ("not a number", vec!["Range: bytes=a-b"], Whole),
        ("blank inside", vec!["Range: bytes=0 - 1"], Whole),
        ("two lines", vec!["Range: bytes=0-1", "Range: bytes=0-1"], Whole),
        ("two ranges", vec!["Range: bytes=0-9,100000-150000"], Parts(vec![0..10, 100_000..150_001])),
        ("two ranges, the last first", vec!["Range: bytes=-5 , 0-0"], Parts(vec![199_995..SIZE, 0..1])),
        ("overlapping ranges", vec!["Range: bytes=0-9,5-15"], Whole),
        ("one of two beyond the end", vec!["Range: bytes=0-9,200000-"], Part(0..10)),
        ("eight ranges", vec!["Range: bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14"], {
            Parts((0..8).map(|at| 2 * at..2 * at + 1).collect())
        }),
        ("nine ranges", vec!["Range: bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16"], Whole),
        ("if-match same", vec!["If-Match: ETAG", "Range: bytes=0-1"], Part(0..2)),
        ("if-match any", vec!["If-Match: *"], Whole),
        ("if-match other", vec!["If-Match: \"x\"", "Range: bytes=0-1"], Failed),
        ("if-match weak", vec!["If-Match: W/ETAG"], Failed),
        ("if-match on two lines", vec!["If-Match: \"x\"", "If-Match: ETAG"], Whole),
        (
            "if-match before if-unmodified-since",
            { vec!["If-Match: ETAG", "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT"] },
            Whole,
        ),
        ("if-match before if-none-match", vec!["If-Match: \"x\"", "If-None-Match: ETAG"], Failed),
        ("if-unmodified-since same", vec!["If-Unmodified-Since: SAME"], Whole),
        ("if-unmodified-since before", vec!["If-Unmodified-Since: BEFORE"], Failed),
        ("if-unmodified-since no date", vec!["If-Unmodified-Since: yesterday"], Whole),
        ("if-none-match same", vec!["If-None-Match: ETAG", "Range: bytes=0-1"], NotModified),
        ("if-none-match weak in a list", vec!["If-None-Match: \"x\", W/ETAG"], NotModified),
        ("if-none-match any", vec!["If-None-Match: *"], NotModified),
        ("if-none-match other", vec!["If-None-Match: \"x\"", "If-Modified-Since: SAME"], Whole),
        ("if-none-match before a range beyond the end", vec!["If-None-Match: ETAG", "Range: bytes=200000-"], {
            NotModified
        }),
        ("if-modified-since same", vec!["If-Modified-Since: SAME"], NotModified),
        ("if-modified-since before", vec!["If-Modified-Since: BEFORE"], Whole),
        ("if-modified-since in RFC 850's format", vec!["If-Modified-Since: Sunday, 09-Sep-01 01:46:40 GMT"], {
            NotModified
        }),
        ("if-modified-since in asctime's format", vec!["If-Modified-Since: Sun Sep  9 01:46:40 2001"], NotModified),
        ("if-modified-since no date", vec!["If-Modified-Since: 1000000000"], Whole),
        ("if-range same", vec!["If-Range: ETAG", "Range: bytes=0-1"], Part(0..2)),
        ("if-range other", vec!["If-Range: \"x\"", "Range: bytes=0-1"], Whole),
        ("if-range weak", vec!["If-Range: W/ETAG", "Range: bytes=0-1"], Whole),
        ("if-range same date", vec!["If-Range: SAME", "Range: bytes=0-1"], Part(0..2)),
        ("if-range earlier date", vec!["If-Range: BEFORE", "Range: bytes=0-1"], Whole),
        ("if-range later date", vec!["If-Range: AFTER", "Range: bytes=0-1"], Whole),
        ("if-range other and a range beyond the end", vec!["If-Range: \"x\"", "Range: bytes=200000-"], Whole),
        ("if-range same and a range beyond the end", vec!["If-Range: ETAG", "Range: bytes=200000-"], Unsatisfiable),
    ]
}

/// The cases for a cache or proxy that decides by itself: it may answer in any way that RFC 9110 allows, but bytes, range and
/// entity tag have to be those of the object.
pub(crate) fn assert_allowed_answers(ask: impl Fn(&[&str]) -> Answer, bytes: &[u8], etag: &str) {
    for (name, lines, expected) in cases() {
        let fill = |line: &str| {
            line.replace("ETAG", etag).replace("SAME", SAME).replace("BEFORE", BEFORE).replace("AFTER", AFTER)
        };
        let lines: Vec<String> = lines.into_iter().map(fill).collect();
        let answer = ask(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let range = answer.header("content-range");
        match answer.status {
            200 => assert!(range.is_empty() && answer.body == bytes, "{name}: all bytes"),
            206 if range.is_empty() => assert_parts(name, &answer, bytes),
            206 => {
                let numbers = range.strip_prefix("bytes ").and_then(|rest| rest.strip_suffix(&format!("/{SIZE}")));
                let (first, last) = numbers.and_then(|numbers| numbers.split_once('-')).expect(name);
                let part = first.parse::<usize>().unwrap()..last.parse::<usize>().unwrap() + 1;
                assert!(answer.body == bytes[part], "{name}: {range}");
            }
            304 => assert!(matches!(expected, NotModified) && answer.body.is_empty(), "{name}: unchanged"),
            412 => {
                // nginx also looks at this one beside `If-Match`, and when it is no date; it sends nothing then.
                let is_dated = lines.iter().any(|line| line.starts_with("If-Unmodified-Since:"));
                assert!(is_dated || matches!(expected, Failed), "{name}");
            }
            416 => {
                // A server may reject what is no range, and many of them (section 14.2); numbers of that size are none to nginx.
                let is_huge = lines.iter().any(|line| line.contains("99999999999999999999"));
                let is_rejected = matches!(expected, Whole) && lines.iter().any(|line| line.starts_with("Range:"));
                assert!(is_huge || is_rejected || matches!(expected, Unsatisfiable), "{name}");
                assert_eq!(range, format!("bytes */{SIZE}"), "{name}");
            }
            // nginx takes no condition in two lines.
            400 => assert!(name.ends_with("two lines"), "{name}"),
            other => panic!("{name}: {other}"),
        }
        // A part that the client asked for only of another version must not be sent.
        let wants_other = lines.iter().any(|line| line.starts_with("If-Range: \"x\""));
        assert!(!wants_other || answer.status != 206, "{name}: a part of another version");
        if answer.status < 300 {
            assert_eq!(answer.header("etag"), etag, "{name}");
        }
        // Single ranges are what players ask for: they get them.
        if let (Part(_), [line]) = (&expected, lines.as_slice()) {
            assert!(
                answer.status == 206 || line.contains(',') || line.contains("9999999999"),
                "{name}: {}",
                answer.status
            );
        }
    }
}

/// Each part of an answer with several ranges has the bytes of the object that its head names.
fn assert_parts(name: &str, answer: &Answer, bytes: &[u8]) {
    let boundary = answer.header("content-type").strip_prefix("multipart/byteranges; boundary=").expect(name);
    let end = format!("\r\n--{boundary}--\r\n");
    let (mut rest, mut parts) = (answer.body.as_slice(), 0);
    while rest != end.as_bytes() {
        let length = rest.windows(4).position(|four| four == b"\r\n\r\n").expect(name);
        let head = String::from_utf8(rest[..length].to_vec()).expect(name);
        assert!(head.trim_start().starts_with(&format!("--{boundary}\r\n")), "{name}: {head}");
        let range = head.rsplit_once("Content-Range: bytes ").expect(name).1;
        let (first, last) =
            range.strip_suffix(&format!("/{SIZE}")).and_then(|range| range.split_once('-')).expect(name);
        let part = first.parse::<usize>().unwrap()..last.parse::<usize>().unwrap() + 1;
        let body = &rest[length + 4..];
        assert!(body[..part.len()] == bytes[part.clone()], "{name}: {range}");
        (rest, parts) = (&body[part.len()..], parts + 1);
    }
    assert!(parts > 1, "{name}");
}

/// The body of several ranges, as RFC 9110, 14.6 describes it.
fn multipart(content_type: &str, parts: &[Range<usize>], bytes: &[u8]) -> Vec<u8> {
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("several ranges");
    let mut body = vec![];
    for (index, part) in parts.iter().enumerate() {
        let break_before = if index == 0 { "" } else { "\r\n" };
        let (first, last) = (part.start, part.end - 1);
        let head = format!(
            "{break_before}--{boundary}\r\nContent-Type: audio/flac\r\nContent-Range: bytes {first}-{last}/{SIZE}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&bytes[part.clone()]);
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    body
}

#[track_caller]
fn assert_answer(name: &str, expected: &Expected, answer: &Answer, bytes: &[u8], etag: &str, is_head: bool) {
    let content_type = answer.header("content-type");
    let (status, range, body) = match expected {
        Failed => (412, String::new(), None),
        NotModified => (304, String::new(), Some(vec![])),
        Part(part) if !is_head => {
            (206, format!("bytes {}-{}/{SIZE}", part.start, part.end - 1), Some(bytes[part.clone()].to_vec()))
        }
        Parts(parts) if !is_head => (206, String::new(), Some(multipart(content_type, parts, bytes))),
        Unsatisfiable if !is_head => (416, format!("bytes */{SIZE}"), None),
        _ => (200, String::new(), Some(bytes.to_vec())),
    };
    assert_eq!((answer.status, answer.header("content-range")), (status, range.as_str()), "{name}");
    assert_eq!(answer.header("transfer-encoding"), "", "{name}");
    assert_eq!(answer.header("content-encoding"), "", "{name}");
    let Some(body) = body else {
        assert_eq!(content_type, "application/json", "{name}");
        assert_eq!(answer.header("etag"), "", "{name}: an error is no form of the track");
        let code = if status == 412 { "precondition_failed" } else { "range_not_satisfiable" };
        let names_it = is_head || String::from_utf8_lossy(&answer.body).contains(code);
        assert!(names_it, "{name}");
        return;
    };
    assert_eq!((answer.header("etag"), answer.header("last-modified")), (etag, SAME), "{name}");
    if status == 304 {
        assert!(answer.body.is_empty() && answer.header("content-type").is_empty(), "{name}");
        return;
    }
    assert_eq!(answer.header("content-length"), body.len().to_string(), "{name}");
    assert_eq!(
        (answer.header("accept-ranges"), answer.header("x-content-type-options")),
        ("bytes", "nosniff"),
        "{name}"
    );
    assert!(content_type == "audio/flac" || matches!(expected, Parts(_)), "{name}: {content_type}");
    if is_head {
        assert!(answer.body.is_empty(), "{name}");
    } else {
        assert!(answer.body == body, "{name}: other bytes");
    }
}

/// Asks for a track, a FLAC of [`SIZE`] bytes that was changed at [`SAME`], with every case by each of its addresses.
#[track_caller]
pub(crate) fn assert_every_case(server: &Server, track: &Track, bytes: &[u8], token: &str) {
    let etag = format!("\"{}\"", track.version);
    let addresses = [
        (track.stream(), "private, no-cache"),
        (format!("/media/{}.flac", track.version), "private, max-age=31536000, immutable"),
    ];
    for (path, cache_control) in &addresses {
        for (name, lines, expected) in cases() {
            let fill = |line: &str| {
                line.replace("ETAG", &etag).replace("SAME", SAME).replace("BEFORE", BEFORE).replace("AFTER", AFTER)
            };
            let lines: Vec<String> = lines.into_iter().map(fill).chain([token.to_owned()]).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            for method in ["GET", "HEAD"] {
                let answer = raw(server, method, path, &lines);
                assert_answer(&format!("{method} {path}, {name}"), &expected, &answer, bytes, &etag, method == "HEAD");
                if answer.status < 400 {
                    assert_eq!(answer.header("cache-control"), *cache_control);
                }
            }
        }
    }
}

on_both_databases! {
    async fn every_range_and_condition_is_answered_as_the_standard_says(database) {
        let bytes = noise(SIZE);
        let track = Track::add(&database, "a.flac", &bytes);
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        assert_every_case(&server, &track, &bytes, &format!("Authorization: Bearer {}", login.token));
    }
}

#[test]
fn ranges_of_empty_and_very_long_files_are_answered() {
    run(async {
        const LONG: u64 = 5 << 30;
        let database = TestDatabase::new(Dialect::Sqlite);
        let empty = Track::add(&database, "empty.mp3", b"");
        let path = database.folder.path().join("long.wav");
        let file = std::fs::File::create_new(&path).unwrap();
        file.set_len(LONG).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"here", (1 << 32) + 6).unwrap();
        let long = Track::add_file(&database, &path, 0);
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let token = format!("Authorization: Bearer {}", login.token);
        let get = |track: &Track, lines: &[&str]| raw(&server, "GET", &track.stream(), &[lines, &[&token]].concat());

        for lines in [&[][..], &["Range: bytes=-5"]] {
            let answer = get(&empty, lines);
            assert_eq!((answer.status, answer.header("content-length"), answer.body.len()), (200, "0", 0));
            assert_eq!(answer.header("content-type"), "audio/mpeg");
        }
        for lines in [["Range: bytes=0-"], ["Range: bytes=-0"]] {
            let answer = get(&empty, &lines);
            assert_eq!((answer.status, answer.header("content-range")), (416, "bytes */0"));
        }
        let answer = get(&long, &["Range: bytes=4294967300-4294967311"]);
        assert_eq!((answer.status, answer.body.as_slice()), (206, &b"\0\0here\0\0\0\0\0\0"[..]));
        assert_eq!(answer.header("content-range"), format!("bytes 4294967300-4294967311/{LONG}"));
        let answer = raw(&server, "HEAD", &long.stream(), &[&token]);
        assert_eq!(answer.header("content-length"), LONG.to_string());
    });
}

#[test]
fn a_modification_time_in_the_future_is_sent_as_now() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let path = database.folder.path().join("a.mp3");
        std::fs::write(&path, "bytes").unwrap();
        let track = Track::add_file(&database, &path, 4_000_000_000);
        let server = Server::start(&database).await;
        let login = server.user(&database, "anna").await;
        let reply = login.get(&track.stream()).await;
        assert_eq!((reply.status.as_u16(), reply.body.as_slice()), (200, &b"bytes"[..]));
        let modified = httpdate::parse_http_date(reply.header("last-modified")).unwrap();
        assert!(modified <= std::time::SystemTime::now(), "{modified:?} is yet to come");
    });
}
