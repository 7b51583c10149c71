//! Cleans texts before they are stored: no control characters, no outer blanks, limited length.

/// The greatest length of a text in characters; the rest is cut off.
const MAX_CHARS: usize = 1_000;
/// The most values of one multi-value tag; the others are ignored.
const MAX_VALUES: usize = 32;

/// The cleaned text of a tag; `None` when it has only blanks.
pub(super) fn clean(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
        .filter(|c| !c.is_control() && *c != '\u{feff}')
        .take(MAX_CHARS)
        .collect();
    let trimmed = kept.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// All values of a multi-value tag, in order, without duplicates. A NUL in a text separates values (ID3v2.4, section
/// 4.2).
pub(super) fn clean_all<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in texts.flat_map(|text| text.split('\0')).filter_map(clean) {
        if values.len() < MAX_VALUES && !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Whether `clean` cuts this text off.
pub(super) fn is_cut(text: &str) -> bool {
    text.len() > MAX_CHARS && text.trim().chars().filter(|c| !c.is_control()).nth(MAX_CHARS).is_some()
}

/// Whether `clean_all` leaves values out.
pub(super) fn are_too_many(texts: &[&str]) -> bool {
    let values = texts.iter().flat_map(|text| text.split('\0')).filter_map(clean);
    values.collect::<std::collections::HashSet<_>>().len() > MAX_VALUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        assert_eq!(clean(" \0 "), None);
        assert_eq!(clean(" two\nlines \u{feff}").as_deref(), Some("two lines"));
        assert_eq!(clean(&"ö".repeat(5_000)).map(|text| text.chars().count()), Some(1_000));
        assert_eq!([1_000, 1_001].map(|length| is_cut(&"ö".repeat(length))), [false, true]);
    }

    #[test]
    fn values_keep_their_order_and_appear_once() {
        assert_eq!(clean_all(["B\0A", "A", " ", "C"].into_iter()), ["B", "A", "C"]);
        let many: Vec<String> = (0..33).map(|number| format!("{number}\0 0")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!((are_too_many(&many[..32]), are_too_many(&many)), (false, true));
    }
}
