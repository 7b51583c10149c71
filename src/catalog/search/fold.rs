//! Folding: the form in which names and queries are compared, without case, accents and variants of one letter.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The folded form of a text: Unicode NFKD, accents removed, lower case, letters that Unicode does not decompose (ø, ß,
/// æ, ł …) replaced by plain ones, katakana by hiragana; then NFC, which composes kana and Hangul again.
#[must_use]
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|&c| !is_accent(c) && !is_invisible(c)) {
        for lower in c.to_lowercase().filter(|&c| !is_accent(c)) {
            push_plain(&mut folded, lower);
        }
    }
    folded.nfc().map(hiragana).collect()
}

/// The text in lower case and NFC, with white space normalised; accents and special letters stay: `mø` for `MØ`.
#[must_use]
pub(super) fn literal(text: &str) -> String {
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the character is a combining mark that people often do not type: those of Latin, Greek, Cyrillic, Hebrew and
/// Arabic. Vowel signs of Indic and South-East Asian scripts and the voicing marks of kana count as letters.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05c7}' | '\u{0610}'..='\u{061a}'
        | '\u{0640}' | '\u{064b}'..='\u{065f}' | '\u{0670}' | '\u{06d6}'..='\u{06ed}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether the character is invisible: joiners, directions, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends one lower-case character, replaced by plain letters where it has such a spelling.
fn push_plain(folded: &mut String, c: char) {
    match c {
        'ß' => folded.push_str("ss"),
        'æ' => folded.push_str("ae"),
        'œ' => folded.push_str("oe"),
        'þ' => folded.push_str("th"),
        'ø' | 'ɵ' => folded.push('o'),
        'ł' | 'ƚ' => folded.push('l'),
        'đ' | 'ð' | 'ɖ' | 'ɗ' => folded.push('d'),
        'ı' => folded.push('i'),
        'ŋ' => folded.push('n'),
        'ħ' => folded.push('h'),
        'ŧ' => folded.push('t'),
        'ĸ' => folded.push('k'),
        'ə' | 'ɛ' => folded.push('e'),
        'ɓ' | 'ƀ' => folded.push('b'),
        'ς' => folded.push('σ'),
        // Arabic and Persian variants of the same letter.
        'ٱ' => folded.push('ا'),
        'ى' | 'ی' => folded.push('ي'),
        'ة' => folded.push('ه'),
        'ک' => folded.push('ك'),
        // Typographic variants of the same sign.
        '‐' | '‑' | '‒' | '–' | '—' | '−' => folded.push('-'),
        '×' => folded.push('x'),
        c if c.is_control() => folded.push(' '),
        c => folded.push(c),
    }
}

/// Hiragana for katakana, so that each finds the other; other characters unchanged.
fn hiragana(c: char) -> char {
    match c {
        'ァ'..='ヶ' => u32::from(c).checked_sub(0x60).and_then(char::from_u32).unwrap_or(c),
        c => c,
    }
}

/// Whether a folded character is part of a word.
#[must_use]
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Whether the character is of a script written without spaces between words (or, as Korean, with long compounds), so
/// that words are found by pairs of neighbouring characters. Blocks as in the Unicode Character Database.
#[must_use]
pub(super) fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0fff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{309a}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{312f}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_removes_accents_case_and_variants() {
        for (text, folded) in [
            ("Björk", "bjork"),
            ("MØ", "mo"),
            ("Røyksopp", "royksopp"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("Ænima", "aenima"),
            ("Łódź", "lodz"),
            ("İstanbul ıssız", "istanbul issiz"),
            ("Þursaflokkurinn", "thursaflokkurinn"),
            ("Ｆｕｌｌ　ｗｉｄｔｈ１", "full width1"),
            ("ﾊﾟﾌｭｰﾑ", "ぱふゅーむ"),
            ("Ёлка", "елка"),
            ("Ὀδυσσεύς", "οδυσσευσ"),
            ("أُمّ كلثوم", "ام كلثوم"),
            ("שָׁלוֹם", "שלום"),
            ("방탄소년단", "방탄소년단"),
            ("हिन्दी", "हिन्दी"),
            ("ﬁnal", "final"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn the_literal_form_keeps_accents() {
        assert_eq!(literal("  MØ   live "), "mø live");
        assert_eq!(literal("Bjo\u{308}rk"), "björk");
        assert_ne!(literal("MØ"), literal("MO"));
    }
}
