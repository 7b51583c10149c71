//! The `Range` field of RFC 9110, section 14: which bytes of an object a request asks for.

use std::cmp::Ordering;

/// The most ranges of one request. A request with more is answered with the whole object, so that a short request
/// cannot make the server send a large file in very many pieces (RFC 9110, 17.15).
pub const MAX_PARTS: usize = 8;

/// A range of at least one byte: the positions of its first and its last byte, as in `Content-Range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Position of the first byte.
    pub first: u64,
    /// Position of the last byte, not before the first.
    pub last: u64,
}

impl ByteRange {
    /// The length of the range in bytes.
    #[must_use]
    pub const fn length(self) -> u64 {
        self.last - self.first + 1
    }

    fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The bytes of an object that a `Range` field selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The field is ignored: its unit is not `bytes`, its syntax is wrong, or it has too many or overlapping ranges.
    Whole,
    /// One range.
    Part(ByteRange),
    /// Two to [`MAX_PARTS`] ranges without overlap, in the order of the request.
    Parts(Vec<ByteRange>),
    /// A valid field whose ranges contain no byte of the object.
    Unsatisfiable,
}

/// Evaluates the value of a `Range` field for an object of `length` bytes.
#[must_use]
pub fn select(value: &[u8], length: u64) -> Selection {
    let Some(specs) = parse(value) else { return Selection::Whole };
    let wanted: Vec<Wanted> = specs.into_iter().map(|spec| spec.within(length)).collect();
    if wanted.contains(&Wanted::AllOfNothing) {
        return Selection::Whole;
    }
    let parts: Vec<ByteRange> = wanted.into_iter().filter_map(Wanted::bytes).collect();
    match *parts {
        [] => Selection::Unsatisfiable,
        [part] => Selection::Part(part),
        _ if parts.len() > MAX_PARTS || any_overlap(&parts) => Selection::Whole,
        _ => Selection::Parts(parts),
    }
}

fn any_overlap(parts: &[ByteRange]) -> bool {
    parts.iter().enumerate().any(|(index, part)| parts.iter().take(index).any(|before| part.overlaps(*before)))
}

#[derive(Debug, Clone, Copy)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Suffix(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Bytes(ByteRange),
    Nothing,
    /// A suffix of an empty object is satisfiable (14.1.2), but `Content-Range` cannot express an empty range.
    AllOfNothing,
}

impl Wanted {
    fn bytes(self) -> Option<ByteRange> {
        if let Self::Bytes(range) = self { Some(range) } else { None }
    }
}

impl Spec {
    fn within(self, length: u64) -> Wanted {
        let Some(end) = length.checked_sub(1) else {
            return if matches!(self, Self::Suffix(1..)) { Wanted::AllOfNothing } else { Wanted::Nothing };
        };
        match self {
            Self::From(first) if first <= end => Wanted::Bytes(ByteRange { first, last: end }),
            Self::Between(first, last) if first <= end => Wanted::Bytes(ByteRange { first, last: last.min(end) }),
            Self::Suffix(count @ 1..) => Wanted::Bytes(ByteRange { first: length.saturating_sub(count), last: end }),
            _ => Wanted::Nothing,
        }
    }
}

/// The ranges of a field; `None` when any part of it does not have the syntax of 14.1.1 and 14.1.2.
fn parse(value: &[u8]) -> Option<Vec<Spec>> {
    let (unit, set) = split_once(value, b'=')?;
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let elements = set.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty());
    let specs: Vec<Spec> = elements.map(parse_spec).collect::<Option<_>>()?;
    // Blanks are allowed around commas, not before the first range.
    let starts_blank = matches!(set.first(), Some(b' ' | b'\t'));
    (!specs.is_empty() && !starts_blank).then_some(specs)
}

fn parse_spec(text: &[u8]) -> Option<Spec> {
    let (first, last) = split_once(text, b'-')?;
    match (first, last) {
        (b"", count) => Some(Spec::Suffix(number(count)?)),
        (first, b"") => Some(Spec::From(number(first)?)),
        (first, last) if compare(first, last) == Ordering::Greater => None,
        (first, last) => Some(Spec::Between(number(first)?, number(last)?)),
    }
}

/// Parses digits of any length. Numbers above 64 bits become the largest one: no object is that long.
fn number(digits: &[u8]) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all_digits.then(|| {
        let step = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        digits.iter().fold(0, step)
    })
}

/// Compares two texts of digits as numbers of any size.
fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let strip = |digits: &[u8]| digits.iter().copied().skip_while(|&digit| digit == b'0').collect::<Vec<_>>();
    let (left, right) = (strip(left), strip(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (left, right) = text.split_at_checked(text.iter().position(|&byte| byte == at)?)?;
    Some((left, right.get(1..)?))
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(selection: &Selection) -> String {
        let show_part = |part: &ByteRange| format!("{}-{}", part.first, part.last);
        match selection {
            Selection::Whole => "whole".to_owned(),
            Selection::Part(part) => show_part(part),
            Selection::Parts(parts) => parts.iter().map(show_part).collect::<Vec<_>>().join(" "),
            Selection::Unsatisfiable => "unsatisfiable".to_owned(),
        }
    }

    #[test]
    fn each_kind_of_field_selects_the_ranges_of_the_standard() {
        let huge = "9".repeat(40);
        let huge_first = format!("bytes={huge}-");
        let huge_last = format!("bytes=3-{huge}");
        let huge_suffix = format!("bytes=-{huge}");
        let huge_backwards = format!("bytes={huge}9-{huge}");
        let cases: &[(&str, &str, u64, &str)] = &[
            ("one range", "bytes=0-1", 10, "0-1"),
            ("one byte", "bytes=0-0", 10, "0-0"),
            ("the last byte", "bytes=9-9", 10, "9-9"),
            ("all bytes", "bytes=0-9", 10, "0-9"),
            ("cut at the end", "bytes=5-99", 10, "5-9"),
            ("open end", "bytes=3-", 10, "3-9"),
            ("open end from the start", "bytes=0-", 10, "0-9"),
            ("suffix", "bytes=-4", 10, "6-9"),
            ("suffix longer than the object", "bytes=-11", 10, "0-9"),
            ("suffix 0", "bytes=-0", 10, "unsatisfiable"),
            ("first byte beyond the end", "bytes=10-", 10, "unsatisfiable"),
            ("range beyond the end", "bytes=10-20", 10, "unsatisfiable"),
            ("huge first", &huge_first, 10, "unsatisfiable"),
            ("huge last", &huge_last, 10, "3-9"),
            ("huge suffix", &huge_suffix, 10, "0-9"),
            ("huge and backwards", &huge_backwards, 10, "whole"),
            ("longest object", "bytes=18446744073709551613-", u64::MAX, "18446744073709551613-18446744073709551614"),
            ("leading zeros", "bytes=000-0000000000000000000000001", 10, "0-1"),
            ("unit in capitals", "Bytes=0-1", 10, "0-1"),
            ("unknown unit", "seconds=0-1", 10, "whole"),
            ("no unit", "0-1", 10, "whole"),
            ("no value", "", 10, "whole"),
            ("no range", "bytes=", 10, "whole"),
            ("only commas", "bytes=, ,", 10, "whole"),
            ("only a dash", "bytes=-", 10, "whole"),
            ("backwards", "bytes=2-1", 10, "whole"),
            ("a sign", "bytes=+1-2", 10, "whole"),
            ("two dashes", "bytes=1--2", 10, "whole"),
            ("a word", "bytes=a-b", 10, "whole"),
            ("a number alone", "bytes=5", 10, "whole"),
            ("hexadecimal", "bytes=0x1-2", 10, "whole"),
            ("blank before the unit's sign", "bytes =0-1", 10, "whole"),
            ("blank after the unit's sign", "bytes= 0-1", 10, "whole"),
            ("blank inside", "bytes=0 - 1", 10, "whole"),
            ("one bad range among good ones", "bytes=0-1,x,4-5", 10, "whole"),
            ("two ranges", "bytes=0-1,4-5", 10, "0-1 4-5"),
            ("two ranges with blanks", "bytes=0-1 ,\t 4-5", 10, "0-1 4-5"),
            ("empty list members", "bytes=,0-1,,4-5,", 10, "0-1 4-5"),
            ("not in order", "bytes=-1,0-1", 10, "9-9 0-1"),
            ("side by side", "bytes=0-1,2-3", 10, "0-1 2-3"),
            ("overlapping", "bytes=0-4,4-5", 10, "whole"),
            ("twice the same", "bytes=0-0,0-0", 10, "whole"),
            ("overlapping at the end", "bytes=8-,-1", 10, "whole"),
            ("one of two beyond the end", "bytes=0-1,50-60", 10, "0-1"),
            ("all beyond the end", "bytes=10-11,50-60,-0", 10, "unsatisfiable"),
            ("eight", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14", 20, "0-0 2-2 4-4 6-6 8-8 10-10 12-12 14-14"),
            ("nine", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", 20, "whole"),
            ("empty object", "bytes=0-", 0, "unsatisfiable"),
            ("suffix of an empty object", "bytes=-5", 0, "whole"),
            ("suffix 0 of an empty object", "bytes=-0", 0, "unsatisfiable"),
        ];
        for (name, field, length, expected) in cases {
            assert_eq!(show(&select(field.as_bytes(), *length)), *expected, "{name}: {field} of {length}");
        }
    }

    fn check_bounds(selection: &Selection, length: u64) {
        let parts = match selection {
            Selection::Whole | Selection::Unsatisfiable => return,
            Selection::Part(part) => std::slice::from_ref(part),
            Selection::Parts(parts) => {
                assert!((2..=MAX_PARTS).contains(&parts.len()));
                parts
            }
        };
        for (index, part) in parts.iter().enumerate() {
            assert!(part.first <= part.last && part.last < length);
            assert!(parts[..index].iter().all(|other| !part.overlaps(*other)));
        }
    }

    proptest! {
        #[test]
        fn no_field_causes_a_panic(field: Vec<u8>, length: u64) {
            check_bounds(&select(&field, length), length);
        }

        #[test]
        fn no_nearly_valid_field_causes_a_panic(field in "(?i:bytes)=[-0-9, ]{0,60}", length in 0_u64..10_000) {
            check_bounds(&select(field.as_bytes(), length), length);
        }

        #[test]
        fn the_parts_hold_the_bytes_asked_for(
            specs in prop::collection::vec((0_u64..60, prop::option::of(0_u64..60), any::<bool>()), 1..10),
            length in 0_u64..50,
        ) {
            let mut asked = vec![];
            let mut texts = vec![];
            for (first, more, is_suffix) in specs {
                let (text, has): (String, Box<dyn Fn(u64) -> bool>) = match more {
                    _ if is_suffix => (format!("-{first}"), Box::new(move |at| at + first >= length)),
                    None => (format!("{first}-"), Box::new(move |at| at >= first)),
                    Some(more) => (format!("{first}-{}", first + more), Box::new(move |at| (first..=first + more).contains(&at))),
                };
                texts.push(text);
                asked.extend((0..length).filter(|at| has(*at)));
            }
            let selection = select(format!("bytes={}", texts.join(",")).as_bytes(), length);
            check_bounds(&selection, length);
            match &selection {
                Selection::Whole => {
                    let count = asked.len();
                    asked.sort_unstable();
                    asked.dedup();
                    let is_overlapping = asked.len() < count;
                    prop_assert!(is_overlapping || texts.len() > MAX_PARTS || length == 0);
                }
                Selection::Unsatisfiable => prop_assert!(asked.is_empty()),
                Selection::Part(part) => prop_assert_eq!((part.first..=part.last).collect::<Vec<_>>(), asked),
                Selection::Parts(parts) => {
                    prop_assert_eq!(parts.iter().flat_map(|part| part.first..=part.last).collect::<Vec<_>>(), asked);
                }
            }
        }
    }
}
