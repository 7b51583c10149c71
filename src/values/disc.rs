//! Discs of an album by their names: of folders (`CD1`, `Disc Two`, `The Wall [CD2]`) and in titles (`Live (Disc 1)`).

use super::spelling::identity;

/// A name that says which disc it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscName<'a> {
    /// The text before, which names the album; `None` when the name is that of the disc alone.
    pub title: Option<&'a str>,
    /// The number of the disc, from 1.
    pub number: u32,
    /// The name from the word for the disc on.
    pub disc: &'a str,
}

/// A word for discs.
struct DiscWord {
    word: &'static str,
    /// Whether a letter may count the discs (`CDA`); with `DVD-A` it would not.
    letters: bool,
    /// Whether it counts discs after a title as well; `Album (LP2)` is mostly a title.
    in_titles: bool,
    /// Whether it does so only in brackets: `Italo Disco 2` is a title, `Italo (Disco 2)` a disc.
    bracketed: bool,
}

const fn word(word: &'static str, letters: bool, in_titles: bool) -> DiscWord {
    DiscWord { word, letters, in_titles, bracketed: false }
}

const WORDS: [DiscWord; 9] = [
    word("cd", true, true),
    word("disc", true, true),
    word("disk", true, true),
    word("disque", false, true),
    DiscWord { bracketed: true, ..word("disco", false, true) },
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

/// What stands between the number of a disc and how many there are: `Disc 1 of 2`.
const OF: [&str; 5] = ["of", "von", "de", "sur", "/"];
/// What opens brackets.
const BRACKETS: [char; 3] = ['(', '[', '{'];
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
    let alone = |text: &str| text.trim_start_matches(|c: char| c == ' ' || BRACKETS.contains(&c)).len();
    let start = name.len().saturating_sub(alone(name));
    let whole = WORDS.iter().find_map(|word| {
        let (number, rest, is_digits) = number_after(lower.get(start..)?.strip_prefix(word.word)?, word.letters)?;
        (is_digits || ends(rest)).then_some(DiscName { title: None, number, disc: name.get(start..)? })
    });
    whole.or_else(|| after_title(name, &lower, false))
}

/// The disc that a folder of this name has among those of an album with this title as tagged. There is none when that
/// title names the disc itself: the folder of the album "LP3" may be called "Ratatat - LP3".
#[must_use]
pub fn of_album_folder<'a>(name: &'a str, album: Option<&str>) -> Option<DiscName<'a>> {
    let is_title = |found: &DiscName<'_>| {
        let (disc, title) = (identity(found.disc), identity(album.unwrap_or_default()));
        let names_it = of_folder(&title).is_some_and(|named| named.number == found.number);
        let rest = disc.strip_prefix(&title).filter(|_| names_it);
        rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let after = || after_title(name, &name.to_ascii_lowercase(), false).filter(|found| !is_title(found));
    of_folder(name).filter(|found| !is_title(found)).or_else(after)
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
            let is_bracketed = before.trim_end().ends_with(BRACKETS);
            let is_named = if word.bracketed { is_bracketed } else { is_plain || is_separated };
            (ends(rest) && is_named).then_some(DiscName { title: Some(title), number, disc: name.get(at..)? })
        })
    })
}

/// The number at the start of the text, the text after it, and whether it is in digits.
fn number_after(text: &str, letters: bool) -> Option<(u32, &str, bool)> {
    let text = text.trim_start_matches(BETWEEN);
    let (digits, rest) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))?;
    if !digits.is_empty() {
        let rest = after_total(rest);
        let number = digits.parse().ok().filter(|number| (1..=99).contains(number))?;
        return (!rest.starts_with(char::is_alphanumeric)).then_some((number, rest, true));
    }
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let named = NAMED.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    let letter = || match word.as_bytes() {
        [letter @ b'a'..=b'h'] if letters => Some(u32::from(letter - b'a') + 1),
        _ => None,
    };
    named.or_else(letter).map(|number| (number, after_total(rest), false))
}

/// The text without how many discs there are, if it begins with that.
fn after_total(text: &str) -> &str {
    let rest = OF.iter().find_map(|of| {
        let total = text.trim_start().strip_prefix(of)?.trim_start();
        let end = total.find(|c: char| !c.is_alphanumeric()).unwrap_or(total.len());
        let (total, rest) = total.split_at_checked(end)?;
        let is_number = total.parse::<u32>().is_ok() || NAMED.iter().any(|(name, _)| *name == total);
        is_number.then_some(rest)
    });
    rest.unwrap_or(text)
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
            ("[CD 1]", 1),
            ("(CD2)", 2),
            ("[Disc Two]", 2),
            ("disc1of2", 1),
            ("Disc 2 of 2", 2),
            ("Disc One of Two", 1),
            ("CD 2 von 3", 2),
            ("CD 1 De Luxe", 1),
            ("Disco 2", 2),
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
            ("The Wall (Disc 1 of 2)", "The Wall", 1),
            ("The Wall [Disc One of Two]", "The Wall", 1),
            ("The Wall disc2of2", "The Wall", 2),
            ("Grandes Éxitos (Disco 2)", "Grandes Éxitos", 2),
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
            "CD1x",
            "Disc 1of",
            "Italo Disco 2",
            "Super Disco 70",
            "2003 - Disco 3",
            "[]",
            "",
        ] {
            assert_eq!(folder(name), None, "{name}");
        }
    }

    #[test]
    fn the_folder_of_an_album_that_is_called_like_a_disc_is_none() {
        for (name, album) in [
            ("LP1", "LP1"),
            ("Ratatat - LP3", "LP3"),
            ("2010 - LP4", "lp4"),
            ("2010 - LP4 [FLAC]", "LP4"),
            ("LP4 (2010)", "LP4"),
            ("PSB - Disc 3", "Disc 3"),
            ("Adrian Belew - Side Two", "Side Two"),
        ] {
            assert!(of_folder(name).is_some(), "{name}");
            assert_eq!(of_album_folder(name, Some(album)), None, "{name} of {album}");
        }
        for (name, album, number) in [
            ("Ratatat - LP3", None, 3),
            ("Ratatat - LP3", Some("Ratatat"), 3),
            ("CD 1", Some("CD"), 1),
            ("LP3 CD2", Some("LP3"), 2),
            ("Disc 1", Some("Disc"), 1),
            ("Disc 12", Some("Disc 1"), 12),
            ("Disc 2", Some(""), 2),
        ] {
            assert_eq!(of_album_folder(name, album).map(|found| found.number), Some(number), "{name} of {album:?}");
        }
    }

    #[test]
    fn titles_lose_the_disc_that_they_name() {
        let title = |title| of_title(title).map(|found| (found.title.unwrap_or_default(), found.number));
        assert_eq!(title("Live (Disc 1)"), Some(("Live", 1)));
        assert_eq!(title("Live [CD2]"), Some(("Live", 2)));
        assert_eq!(title("Live (disc 2: Acoustic)"), Some(("Live", 2)));
        assert_eq!(title("Live, Disc Two"), Some(("Live", 2)));
        assert_eq!(title("Live (Disc 1 of 2)"), Some(("Live", 1)));
        assert_eq!(title("Live, Disc 1/2"), Some(("Live", 1)));
        assert_eq!(title("Lo Mejor (Disco 2)"), Some(("Lo Mejor", 2)));
        for kept in ["Italo Disco 2", "Super Disco 70", "Italo Disco - Disco 2"] {
            assert_eq!(title(kept), None, "{kept}");
        }
        for kept in ["American Football (LP2)", "LP1", "CD1", "Disc 1", "(Disc 1)", "Slipped Disc", "Side One"] {
            assert_eq!(title(kept), None, "{kept}");
        }
    }
}
