//! The tokenizer: splits names into the words of the index, and queries into alternative readings of words to look up.
//!
//! A folded text is split at white space into *chunks*, a chunk into *runs*:
//! - a run of letters and digits is one word; `+` and `#` directly after it belong to it (`c++`, `f#`);
//! - a run of a script without spaces yields its pairs of neighbours and its last character (`東京事変` → `東京`, `京事`,
//!   `事変`, `変`), so that any part of it is found; Hangul pairs are spelt in jamo, so that half a syllable is a prefix;
//! - other signs only separate runs; apostrophes are removed (`don't` → `dont`).
//!
//! A chunk of several runs is also indexed with its runs joined (`AC/DC` → `ac`, `dc`, `acdc`), and, when a sign is
//! used as a letter, with that letter (`P!nk` → `p`, `nk`, `pnk`, `pink`). A chunk that has only signs is a word
//! (`!!!`); `&` is the word `and`.

use super::fold::{fold, is_dense, is_letter, literal};
use unicode_normalization::UnicodeNormalization;

/// The characters of a name that are indexed; the rest of a longer name cannot be searched.
const NAME_CHARS_MAX: usize = 400;
/// The characters of a query that are used; the rest is ignored.
pub const QUERY_CHARS_MAX: usize = 250;
/// The words of one reading of a query; later ones are ignored.
pub(super) const QUERY_WORDS_MAX: usize = 12;
/// The bytes of one word; the rest is cut off.
const WORD_BYTES_MAX: usize = 96;

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The folded text.
    pub text: String,
    /// Whether it is the last word, which the user may not have typed completely: longer words that begin with it
    /// match.
    pub open: bool,
}

/// A parsed query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ParsedQuery {
    /// The possible ways to split the query into words. A document matches when it contains all words of one of them.
    pub alternatives: Vec<Vec<Word>>,
    /// The keys of whole names that equal the query, see [`NameKeys`].
    pub keys: NameKeys,
}

/// The keys of a whole name, in three degrees of exactness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NameKeys {
    /// The text without case; see [`literal`].
    pub literal: String,
    /// The folded chunks, joined by spaces.
    pub folded: String,
    /// Only the letters, without a leading "the"; several when signs are used as letters. The first one ignores signs.
    pub loose: Vec<String>,
}

struct Chunk {
    runs: Vec<Run>,
    /// The chunk's text without apostrophes.
    text: String,
}

struct Run {
    text: String,
    dense: bool,
}

/// The words by which a name is found.
#[must_use]
pub(super) fn name_words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in chunks(name, NAME_CHARS_MAX) {
        match chunk.runs.as_slice() {
            [] => words.push(sign_word(&chunk.text)),
            runs => {
                words.extend(runs.iter().flat_map(|run| run_words(run, true)));
                words.extend(joined(&chunk));
                words.extend(spoken(&chunk));
            }
        }
    }
    words
}

/// The keys of a whole name.
#[must_use]
pub(super) fn name_keys(name: &str) -> NameKeys {
    keys(name, &chunks(name, NAME_CHARS_MAX))
}

/// Parses a query. An empty query, or one of white space, has no alternatives.
#[must_use]
pub(super) fn read_query(query: &str) -> ParsedQuery {
    let chunks = chunks(query, QUERY_CHARS_MAX);
    let mut alternatives: Vec<Vec<Word>> = Vec::new();
    let lettered: Vec<&Chunk> = chunks.iter().filter(|chunk| !chunk.runs.is_empty()).collect();
    if lettered.is_empty() {
        let signs: Vec<String> = chunks.iter().map(|chunk| sign_word(&chunk.text)).collect();
        push_alternative(&mut alternatives, signs);
    } else {
        let kept = without_articles(&lettered);
        let apart = kept.iter().flat_map(|chunk| chunk.runs.iter().flat_map(|run| run_words(run, false)));
        push_alternative(&mut alternatives, apart.collect());
        for other in [joined, spoken] {
            let words = kept.iter().flat_map(|chunk| match other(chunk) {
                Some(word) => vec![word],
                None => chunk.runs.iter().flat_map(|run| run_words(run, false)).collect(),
            });
            push_alternative(&mut alternatives, words.collect());
        }
    }
    ParsedQuery { alternatives, keys: keys(query, &chunks) }
}

fn push_alternative(alternatives: &mut Vec<Vec<Word>>, texts: Vec<String>) {
    let last = texts.len().saturating_sub(1);
    let mut words: Vec<Word> = Vec::new();
    for (at, text) in texts.into_iter().enumerate() {
        match words.iter_mut().find(|word| word.text == text) {
            Some(twin) => twin.open = twin.open && at == last,
            None => words.push(Word { text, open: at == last }),
        }
    }
    words.truncate(QUERY_WORDS_MAX);
    if !words.is_empty() && !alternatives.contains(&words) {
        alternatives.push(words);
    }
}

/// Removes each "the" that is followed by other words, so that it is needed neither in the query nor in the name.
fn without_articles<'a>(chunks: &[&'a Chunk]) -> Vec<&'a Chunk> {
    let last = chunks.len().saturating_sub(1);
    chunks
        .iter()
        .enumerate()
        .filter(|(at, chunk)| *at == last || chunk.text != "the")
        .map(|(_, chunk)| *chunk)
        .collect()
}

fn chunks(text: &str, chars_max: usize) -> Vec<Chunk> {
    let cut: String = text.chars().take(chars_max).collect();
    let folded = fold(&cut);
    folded.split_whitespace().map(chunk).filter(|chunk| !chunk.text.is_empty()).collect()
}

fn chunk(text: &str) -> Chunk {
    let text: String = text.chars().filter(|c| !matches!(c, '\'' | '’' | '‘' | 'ʼ' | 'ʻ' | '`' | '´' | 'ʹ')).collect();
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let dense = is_dense(c);
        let letter = is_letter(c) || dense;
        let ends_word = |next: Option<&char>| next.is_none_or(|&next| !is_letter(next));
        let sticky = open && matches!(c, '+' | '#') && ends_word(rest.peek());
        match runs.last_mut() {
            Some(run) if open && ((letter && run.dense == dense) || (sticky && !run.dense)) => run.text.push(c),
            _ if letter => runs.push(Run { text: c.to_string(), dense }),
            _ => {}
        }
        open = letter || sticky;
    }
    Chunk { runs, text }
}

/// The words of one run. A name's run of a script without spaces also yields its last character, which begins no pair.
fn run_words(run: &Run, of_name: bool) -> Vec<String> {
    if !run.dense {
        return vec![cut(run.text.clone())];
    }
    let chars: Vec<char> = run.text.chars().collect();
    let pairs = chars.windows(2).map(jamo);
    let last = chars.last().filter(|_| of_name || chars.len() == 1).map(|last| jamo(&[*last]));
    pairs.chain(last).collect()
}

/// The characters with Hangul syllables decomposed into jamo, as `NFD` does; other scripts unchanged.
fn jamo(chars: &[char]) -> String {
    let mut spelt = String::new();
    for &c in chars {
        if ('\u{ac00}'..='\u{d7a3}').contains(&c) {
            spelt.extend(std::iter::once(c).nfd());
        } else {
            spelt.push(c);
        }
    }
    spelt
}

/// All runs of a chunk as one word, when it has several.
fn joined(chunk: &Chunk) -> Option<String> {
    let several = chunk.runs.len() > 1 && chunk.runs.iter().all(|run| !run.dense);
    several.then(|| cut(chunk.runs.iter().map(|run| run.text.as_str()).collect()))
}

/// A chunk with its signs replaced by the letters they are used for, when it has such signs: `p!nk`, `a$ap`, `$hort`.
fn spoken(chunk: &Chunk) -> Option<String> {
    if chunk.runs.iter().any(|run| run.dense) {
        return None;
    }
    let mut changed = false;
    let mut text = String::new();
    let mut rest = chunk.text.chars().peekable();
    while let Some(c) = rest.next() {
        let before_letter = rest.peek().is_some_and(|&next| is_letter(next));
        let letter = match c {
            '$' => Some('s'),
            '!' | '¡' if before_letter => Some('i'),
            '@' if before_letter => Some('a'),
            '€' if before_letter => Some('e'),
            _ => None,
        };
        changed |= letter.is_some();
        text.extend(letter.or(is_letter(c).then_some(c)));
    }
    changed.then(|| cut(text))
}

fn sign_word(text: &str) -> String {
    if text == "&" { "and".to_owned() } else { cut(text.to_owned()) }
}

fn keys(name: &str, chunks: &[Chunk]) -> NameKeys {
    let texts: Vec<String> =
        chunks.iter().map(|chunk| if chunk.text == "&" { "and".to_owned() } else { chunk.text.clone() }).collect();
    let bare = match chunks {
        [first, rest @ ..] if first.text == "the" && !rest.is_empty() => rest,
        all => all,
    };
    let plain = squash(bare, |_| None);
    let aloud = squash(bare, spoken);
    let mut loose = vec![plain];
    if !loose.contains(&aloud) {
        loose.push(aloud);
    }
    NameKeys {
        literal: literal(&name.chars().take(NAME_CHARS_MAX).collect::<String>()),
        folded: texts.join(" "),
        loose,
    }
}

/// The letters of all chunks, each replaced by its `spelling` if it has one; the signs when there are no letters.
fn squash(chunks: &[Chunk], spelling: impl Fn(&Chunk) -> Option<String>) -> String {
    let letters: String = chunks
        .iter()
        .map(|chunk| match chunk.runs.as_slice() {
            [] if chunk.text == "&" => "and".to_owned(),
            runs => spelling(chunk).unwrap_or_else(|| runs.iter().map(|run| run.text.as_str()).collect()),
        })
        .collect();
    if letters.is_empty() { chunks.iter().map(|chunk| chunk.text.as_str()).collect() } else { letters }
}

/// The word, cut after the last whole character within [`WORD_BYTES_MAX`].
fn cut(mut word: String) -> String {
    let end = word.floor_char_boundary(WORD_BYTES_MAX);
    word.truncate(end);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> String {
        let alternative = |words: &Vec<Word>| {
            let words = words.iter().map(|word| format!("{}{}", word.text, if word.open { "…" } else { "" }));
            words.collect::<Vec<_>>().join(" ")
        };
        read_query(text).alternatives.iter().map(alternative).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn names_are_split_into_words() {
        for (name, words) in [
            ("The Beatles", "the beatles"),
            ("Don't Stop Me Now", "dont stop me now"),
            ("AC/DC", "ac dc acdc"),
            ("P!nk", "p nk pnk pink"),
            ("A$AP Rocky", "a ap aap asap rocky"),
            ("C++", "c++"),
            ("F# A# ∞", "f# a# ∞"),
            ("!!!", "!!!"),
            ("Simon & Garfunkel", "simon and garfunkel"),
            ("Wham!", "wham"),
            ("M.I.A.", "m i a mia"),
            ("東京事変", "東京 京事 事変 変"),
            ("椎名", "椎名 名"),
            ("J-POP東京", "j pop 東京 京"),
            ("ไทย", "ไท ทย ย"),
        ] {
            assert_eq!(name_words(name).join(" "), words, "{name}");
        }
    }

    #[test]
    fn queries_are_split_into_alternatives_of_words() {
        for (text, read) in [
            ("", ""),
            ("   ", ""),
            ("queen bohem", "queen bohem…"),
            ("the beatles", "beatles…"),
            ("the", "the…"),
            ("The The", "the…"),
            ("ac/dc", "ac dc… | acdc…"),
            ("P!nk", "p nk… | pnk… | pink…"),
            ("c++", "c++…"),
            ("!!!", "!!!…"),
            ("simon & gar", "simon gar…"),
            ("東京事", "東京 京事…"),
            ("京", "京…"),
            ("love love", "love"),
        ] {
            assert_eq!(query(text), read, "{text}");
        }
    }

    #[test]
    fn whole_names_have_keys() {
        let keys = name_keys("The P!nk  Panther");
        assert_eq!((keys.literal.as_str(), keys.folded.as_str()), ("the p!nk panther", "the p!nk panther"));
        assert_eq!(keys.loose, ["pnkpanther", "pinkpanther"]);
        assert_eq!(name_keys("The The").loose, ["the"]);
        assert_eq!(name_keys("The").loose, ["the"]);
        assert_eq!(name_keys("C++").loose, ["c++"]);
        assert_eq!(name_keys("!!!").loose, ["!!!"]);
        assert_eq!(name_keys("MØ").folded, "mo");
    }

    #[test]
    fn a_query_is_bounded() {
        let long = "word1 ".repeat(100_000) + &"x".repeat(100_000);
        let reading = read_query(&long);
        assert!(reading.alternatives.iter().all(|words| words.len() <= QUERY_WORDS_MAX));
        assert!(read_query(&"字".repeat(1000)).alternatives.iter().all(|words| words.len() <= QUERY_WORDS_MAX));
    }
}
