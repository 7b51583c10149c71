//! Discs of an album by their names: of folders (`CD1`, `Disc Two`, `The Wall [CD2]`) and in titles (`Live (Disc 1)`).

/// A name that says which disc it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscName<'a> {
    /// The text before, which names the album; `None` when the name is that of the disc alone.
    pub title: Option<&'a str>,
    /// The number of the disc, from 1.
    pub number: u32,
}

/// A word for discs.
struct DiscWord {
    word: &'static str,
    /// Whether a letter may count the discs (`CDA`); with `DVD-A` it would not.
    letters: bool,
    /// Whether it counts discs after a title as well; `Album (LP2)` is mostly a title.
    in_titles: bool,
}

const fn word(word: &'static str, letters: bool, in_titles: bool) -> DiscWord {
    DiscWord { word, letters, in_titles }
}

const WORDS: [DiscWord; 9] = [
    word("cd", true, true),
    word("disc", true, true),
    word("disk", true, true),
    word("disque", false, true),
    word("disco", false, true),
    word("dvd", false, true),
    word("lp", true, false),
    word("vinyl", true, false),
    word("side", true, false),
];

/// Numbers in words; Roman ones come before the letters that they look like.
const NAMED: [(&str, u32); 22] = [
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("i", 1),
    ("ii", 2),
    ("iii", 3),
    ("iv", 4),
    ("v", 5),
    ("vi", 6),
    ("vii", 7),
    ("viii", 8),
    ("ix", 9),
    ("x", 10),
];

/// What may be between the word and its number.
const BETWEEN: [char; 5] = [' ', '-', '_', '.', '#'];
/// What separates a title from the disc after it, apart from blanks.
const BEFORE: [char; 9] = ['-', '_', '(', '[', '{', ',', '.', ':', '/'];
/// What may follow a number, after blanks.
const AFTER: [char; 10] = ['-', '_', '(', '[', '{', ')', ']', '}', ',', ':'];

/// The disc that a folder of this name has; `None` for other names.
#[must_use]
pub fn of_folder(name: &str) -> Option<DiscName<'_>> {
    let name = name.trim();
    let lower = name.to_ascii_lowercase();
    let whole = WORDS.iter().find_map(|word| {
        let (number, rest, is_digits) = number_after(lower.strip_prefix(word.word)?, word.letters)?;
        (is_digits || ends(rest)).then_some(DiscName { title: None, number })
    });
    whole.or_else(|| after_title(name, &lower, false))
}

/// The title of an album and the disc that it names at its end; `None` for other titles.
#[must_use]
pub fn of_title(title: &str) -> Option<DiscName<'_>> {
    after_title(title, &title.to_ascii_lowercase(), true)
}

/// Finds the last disc that is named after a title. `lower` is `name` in lower case, of the same length.
fn after_title<'a>(name: &'a str, lower: &str, is_title: bool) -> Option<DiscName<'a>> {
    lower.char_indices().rev().find_map(|(at, _)| {
        let (before, from) = lower.split_at_checked(at)?;
        let is_separated = before.trim_end().ends_with(BEFORE);
        if !is_separated && !before.ends_with(' ') {
            return None;
        }
        let title = name.get(..at)?.trim_end_matches(|c: char| c == ' ' || BEFORE.contains(&c));
        if !title.contains(char::is_alphanumeric) {
            return None;
        }
        WORDS.iter().filter(|word| word.in_titles || !is_title).find_map(|word| {
            let (number, rest, is_digits) = number_after(from.strip_prefix(word.word)?, word.letters)?;
            let is_plain = is_digits && word.word != "side";
            (ends(rest) && (is_plain || is_separated)).then_some(DiscName { title: Some(title), number })
        })
    })
}

/// The number at the start of the text, the text after it, and whether it is in digits.
fn number_after(text: &str, letters: bool) -> Option<(u32, &str, bool)> {
    let text = text.trim_start_matches(BETWEEN);
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok().filter(|number| (1..=99).contains(number)).map(|number| (number, rest, true));
    }
    let named = NAMED.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    let letter = || match word.as_bytes() {
        [letter @ b'a'..=b'h'] if letters => Some(u32::from(letter - b'a') + 1),
        _ => None,
    };
    named.or_else(letter).map(|number| (number, rest, false))
}

/// Whether nothing that belongs to the number's word follows.
fn ends(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with(AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Option<(Option<&str>, u32)> {
        of_folder(name).map(|found| (found.title, found.number))
    }

    #[test]
    fn folders_of_discs_are_known_by_their_names() {
        for (name, number) in [
            ("CD1", 1),
            ("cd 02", 2),
            ("CD 1 - Red", 1),
            ("Disc One", 1),
            ("disc two", 2),
            ("Disk-03", 3),
            ("Disc 2 (Live)", 2),
            ("LP1", 1),
            ("CDB", 2),
            ("Side B", 2),
            ("Disc II", 2),
            ("Disque 2", 2),
            ("DVD1", 1),
        ] {
            assert_eq!(folder(name), Some((None, number)), "{name}");
        }
        for (name, title, number) in [
            ("The Wall CD1", "The Wall", 1),
            ("The Wall [CD2]", "The Wall", 2),
            ("The Wall (Disc One)", "The Wall", 1),
            ("The Wall - Disc Two", "The Wall", 2),
            ("The Wall, LP2", "The Wall", 2),
            ("The Wall CD1 [FLAC]", "The Wall", 1),
            ("Ä Ö CD 3", "Ä Ö", 3),
        ] {
            assert_eq!(folder(name), Some((Some(title), number)), "{name}");
        }
        for name in [
            "CDs",
            "CD",
            "Disco",
            "Disco 2000",
            "Disc Jockey",
            "Disc One More Time",
            "Compact Discs",
            "DVD-A",
            "Side Effects",
            "ABCD1",
            "Slipped Disc One",
            "1999",
            "LP",
            "CD 0",
            "",
        ] {
            assert_eq!(folder(name), None, "{name}");
        }
    }

    #[test]
    fn titles_lose_the_disc_that_they_name() {
        let title = |title| of_title(title).map(|found| (found.title.unwrap_or_default(), found.number));
        assert_eq!(title("Live (Disc 1)"), Some(("Live", 1)));
        assert_eq!(title("Live [CD2]"), Some(("Live", 2)));
        assert_eq!(title("Live (disc 2: Acoustic)"), Some(("Live", 2)));
        assert_eq!(title("Live, Disc Two"), Some(("Live", 2)));
        for kept in ["American Football (LP2)", "LP1", "CD1", "Disc 1", "(Disc 1)", "Slipped Disc", "Side One"] {
            assert_eq!(title(kept), None, "{kept}");
        }
    }
}
