//! A generated library for benchmarks: documents and queries from a seed, with the statistics that matter to search.
//!
//! Words follow Zipf's law over a vocabulary that grows with the library; frequent ones are short. One artist in eight
//! has names in Cyrillic, Japanese or Korean. Few documents are popular. Each query is what a user would type to find
//! one document.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "numbers of a generator, far from their limits"
)]

use rand::{Rng, RngExt as _, SeedableRng as _, rngs::StdRng};
use segue::values::document::{Document, ItemKind};
use std::collections::HashSet;

/// The most frequent words of titles, which have the longest posting lists.
const COMMON: [&str; 24] = [
    "the", "you", "of", "love", "a", "in", "me", "to", "my", "i", "on", "la", "de", "it", "is", "all", "don't", "time",
    "be", "night", "your", "for", "no", "we",
];
const ONSETS: [&str; 24] = [
    "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "ch", "sh", "st", "tr",
    "gr", "",
];
const VOWELS: [&str; 12] = ["a", "e", "i", "o", "u", "ea", "ou", "ai", "y", "é", "ö", "ø"];
const CODAS: [&str; 12] = ["", "", "", "n", "r", "s", "l", "t", "m", "ck", "nd", "ng"];

/// A generated library.
pub(crate) struct Library {
    /// All documents.
    pub(crate) documents: Vec<Document>,
    /// Queries, each with the index in `documents` of the document it is meant to find.
    pub(crate) queries: Vec<(String, usize)>,
}

/// A library of `tracks` tracks, with one album for 11 tracks, one artist for 40 tracks, and 200 queries.
pub(crate) fn generate(tracks: usize, seed: u64) -> Library {
    let mut rng = StdRng::seed_from_u64(seed);
    let vocabulary = Vocabulary { words: 60.0 * (tracks as f64 * 4.0).sqrt() };
    let mut documents = Vec::new();
    let mut taken = HashSet::new();
    let mut id = || loop {
        let id: u64 = rng_id(seed, taken.len());
        if taken.insert(id) {
            return id;
        }
    };
    let mut put = |kind, name: &str, others: &[&str], popularity: f64| {
        let others = others.iter().map(ToString::to_string).collect();
        let popularity = popularity.clamp(0.0, 100.0) as u8;
        documents.push(Document { kind, id: id(), name: name.to_owned(), others, popularity, private_to: None });
    };
    let mut made = 0;
    while made < tracks {
        let script = Script::of(&mut rng);
        let artist = vocabulary.name(script, 1..4, &mut rng);
        let fame = 100.0 * rng.random::<f64>().powi(4);
        put(ItemKind::Artist, &artist, &[], fame);
        let albums = 1 + (rng.random::<f64>().powi(3) * 14.0) as usize;
        for _ in 0..albums {
            let album = vocabulary.name(script, 1..5, &mut rng);
            put(ItemKind::Album, &album, &[&artist], fame * rng.random::<f64>());
            for _ in 0..rng.random_range(6..17_usize).min(tracks - made) {
                let track = vocabulary.name(script, 1..7, &mut rng);
                put(ItemKind::Track, &track, &[&artist, &album], fame * rng.random::<f64>());
                made += 1;
            }
        }
    }
    for _ in 0..=tracks / 5_000 {
        put(ItemKind::Playlist, &vocabulary.name(Script::Latin, 1..4, &mut rng), &[], 0.0);
    }
    let queries = (0..200).map(|_| query(&documents, &mut rng)).collect();
    Library { documents, queries }
}

/// A pseudo-random id for each position; the same for the same seed.
fn rng_id(seed: u64, place: usize) -> u64 {
    StdRng::seed_from_u64(seed ^ (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).next_u64()
}

fn query(documents: &[Document], rng: &mut StdRng) -> (String, usize) {
    loop {
        let at = rng.random_range(0..documents.len());
        let document = &documents[at];
        let first = |text: &str, words: usize| text.split(' ').take(words).collect::<Vec<_>>().join(" ");
        let text = match (document.others.first(), rng.random_range(0..4)) {
            (Some(artist), 0) => format!("{} {}", first(artist, 2), first(&document.name, 2)),
            (Some(artist), 1) => format!("{} {}", first(&document.name, 1), first(artist, 2)),
            _ => document.name.clone(),
        };
        // As users type: lower case, in half of the queries without accents.
        let text = if rng.random() { text.replace('é', "e").replace(['ö', 'ø'], "o") } else { text };
        if text.chars().count() >= 2 {
            return (text.chars().take(30).collect::<String>().to_lowercase(), at);
        }
    }
}

/// The text with one random typo in each word of four letters or more; `None` when it has no such word.
pub(crate) fn misspell(text: &str, rng: &mut impl Rng) -> Option<String> {
    let mut changed = false;
    let words = text.split(' ').map(|word| {
        let mut letters: Vec<char> = word.chars().collect();
        if letters.len() < 4 || !word.is_ascii() {
            return word.to_owned();
        }
        changed = true;
        let at = rng.random_range(1..letters.len() - 1);
        match rng.random_range(0..4) {
            0 => letters.swap(at, at + 1),
            1 => drop(letters.remove(at)),
            2 => letters.insert(at, 'e'),
            _ => letters[at] = 'x',
        }
        letters.into_iter().collect()
    });
    let text = words.collect::<Vec<String>>().join(" ");
    changed.then_some(text)
}

#[derive(Clone, Copy)]
enum Script {
    Latin,
    Cyrillic,
    Japanese,
    Korean,
}

impl Script {
    fn of(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..40) {
            0 | 1 => Self::Cyrillic,
            2 | 3 => Self::Japanese,
            4 => Self::Korean,
            _ => Self::Latin,
        }
    }
}

/// Words by rank. They are not stored: the word is computed from its rank.
struct Vocabulary {
    words: f64,
}

impl Vocabulary {
    fn name(&self, script: Script, words: std::ops::Range<usize>, rng: &mut impl Rng) -> String {
        let count = rng.random_range(words);
        let words = (0..count).map(|_| {
            // The inverse of Zipf's law with exponent 1.
            let rank = self.words.powf(rng.random()) as u64;
            word(script, rank)
        });
        let separator = if matches!(script, Script::Japanese) { "" } else { " " };
        words.collect::<Vec<_>>().join(separator)
    }
}

fn word(script: Script, rank: u64) -> String {
    let mut rng = StdRng::seed_from_u64(rank);
    let mut letters = |first: u32, count: u32, length: usize| -> String {
        (0..length).filter_map(|_| char::from_u32(first + rng.random_range(0..count))).collect()
    };
    let length = 2 + rank.checked_ilog(8).unwrap_or(0) as usize;
    match script {
        Script::Cyrillic => letters(0x430, 32, length + 1),
        Script::Japanese if rank.is_multiple_of(3) => letters(0x3042, 70, length),
        Script::Japanese => letters(0x4e00, 2_000, 2),
        Script::Korean => letters(0xac00, 11_172, 2),
        Script::Latin => COMMON.get(rank as usize).map_or_else(|| latin(rank, &mut rng), |common| capital(common)),
    }
}

/// A word of Latin syllables, more for rarer words; one word in ten has an accent.
fn latin(rank: u64, rng: &mut StdRng) -> String {
    let mut word = String::new();
    for _ in 0..=rank.ilog2() / 5 {
        for parts in [&ONSETS[..], &VOWELS[..9], &CODAS[..]] {
            word += parts[rng.random_range(0..parts.len())];
        }
    }
    if rank.is_multiple_of(10) {
        word += VOWELS[9 + rank as usize / 10 % 3];
    }
    capital(&word)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
