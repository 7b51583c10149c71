//! The tokenizer: how names become the words of the index, and how a query becomes readings of words to look up.
//!
//! A folded text is cut at white space into *chunks*, a chunk into *runs*:
//! - a run of letters and digits is one word; `+` and `#` directly after it belong to it (`c++`, `f#`);
//! - a run of a script without spaces gives its pairs of neighbours and its last character (`東京事変` → `東京`, `京事`,
//!   `事変`, `変`), so that any part of it is found; Hangul pairs are spelt in jamo, so that half a syllable is a prefix;
//! - other signs only separate; apostrophes vanish (`don't` → `dont`).
//!
//! A chunk of several runs is indexed joined too (`AC/DC` → `ac`, `dc`, `acdc`), and, when a sign stands for a letter,
//! as it is spoken (`P!nk` → `p`, `nk`, `pnk`, `pink`). A chunk of signs alone is a word (`!!!`); `&` is the word `and`.

use super::fold::{fold, is_dense, is_letter, literal};
use unicode_normalization::UnicodeNormalization;

/// Characters of a name that are read; the rest of a longer one is not searchable.
const NAME_CHARS_MAX: usize = 400;
/// Characters of a query that are read.
pub const QUERY_CHARS_MAX: usize = 250;
/// Words of one reading of a query; later ones are left out.
pub(super) const QUERY_WORDS_MAX: usize = 12;
/// Bytes of one word; the rest is cut.
const WORD_BYTES_MAX: usize = 96;

/// What is looked up for one word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The folded text.
    pub text: String,
    /// The user may still be typing it: a longer word that starts with it is as good as can be.
    pub open: bool,
}

/// A query, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Every way to cut the query into words; a document has to contain all words of one of them.
    pub alternatives: Vec<Vec<Word>>,
    /// Keys of whole names that the query spells, see [`Keys`].
    pub keys: Keys,
}

/// Whole names, in three degrees of exactness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// As written, but for case; see [`literal`].
    pub literal: String,
    /// Folded chunks, joined by a space.
    pub folded: String,
    /// The letters alone, without a leading "the"; several when signs may be spoken. The first is the plain one.
    pub loose: Vec<String>,
}

struct Chunk {
    runs: Vec<Run>,
    /// The chunk's text; apostrophes are gone.
    text: String,
}

struct Run {
    text: String,
    dense: bool,
}

/// The words that a name is found by.
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
pub(super) fn name_keys(name: &str) -> Keys {
    keys(name, &chunks(name, NAME_CHARS_MAX))
}

/// Reads a query. An empty one, or one of white space, has no alternatives.
#[must_use]
pub(super) fn read_query(query: &str) -> Reading {
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
    Reading { alternatives, keys: keys(query, &chunks) }
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

/// Leaves out each "the" that other words follow: nobody has to type it, nor has a name to contain it.
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

/// The words of one run. A name's run of dense script also gives its last character, which starts no pair.
fn run_words(run: &Run, of_name: bool) -> Vec<String> {
    if !run.dense {
        return vec![cut(run.text.clone())];
    }
    let chars: Vec<char> = run.text.chars().collect();
    let pairs = chars.windows(2).map(jamo);
    let last = chars.last().filter(|_| of_name || chars.len() == 1).map(|last| jamo(&[*last]));
    pairs.chain(last).collect()
}

/// Characters with Hangul syllables spelt out in jamo, as `NFD` does; other scripts stay as they are.
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

/// A chunk with its signs spoken as the letters they stand for, when it has such signs: `p!nk`, `a$ap`, `$hort`.
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

fn keys(name: &str, chunks: &[Chunk]) -> Keys {
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
    Keys { literal: literal(&name.chars().take(NAME_CHARS_MAX).collect::<String>()), folded: texts.join(" "), loose }
}

/// The letters of all chunks, each chunk by `spelling` where that has one; the signs themselves when there are no letters.
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

/// The word, or as many whole characters as fit [`WORD_BYTES_MAX`].
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
    fn names_become_words() {
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
    fn queries_become_alternatives_of_words() {
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
