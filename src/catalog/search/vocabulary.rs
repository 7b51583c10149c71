//! The distinct words of a segment, in which words similar to a misspelt one are searched.
//!
//! Searching tantivy's dictionary with a Levenshtein automaton took 5 to 10 ms a word at 100,000 tracks. Here all words
//! are read: most are skipped by their length and their set of letters, the others are compared 64 letters at a time.
//! This takes a twentieth of the time.

use super::fold::is_dense;

/// Longer words, in letters, are not compared with typos: the comparison uses one bit of a machine word for each
/// letter.
const LETTERS_MAX: usize = 64;
/// The least number of letters of a word that may have one typo, and of one that may have two.
const TYPO_LETTERS_MIN: [usize; 2] = [4, 8];

/// The number of typos that a word may have. 0 for words with digits, because years and volume numbers are rarely
/// misspelt, and for scripts whose words are pairs of characters.
#[must_use]
pub(super) fn typos_allowed(word: &str) -> usize {
    let letters = word.chars().count();
    if letters > LETTERS_MAX || !word.chars().all(|c| c.is_alphabetic() && !is_dense(c)) {
        return 0;
    }
    TYPO_LETTERS_MIN.iter().filter(|min| letters >= **min).count()
}

/// All words in one string, with the length and the letters of each.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    text: String,
    entries: Vec<WordEntry>,
}

#[derive(Debug)]
struct WordEntry {
    /// The end of the word in `text`, in bytes.
    end: u32,
    /// See [`bits_of`].
    letters: u32,
    /// Characters of the word.
    length: u32,
}

impl Vocabulary {
    /// Adds a word.
    pub(super) fn push(&mut self, word: &str) {
        let length = word.chars().count();
        let end = self.text.len().saturating_add(word.len());
        if let (Ok(end), Ok(length)) = (u32::try_from(end), u32::try_from(length)) {
            self.text.push_str(word);
            self.entries.push(WordEntry { end, letters: bits_of(word), length });
        }
    }

    /// Calls `each` with every word that differs from this one by 1 to `typos` typos, and with the number of typos. If
    /// `open`, only the beginning of each word is compared.
    pub(super) fn near<'a>(&'a self, word: &str, typos: usize, open: bool, mut each: impl FnMut(&'a str, usize)) {
        let Some(pattern) = Pattern::of(word) else { return };
        let letters = bits_of(word);
        let typos = u32::try_from(typos).unwrap_or(0);
        let (shortest, longest) = (pattern.length.saturating_sub(typos), pattern.length.saturating_add(typos));
        let mut start = 0;
        for entry in &self.entries {
            let from = std::mem::replace(&mut start, entry.end);
            let fits = entry.length >= shortest
                && (open || entry.length <= longest)
                && (letters & !entry.letters).count_ones() <= typos
                && (open || (entry.letters & !letters).count_ones() <= typos);
            if !fits {
                continue;
            }
            let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(entry.end).unwrap_or(usize::MAX);
            let Some(candidate) = self.text.get(range) else { continue };
            let distance = pattern.distance(candidate, open, longest);
            if (1..=typos).contains(&distance) {
                each(candidate, usize::try_from(distance).unwrap_or(usize::MAX));
            }
        }
    }
}

/// The set of letters of a word: one bit for each of 26 Latin letters, six bits for all others. Each letter that only
/// one of two words has is at least one typo.
fn bits_of(word: &str) -> u32 {
    let bit = |c: char| match c {
        'a'..='z' => u32::from(c).saturating_sub(u32::from('a')),
        c => 26_u32.saturating_add(u32::from(c) % 6),
    };
    word.chars().fold(0, |bits, c| bits | 1 << bit(c))
}

/// A word prepared for comparison: the positions of each of its letters, as bits.
struct Pattern {
    ascii: [u64; 128],
    others: Vec<(char, u64)>,
    length: u32,
}

impl Pattern {
    fn of(word: &str) -> Option<Self> {
        let length = u32::try_from(word.chars().count()).ok().filter(|length| (1..=64).contains(length))?;
        let mut pattern = Self { ascii: [0; 128], others: Vec::new(), length };
        for (at, c) in word.chars().enumerate() {
            let bit = 1_u64 << at;
            if let Some(places) = usize::try_from(u32::from(c)).ok().and_then(|code| pattern.ascii.get_mut(code)) {
                *places |= bit;
            } else if let Some((_, places)) = pattern.others.iter_mut().find(|(other, _)| *other == c) {
                *places |= bit;
            } else {
                pattern.others.push((c, bit));
            }
        }
        Some(pattern)
    }

    fn places(&self, c: char) -> u64 {
        let ascii = usize::try_from(u32::from(c)).ok().and_then(|code| self.ascii.get(code));
        ascii
            .copied()
            .or_else(|| self.others.iter().find(|(other, _)| *other == c).map(|(_, places)| *places))
            .unwrap_or(0)
    }

    /// The number of insertions, deletions, substitutions and swaps of neighbours between the word and `text`. If
    /// `open`, that to the nearest prefix of `text`, of which at most `longest` characters are read.
    ///
    /// H. Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003, figure 6: the
    /// columns of the matrix of distances as bit vectors of their vertical differences.
    fn distance(&self, text: &str, open: bool, longest: u32) -> u32 {
        let last = 1_u64 << self.length.saturating_sub(1);
        let (mut plus, mut minus, mut diagonal, mut before) = (u64::MAX, 0_u64, 0_u64, 0_u64);
        let mut distance = self.length;
        let mut nearest = distance;
        for (c, _) in text.chars().zip(0..longest) {
            let places = self.places(c);
            let swapped = ((!diagonal & places) << 1) & before;
            diagonal = ((places & plus).wrapping_add(plus) ^ plus) | places | minus | swapped;
            let across_plus = minus | !(diagonal | plus);
            let across_minus = diagonal & plus;
            if across_plus & last != 0 {
                distance = distance.saturating_add(1);
            } else if across_minus & last != 0 {
                distance = distance.saturating_sub(1);
            }
            nearest = nearest.min(distance);
            let shifted = across_plus << 1 | 1;
            plus = across_minus << 1 | !(diagonal | shifted);
            minus = shifted & diagonal;
            before = places;
        }
        if open { nearest } else { distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook matrix of "optimal string alignment" distances; the last row has those to each prefix of `text`.
    fn matrix(word: &str, text: &str) -> Vec<usize> {
        let (word, text): (Vec<char>, Vec<char>) = (word.chars().collect(), text.chars().collect());
        let mut rows = vec![(0..=text.len()).collect::<Vec<_>>()];
        for i in 1..=word.len() {
            let mut row = vec![i];
            for j in 1..=text.len() {
                let same = usize::from(word[i - 1] != text[j - 1]);
                let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
                if i > 1 && j > 1 && word[i - 1] == text[j - 2] && word[i - 2] == text[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                row.push(least);
            }
            rows.push(row);
        }
        rows.pop().expect("a row")
    }

    proptest! {
        #[test]
        fn the_bit_vector_search_agrees_with_the_textbook(
            word in "[abcé]{1,10}", texts in prop::collection::vec("[abcéж]{1,12}", 1..20), typos in 1..3_usize, open: bool
        ) {
            let mut vocabulary = Vocabulary::default();
            for text in &texts {
                vocabulary.push(text);
            }
            let mut found = Vec::new();
            vocabulary.near(&word, typos, open, |text, typos| found.push((text.to_owned(), typos)));
            let expected = texts.iter().filter_map(|text| {
                let row = matrix(&word, text);
                let distance = if open { *row.iter().min()? } else { *row.last()? };
                (1..=typos).contains(&distance).then(|| (text.clone(), distance))
            });
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn short_words_and_numbers_have_no_typos() {
        for (word, typos) in
            [("abc", 0), ("abba", 1), ("beatles", 1), ("bohemian", 2), ("1984", 0), ("東京事変", 0), ("кино", 1)]
        {
            assert_eq!(typos_allowed(word), typos, "{word}");
        }
        assert_eq!(typos_allowed(&"x".repeat(65)), 0);
    }
}
