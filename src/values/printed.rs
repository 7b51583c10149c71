//! Texts as they are printed: control characters escaped, numbers with their nouns.

use std::fmt::{Display, Write as _};

/// The text on one line, its control characters escaped as in Rust (`\n`, `\u{1b}`): a terminal obeys some of them, and a
/// line break would begin a line that nobody wrote.
#[must_use]
pub fn escaped(text: impl Display) -> String {
    let mut line = String::new();
    push_escaped(&mut line, &text.to_string());
    line
}

/// The same, but line breaks and tabs stay.
#[must_use]
pub fn escaped_lines(text: impl Display) -> String {
    let mut lines = String::new();
    for letter in text.to_string().chars() {
        push_letter(&mut lines, letter, matches!(letter, '\n' | '\t'));
    }
    lines
}

/// Appends a text as [`escaped`] makes it.
pub fn push_escaped(line: &mut String, text: &str) {
    for letter in text.chars() {
        push_letter(line, letter, false);
    }
}

/// Appends JSON with escapes for the characters that JSON leaves as they are, and that a terminal obeys or that end a line
/// for some readers. They stand within its strings alone.
pub fn push_json(line: &mut String, json: &str) {
    for letter in json.chars() {
        if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            // Writing to a text cannot fail.
            let _ = write!(line, "\\u{:04x}", u32::from(letter));
        } else {
            line.push(letter);
        }
    }
}

/// A number with its noun, which takes an `s` unless the number is 1.
#[must_use]
pub fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// A number of bytes in the largest unit of which there is one: `12.3 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((unit, name)) = units.iter().find(|(unit, _)| count >= *unit) else { return counted(count, "byte") };
    let tenths = count / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn push_letter(line: &mut String, letter: char, stays: bool) {
    if letter.is_control() && !stays {
        line.extend(letter.escape_debug());
    } else {
        line.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_largest_unit_that_fits() {
        for (count, text) in
            [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 kB"), (1_999_999, "1.9 MB")]
        {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(bytes(12_345_678_901_234), "12.3 TB");
    }

    const NAME: &str = "a\u{1b}[2J\r\n\tb\u{9b}c\u{7f}é\u{2028}";

    #[test]
    fn no_control_character_is_left() {
        assert_eq!(escaped(NAME), "a\\u{1b}[2J\\r\\n\\tb\\u{9b}c\\u{7f}é\u{2028}");
        assert_eq!(escaped_lines(NAME), "a\\u{1b}[2J\\r\n\tb\\u{9b}c\\u{7f}é\u{2028}");
        let mut json = String::new();
        push_json(&mut json, "\"\u{9b}\u{7f}é\u{2028}\"");
        assert_eq!(json, "\"\\u009b\\u007fé\\u2028\"");
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "user")), ["0 users", "1 user", "2 users"]);
    }
}
