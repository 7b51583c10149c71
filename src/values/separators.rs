//! Signs and words between several names in one text.

/// What separates names: signs such as `;`, and words such as `feat.`, which stand between blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Separators(Vec<String>);

impl Separators {
    /// Those of a text with blanks between them.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_owned).collect())
    }

    /// Them all, with blanks between.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.join(" ")
    }

    /// The names in a text, at least one. Words count in any letter case, also in parentheses: `A (feat. B)`; what follows
    /// the parentheses belongs to the name before them.
    #[must_use]
    pub fn split(&self, text: &str) -> Vec<String> {
        let mut names = Names::default();
        let (mut start, mut rest) = (0, text.char_indices());
        while let Some((at, _)) = rest.next() {
            let Some(separator) = self.0.iter().find(|separator| is_at(text, at, separator)) else { continue };
            names.add(self.without_last_word(text.get(start..at).unwrap_or_default()), is_word(separator));
            start = at.saturating_add(separator.len());
            while rest.offset() < start && rest.next().is_some() {}
        }
        names.add(self.without_last_word(text.get(start..).unwrap_or_default()), false);
        if names.all.is_empty() { vec![text.to_owned()] } else { names.all }
    }

    /// The text without a word at its end that separates nothing: `A feat.` is `A`.
    fn without_last_word<'a>(&self, text: &'a str) -> &'a str {
        let name = text.trim_end();
        let shorter = self.0.iter().filter(|separator| is_word(separator)).find_map(|word| {
            let (before, last) = name.split_at_checked(name.len().checked_sub(word.len())?)?;
            let is_free = before.ends_with(char::is_whitespace) && !before.trim().is_empty();
            (is_free && last.eq_ignore_ascii_case(word)).then(|| before.trim_end())
        });
        shorter.unwrap_or(text)
    }
}

/// The parentheses around a separator and the names behind it.
const PAIRS: [(char, char); 2] = [('(', ')'), ('[', ']')];

/// The names of a text, while they are found.
#[derive(Default)]
struct Names {
    all: Vec<String>,
    /// The closing sign of the parentheses in which a word stands, and the place of the name before them.
    opened: Option<(char, Option<usize>)>,
}

impl Names {
    /// Adds the name in a part of the text between two separators, of which the second may be a word.
    fn add(&mut self, part: &str, before_word: bool) {
        let part = part.trim();
        let closed = self.opened.and_then(|(closing, before)| Some((split_at_end(part, closing)?, before)));
        let (text, place) = match closed {
            Some(((inner, after), before)) => {
                self.opened = None;
                self.push(inner);
                (after, before)
            }
            None => (part, None),
        };
        let is_open =
            |(opening, closing): &&(char, char)| text.matches(*opening).count() > text.matches(*closing).count();
        let opened = PAIRS.iter().find(is_open).filter(|_| before_word);
        let text = opened.map_or(text, |(opening, _)| text.trim_end_matches(*opening).trim_end());
        let place = match place.and_then(|place| self.all.get_mut(place)) {
            Some(name) if !text.is_empty() => {
                name.push(' ');
                name.push_str(text);
                place
            }
            _ => self.push(text),
        };
        self.opened = opened.map(|(_, closing)| (*closing, place)).or(self.opened);
    }

    /// Adds a name, and returns its place.
    fn push(&mut self, name: &str) -> Option<usize> {
        let name = name.trim();
        if name.is_empty() {
            return None;
        }
        self.all.push(name.to_owned());
        Some(self.all.len().saturating_sub(1))
    }
}

/// The text before and after the first closing sign that no opening one in the text belongs to.
fn split_at_end(text: &str, closing: char) -> Option<(&str, &str)> {
    let opening = PAIRS.iter().find(|(_, other)| *other == closing)?.0;
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices() {
        if sign == opening {
            depth = depth.saturating_add(1);
        } else if sign == closing {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return Some((text.get(..at)?, text.get(at..)?.trim_start_matches(closing).trim_start())),
            }
        }
    }
    None
}

/// How the names of a file are split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    /// Between artists, where the tags have one text with all of them; between composers, too.
    pub artists: Separators,
    /// Between genres.
    pub genres: Separators,
}

impl Default for Splits {
    fn default() -> Self {
        Self { artists: Separators::read("; feat. ft. featuring"), genres: Separators::read(";") }
    }
}

fn is_word(separator: &str) -> bool {
    separator.contains(char::is_alphanumeric)
}

/// Whether the separator is at this offset of the text.
fn is_at(text: &str, at: usize, separator: &str) -> bool {
    let Some((before, rest)) = text.split_at_checked(at) else { return false };
    let Some((found, after)) = rest.split_at_checked(separator.len()) else { return false };
    if !is_word(separator) {
        // Texts from web pages have characters such as `&amp;`.
        let is_reference = separator == ";" && before.rsplit_once('&').is_some_and(|(_, name)| is_reference(name));
        return found == separator && !is_reference;
    }
    let stands_free = before.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '['))
        && after.starts_with(char::is_whitespace);
    stands_free && found.eq_ignore_ascii_case(separator)
}

/// The names of signs that HTML has; letters are made of one letter and its accent.
const SIGNS: [&str; 12] =
    ["amp", "lt", "gt", "quot", "apos", "nbsp", "szlig", "ndash", "mdash", "hellip", "lsquo", "rsquo"];
const ACCENTS: [&str; 9] = ["uml", "acute", "grave", "circ", "tilde", "cedil", "ring", "slash", "lig"];

/// Whether this is the name of an HTML reference to a character, which stands between `&` and `;`: `R&B;` is none.
fn is_reference(name: &str) -> bool {
    if let Some(number) = name.strip_prefix('#') {
        let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |digits| (digits, 16));
        return u32::from_str_radix(digits, radix).is_ok_and(|number| char::from_u32(number).is_some());
    }
    let accent = || name.strip_prefix("AE").or_else(|| name.strip_prefix("ae")).or_else(|| name.get(1..));
    let is_letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    SIGNS.contains(&name) || (is_letter && accent().is_some_and(|accent| ACCENTS.contains(&accent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_signs_and_free_words() {
        let separators = Separators::read(" ;  feat. ft. featuring");
        assert_eq!(separators.text(), "; feat. ft. featuring");
        let cases: [(&str, &[&str]); 40] = [
            ("AC/DC", &["AC/DC"]),
            ("A feat. B", &["A", "B"]),
            ("A (Feat. B)", &["A", "B"]),
            ("A [ft. B (UK)]", &["A", "B (UK)"]),
            ("A FEATURING B; C", &["A", "B", "C"]),
            ("A;B;", &["A", "B"]),
            ("; ;", &["; ;"]),
            ("Simon & Garfunkel", &["Simon & Garfunkel"]),
            ("Simon &amp; Garfunkel; Björk", &["Simon &amp; Garfunkel", "Björk"]),
            ("Earth, Wind & Fire", &["Earth, Wind & Fire"]),
            ("Feat. of Strength", &["Feat. of Strength"]),
            ("Defeat. Now", &["Defeat. Now"]),
            ("A feat.", &["A"]),
            ("A feat. ", &["A"]),
            ("A (feat.) ", &["A (feat.)"]),
            ("A feat.; B", &["A", "B"]),
            ("feat.", &["feat."]),
            ("A (feat. B) & C", &["A & C", "B"]),
            ("A (feat. B & C) [Live]", &["A [Live]", "B & C"]),
            ("A (feat. B; C) & D", &["A & D", "B", "C"]),
            ("A (feat. B ft. C) & D", &["A & D", "B", "C"]),
            ("A (feat. B (UK)) & C (US)", &["A & C (US)", "B (UK)"]),
            ("A (feat. B); C", &["A", "B", "C"]),
            ("A (feat. B) ft. C", &["A", "B", "C"]),
            ("A (feat. B) (ft. C)", &["A", "B", "C"]),
            ("A (feat. B", &["A", "B"]),
            ("A (feat. B) & D ft. C", &["A & D", "B", "C"]),
            ("(feat. B) A", &["B", "A"]),
            ("A (B feat. C)", &["A (B", "C"]),
            ("R&B; Soul", &["R&B", "Soul"]),
            ("Drum&Bass; Jungle", &["Drum&Bass", "Jungle"]),
            ("R&b;Pop", &["R&b", "Pop"]),
            ("Bj&ouml;rk; M&#246;t&#xF6;r", &["Bj&ouml;rk", "M&#246;t&#xF6;r"]),
            ("Track &#; B", &["Track &#", "B"]),
            ("&lt;3; &AElig;", &["&lt;3", "&AElig;"]),
            ("A &B &amp; C; D", &["A &B &amp; C", "D"]),
            ("A feat.B", &["A feat.B"]),
            ("Ünï ft. Ö", &["Ünï", "Ö"]),
            ("", &[""]),
            ("é", &["é"]),
        ];
        for (text, expected) in cases {
            assert_eq!(separators.split(text), expected, "{text:?}");
        }
        assert_eq!(Separators::default().split("A; B"), ["A; B"]);
        assert_eq!(Separators::read("/").split("Rock / Pop/Jazz"), ["Rock", "Pop", "Jazz"]);
    }
}
