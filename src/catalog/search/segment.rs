//! One immutable segment of the index, opened for searching: where a word's documents are listed.

use super::{
    schema::{Fields, ID, OWNER, PREFIX_CHARS_MAX, RANK, start_term},
    words::Word,
};
use std::sync::Arc;
use tantivy::{
    DocId, SegmentReader, Term,
    columnar::Column,
    index::InvertedIndexReader,
    postings::{BlockSegmentPostings, TermInfo},
    query::FuzzyTermQuery,
    schema::{Field, IndexRecordOption},
};

/// Words of the dictionary that one prefix or one misspelt word may stand for, the most frequent first.
const TERMS_MAX: usize = 256;
/// Words of the dictionary that are looked at to find those.
const TERMS_SEEN_MAX: usize = 20_000;
/// Letters of the shortest word that may have one typo, and two.
const TYPO_LETTERS_MIN: [usize; 2] = [4, 8];

/// How well a document has a word of the query. Ordered: later is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Level {
    /// A word with two typos, or a word that begins so.
    TwoTypos = 1,
    /// A word with one typo, or a word that begins so.
    OneTypo,
    /// A word that begins with it, though the user has gone on to another.
    Begun,
    /// A word that begins with it, and the user may be about to type the rest.
    Prefix,
    /// The very word.
    Word,
}

/// Documents that have a word, all in the same way.
pub(super) struct List {
    /// How they have it.
    pub level: Level,
    /// They have it in their name.
    pub in_name: bool,
    /// The documents, in rising order.
    pub postings: BlockSegmentPostings,
}

/// A segment with its dictionaries and columns at hand.
pub(super) struct Segment {
    /// The segment itself.
    pub reader: SegmentReader,
    fields: Fields,
    name: Arc<InvertedIndexReader>,
    any: Arc<InvertedIndexReader>,
    name_prefix: Arc<InvertedIndexReader>,
    any_prefix: Arc<InvertedIndexReader>,
    whole: Arc<InvertedIndexReader>,
    /// Packed [`super::schema::Rank`] of each document: read for every match, so kept in memory.
    pub ranks: Arc<[u16]>,
    ids: Column<u64>,
    owners: Column<u64>,
}

impl Segment {
    /// Opens a segment; `known` are the ranks that an earlier opening of the same segment read.
    ///
    /// # Errors
    /// Of tantivy: the files are damaged or gone.
    pub(super) fn open(reader: SegmentReader, fields: Fields, known: Option<Arc<[u16]>>) -> tantivy::Result<Self> {
        let column = |name: &str| reader.fast_fields().u64(name);
        let ranks = match known {
            Some(ranks) => ranks,
            None => read_ranks(&column(RANK)?, reader.max_doc()),
        };
        Ok(Self {
            fields,
            name: reader.inverted_index(fields.name)?,
            any: reader.inverted_index(fields.any)?,
            name_prefix: reader.inverted_index(fields.name_prefix)?,
            any_prefix: reader.inverted_index(fields.any_prefix)?,
            whole: reader.inverted_index(fields.whole)?,
            ranks,
            ids: column(ID)?,
            owners: column(OWNER)?,
            reader,
        })
    }

    /// The id of a document.
    #[must_use]
    pub(super) fn id(&self, doc: DocId) -> u64 {
        self.ids.first(doc).unwrap_or_default()
    }

    /// The user who may find a private document.
    #[must_use]
    pub(super) fn owner(&self, doc: DocId) -> u64 {
        self.owners.first(doc).unwrap_or_default()
    }

    /// Documents whose whole name has this key of [`super::schema::whole_terms`].
    ///
    /// # Errors
    /// Of tantivy, as in [`Segment::open`]; so for the methods below.
    pub(super) fn named(&self, key: &str) -> tantivy::Result<Option<BlockSegmentPostings>> {
        exact(&self.whole, self.fields.whole, key)
    }

    /// Documents whose squashed name begins like this.
    ///
    /// # Errors
    /// As above.
    pub(super) fn starting(&self, squashed: &str) -> tantivy::Result<Option<BlockSegmentPostings>> {
        exact(&self.name_prefix, self.fields.name_prefix, &start_term(squashed))
    }

    /// The documents that have a word, best first; with up to `typos` letters wrong if the word is long enough.
    ///
    /// # Errors
    /// As above.
    pub(super) fn lists(&self, word: &Word, typos: u8) -> tantivy::Result<Vec<List>> {
        let mut lists = Vec::new();
        let mut push = |level, in_name, found: Vec<BlockSegmentPostings>| {
            lists.extend(found.into_iter().map(|postings| List { level, in_name, postings }));
        };
        let begun = if word.open { Level::Prefix } else { Level::Begun };
        push(Level::Word, true, exact(&self.name, self.fields.name, &word.text)?.into_iter().collect());
        push(Level::Word, false, exact(&self.any, self.fields.any, &word.text)?.into_iter().collect());
        if word.text.chars().count() <= PREFIX_CHARS_MAX {
            let in_name = exact(&self.name_prefix, self.fields.name_prefix, &word.text)?;
            push(begun, true, in_name.into_iter().collect());
            push(begun, false, exact(&self.any_prefix, self.fields.any_prefix, &word.text)?.into_iter().collect());
        } else {
            push(begun, true, beginning(&self.name, &word.text)?);
            push(begun, false, beginning(&self.any, &word.text)?);
        }
        for (distance, level) in [(1, Level::OneTypo), (2, Level::TwoTypos)] {
            if distance <= typos_allowed(&word.text).min(typos) {
                push(level, false, self.misspelt(word, distance)?);
            }
        }
        Ok(lists)
    }

    /// Documents with a word at most `distance` typos from this one, or that begins so when the word is open.
    fn misspelt(&self, word: &Word, distance: u8) -> tantivy::Result<Vec<BlockSegmentPostings>> {
        let letters = word.text.chars().count();
        let short = letters.saturating_add(usize::from(distance)) <= PREFIX_CHARS_MAX;
        let term = Term::from_field_text(self.fields.any, &word.text);
        let (index, query) = match word.open {
            true if short => (&self.any_prefix, FuzzyTermQuery::new(term, distance, true)),
            true => (&self.any, FuzzyTermQuery::new_prefix(term, distance, true)),
            false => (&self.any, FuzzyTermQuery::new(term, distance, true)),
        };
        let mut terms = index.terms().search(query.automaton()?).into_stream()?;
        let mut found = Vec::new();
        while found.len() < TERMS_SEEN_MAX && terms.advance() {
            found.push(terms.value().clone());
        }
        open(index, found)
    }
}

/// Typos that a word may have: none in one with digits, for years and volumes are not misspelt.
#[must_use]
pub(super) fn typos_allowed(word: &str) -> u8 {
    if !word.chars().all(char::is_alphabetic) {
        return 0;
    }
    let letters = word.chars().count();
    TYPO_LETTERS_MIN.iter().zip(1..).filter(|(min, _)| letters >= **min).map(|(_, typos)| typos).max().unwrap_or(0)
}

fn exact(index: &InvertedIndexReader, field: Field, text: &str) -> tantivy::Result<Option<BlockSegmentPostings>> {
    Ok(index.read_block_postings(&Term::from_field_text(field, text), IndexRecordOption::Basic)?)
}

/// The lists of the words of a dictionary that begin with a text.
fn beginning(index: &InvertedIndexReader, text: &str) -> tantivy::Result<Vec<BlockSegmentPostings>> {
    let mut terms = index.terms().range().ge(text).into_stream()?;
    let mut found = Vec::new();
    while found.len() < TERMS_SEEN_MAX && terms.advance() && terms.key().starts_with(text.as_bytes()) {
        found.push(terms.value().clone());
    }
    open(index, found)
}

fn open(index: &InvertedIndexReader, mut terms: Vec<TermInfo>) -> tantivy::Result<Vec<BlockSegmentPostings>> {
    if terms.len() > TERMS_MAX {
        terms.sort_by_key(|term| std::cmp::Reverse(term.doc_freq));
        terms.truncate(TERMS_MAX);
    }
    let open = |term: &TermInfo| Ok(index.read_block_postings_from_terminfo(term, IndexRecordOption::Basic)?);
    terms.iter().map(open).collect()
}

fn read_ranks(column: &Column<u64>, max_doc: DocId) -> Arc<[u16]> {
    (0..max_doc).map(|doc| column.first(doc).and_then(|rank| u16::try_from(rank).ok()).unwrap_or_default()).collect()
}
