//! Parses numbers, dates and gains in tag texts. Impossible values are refused.

/// Greater disc numbers, track numbers and totals are refused.
const MAX_NUMBER: u32 = 9_999;
/// Gains above this many dB, positive or negative, are refused.
const MAX_GAIN_DB: f64 = 60.0;
/// Peaks above this (1.0 is full scale) are refused.
const MAX_PEAK: f64 = 100.0;
/// R128 gains refer to -23 LUFS, those of ReplayGain 2.0 to -18 LUFS (RFC 7845, section 5.2.1).
const R128_TO_REPLAYGAIN_DB: f64 = 5.0;

/// The number and the total of `3`, `03` or `3/12`; zero means absent.
pub(super) fn number_of_total(text: &str) -> (Option<u32>, Option<u32>) {
    let (number, total) = text.split_once('/').map_or((text, None), |(number, total)| (number, Some(total)));
    (number_at_start(number), total.and_then(number_at_start))
}

fn number_at_start(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches(['#', '+']);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok().filter(|number| (1..=MAX_NUMBER).contains(number))
}

/// The part of an album that is named before a track number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    /// The side or the disc, from 1.
    pub(super) number: u32,
    /// Whether it is a letter, and so a side of a record or cassette.
    pub(super) is_letter: bool,
}

/// The side and the track number of `A1`, `B02`, `b` (the only track of its side), `1.1` or `2-03`; `None` for others.
pub(super) fn side_and_track(text: &str) -> Option<(Side, u32)> {
    let text = text.split('/').next().unwrap_or(text).trim();
    let number = |text: &str| {
        let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &u32| is_number && *number > 0)
    };
    let first = text.chars().next()?;
    if first.is_ascii_alphabetic() {
        let side = u32::from(first.to_ascii_lowercase()).checked_sub(u32::from('a'))?.checked_add(1)?;
        let rest = text.get(1..)?.trim_start_matches(['-', '.', ' ']);
        let track = if text.len() == 1 { 1 } else { number(rest)? };
        return Some((Side { number: side, is_letter: true }, track));
    }
    let (disc, track) = text.split_once(['.', '-'])?;
    let disc = number(disc.trim()).filter(|disc| *disc < 100)?;
    Some((Side { number: disc, is_letter: false }, number(track.trim())?))
}

/// The months as English has them, by their first three letters.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The date of `2003`, `2003-05`, `2003-5-7`, `2003-05-07T…`, `2003/05/07`, `200305` or `20030507`, as
/// `YYYY[-MM[-DD]]`; also that of `07.05.2003`, `05/2003` and `7 May 2003`. Of others the first year: that of
/// `05/07/2003`, where it is not known which number is the month, and that of `c. 2003`.
pub(super) fn date(text: &str) -> Option<String> {
    let text = text.trim();
    year_first(text).or_else(|| year_last(text)).or_else(|| of_words(text))
}

fn year_first(text: &str) -> Option<String> {
    let year = text.get(..4).and_then(year)?;
    let rest = text.get(4..)?;
    let (month, day) = match rest.chars().next() {
        Some(dash @ ('-' | '/' | '.')) => {
            let mut parts = rest.split([dash, 'T', ' ']).skip(1);
            (parts.next(), parts.next())
        }
        Some('0'..='9') if rest.len() == 4 => (rest.get(..2), rest.get(2..)),
        Some('0'..='9') if rest.len() == 2 => {
            number(rest, 12)?;
            (Some(rest), None)
        }
        Some('0'..='9') => return None,
        _ => (None, None),
    };
    let month = month.and_then(|month| number(month, 12));
    Some(dated(year, month, day.and_then(|day| number(day, 31))))
}

fn year_last(text: &str) -> Option<String> {
    let sign = text.chars().find(|c| !c.is_ascii_digit()).filter(|sign| matches!(sign, '.' | '/' | '-'))?;
    let mut parts: Vec<&str> = text.split(sign).collect();
    let year = year(parts.pop()?)?;
    match *parts.as_slice() {
        [month] => Some(dated(year, Some(number(month, 12)?), None)),
        [day, month] if sign == '.' => Some(dated(year, number(month, 12), number(day, 31))),
        _ => None,
    }
}

/// A year and, when there is one with a name, the month, and its day.
fn of_words(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let of_word = |word: &&str| {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        year(word.get(..end)?)
    };
    let year = words.iter().find_map(of_word)?;
    let month_of = |word: &str| {
        let is_month = |short: &&str| word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(short));
        let at = MONTHS.iter().position(is_month)?;
        u32::try_from(at).ok()?.checked_add(1)
    };
    let months: Vec<u32> = words.iter().filter_map(|word| month_of(word)).collect();
    let days: Vec<u32> =
        words.iter().filter_map(|word| number(word.trim_end_matches(char::is_alphabetic), 31)).collect();
    let (Some(month), None) = (months.first(), months.get(1)) else { return Some(dated(year, None, None)) };
    Some(dated(year, Some(*month), days.first().filter(|_| days.len() == 1).copied()))
}

/// As much of a date as is one: months have their days.
fn dated(year: u32, month: Option<u32>, day: Option<u32>) -> String {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        Some(2) if is_leap => 29,
        Some(2) => 28,
        Some(4 | 6 | 9 | 11) => 30,
        _ => 31,
    };
    match (month, day.filter(|day| *day <= last)) {
        (Some(month), Some(day)) => format!("{year}-{month:02}-{day:02}"),
        (Some(month), None) => format!("{year}-{month:02}"),
        (None, _) => year.to_string(),
    }
}

fn year(text: &str) -> Option<u32> {
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|year| is_year && *year >= 1000)
}

/// A number of one or two digits, from 1.
fn number(text: &str, max: u32) -> Option<u32> {
    let is_short = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_short && (1..=max).contains(number))
}

/// The dB of `-7.03 dB`, `-7.03` or `-7,03`.
pub(super) fn gain_db(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = text.get(text.len().saturating_sub(2)..).filter(|unit| unit.eq_ignore_ascii_case("db"));
    let number = if number.is_some() { text.get(..text.len().saturating_sub(2))? } else { text };
    decimal(number).filter(|db| db.abs() <= MAX_GAIN_DB)
}

/// The ReplayGain dB of an R128 gain: a whole number of 1/256 dB.
pub(super) fn r128_gain_db(text: &str) -> Option<f64> {
    let steps: i16 = text.trim().parse().ok()?;
    Some(f64::from(steps) / 256.0 + R128_TO_REPLAYGAIN_DB).filter(|db| db.abs() <= MAX_GAIN_DB)
}

/// A peak, where 1.0 is full scale.
pub(super) fn peak(text: &str) -> Option<f64> {
    decimal(text).filter(|peak| (0.0..=MAX_PEAK).contains(peak))
}

/// A number with a point, or with a comma as programs write it in some languages.
fn decimal(text: &str) -> Option<f64> {
    text.trim().replacen(',', ".", 1).parse().ok()
}

/// Whether iTunes' advisory marks explicit words: 1, or 4 in old files; 2 marks a clean version.
pub(super) fn explicit(text: &str) -> bool {
    matches!(text.trim(), "1" | "4")
}

/// Whether a flag such as the compilation flag is set.
pub(super) fn flag(text: &str) -> bool {
    matches!(text.trim(), "1" | "true" | "True" | "TRUE" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_and_without_total() {
        assert_eq!(number_of_total("3"), (Some(3), None));
        assert_eq!(number_of_total(" 03/12 "), (Some(3), Some(12)));
        assert_eq!(number_of_total("/12"), (None, Some(12)));
        assert_eq!(number_of_total("0/0"), (None, None));
        assert_eq!(number_of_total("A1"), (None, None));
        assert_eq!(number_of_total("1000000000000000"), (None, None));
        assert_eq!(number_of_total("-1"), (None, None));
        assert_eq!((number_of_total("#3"), number_of_total("+3/9")), ((Some(3), None), (Some(3), Some(9))));
    }

    #[test]
    fn sides_and_discs_before_the_track_number() {
        let read = |text| side_and_track(text).map(|(side, track)| (side.number, track));
        for (text, expected) in [
            ("A1", Some((1, 1))),
            ("b02", Some((2, 2))),
            ("C-3", Some((3, 3))),
            ("B", Some((2, 1))),
            ("B2/9", Some((2, 2))),
            ("1.1", Some((1, 1))),
            ("2-03", Some((2, 3))),
            ("2.03/12", Some((2, 3))),
            ("3", None),
            ("3/12", None),
            ("AB", None),
            ("A0", None),
            ("1.", None),
            ("1.2.3", None),
            ("é1", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn dates_are_as_precise_as_they_were_written() {
        let cases = [
            ("2003", Some("2003")),
            ("2003-05", Some("2003-05")),
            ("2003-05-07", Some("2003-05-07")),
            ("2003-05-07T10:00:00Z", Some("2003-05-07")),
            ("2003/05/07", Some("2003-05-07")),
            ("20030507", Some("2003-05-07")),
            ("2003-00-00", Some("2003")),
            ("2003-13-01", Some("2003")),
            ("2003 remaster", Some("2003")),
            ("2003年", Some("2003")),
            ("07.05.2003", Some("2003-05-07")),
            ("7.5.2003", Some("2003-05-07")),
            ("05/07/2003", Some("2003")),
            ("05-27-2003", Some("2003")),
            ("1999/2000", Some("1999")),
            ("99.99.2003", Some("2003")),
            ("2003-5-7", Some("2003-05-07")),
            ("2003.5", Some("2003-05")),
            ("200305", Some("2003-05")),
            ("200313", None),
            ("2003-02-31", Some("2003-02")),
            ("2004-02-29", Some("2004-02-29")),
            ("1900-02-29", Some("1900-02")),
            ("2003-05-00", Some("2003-05")),
            ("31.04.2003", Some("2003-04")),
            ("03/2003", Some("2003-03")),
            ("13/2003", Some("2003")),
            ("7 May 2003", Some("2003-05-07")),
            ("May 7th, 2003", Some("2003-05-07")),
            ("September 2003", Some("2003-09")),
            ("Wed May 7 10:00:00 2003", Some("2003-05")),
            ("©2003", Some("2003")),
            ("c. 2003", Some("2003")),
            ("2003?", Some("2003")),
            ("2003 - 2004", Some("2003")),
            ("2003年5月7日", Some("2003")),
            ("12003", None),
            ("'99", None),
            ("07.05.03", None),
            ("yesterday", None),
            ("0000", None),
            ("20031", None),
            ("MMIII", None),
            ("", None),
            ("20é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(date(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn impossible_gains_and_peaks_are_refused() {
        assert_eq!(gain_db("-7.03 dB"), Some(-7.03));
        assert_eq!(gain_db("+2.5DB"), Some(2.5));
        assert_eq!((gain_db("-7,03 dB"), peak("0,98")), (Some(-7.03), Some(0.98)));
        for nonsense in ["1e15", "1,000.5", "NaN", "inf", "", "dB", "loud", "é"] {
            assert_eq!(gain_db(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(r128_gain_db("-1280"), Some(0.0));
        assert_eq!(peak("0.98"), Some(0.98));
        assert_eq!(peak("-1"), None);
        assert_eq!(["1", "4 ", "2", "0", ""].map(explicit), [true, true, false, false, false]);
    }
}
