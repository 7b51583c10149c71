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

    /// The names in a text, at least one. Words count in any letter case, also in parentheses: `A (feat. B)`.
    #[must_use]
    pub fn split(&self, text: &str) -> Vec<String> {
        let (mut names, mut start, mut after_word) = (Vec::new(), 0, false);
        let mut rest = text.char_indices();
        while let Some((at, _)) = rest.next() {
            let Some(separator) = self.0.iter().find(|separator| is_at(text, at, separator)) else { continue };
            let is_word = is_word(separator);
            names.extend(name(text.get(start..at).unwrap_or_default(), after_word, is_word));
            start = at.saturating_add(separator.len());
            after_word = is_word;
            while rest.offset() < start && rest.next().is_some() {}
        }
        names.extend(name(text.get(start..).unwrap_or_default(), after_word, false));
        if names.is_empty() { vec![text.to_owned()] } else { names }
    }
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
        let is_reference = separator == ";"
            && before.rsplit_once('&').is_some_and(|(_, name)| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
            });
        return found == separator && !is_reference;
    }
    let stands_free = before.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '['))
        && after.starts_with(char::is_whitespace);
    stands_free && found.eq_ignore_ascii_case(separator)
}

/// A name without blanks around it, and without the parentheses around the separator and the name behind it.
fn name(text: &str, after_word: bool, before_word: bool) -> Option<String> {
    let mut text = text.trim();
    if before_word {
        text = text.trim_end_matches(['(', '[']).trim_end();
    }
    for (opening, closing) in [('(', ')'), ('[', ']')] {
        if after_word && text.matches(closing).count() > text.matches(opening).count() {
            text = text.strip_suffix(closing).unwrap_or(text).trim_end();
        }
    }
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_signs_and_free_words() {
        let separators = Separators::read(" ;  feat. ft. featuring");
        assert_eq!(separators.text(), "; feat. ft. featuring");
        let cases: [(&str, &[&str]); 17] = [
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
            ("A feat.", &["A feat."]),
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
