//! One immutable segment of the index, opened for searching: finds the posting lists of a word.

use super::{
    schema::{ID, IndexFields, OWNER, PREFIX_CHARS_MAX, RANK, start_term},
    vocabulary::{Vocabulary, typos_allowed},
    words::Word,
};
use std::sync::Arc;
use tantivy::{
    DocId, SegmentReader, Term,
    columnar::Column,
    index::InvertedIndexReader,
    postings::{BlockSegmentPostings, TermInfo},
    schema::{Field, IndexRecordOption},
};

/// The most words of the dictionary that are used for one prefix or one misspelt word: the most frequent ones.
const TERMS_MAX: usize = 256;
/// How well a document matches a word of the query. Ordered: later is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Level {
    /// The word, or its beginning, with two typos.
    TwoTypos = 1,
    /// The word, or its beginning, with one typo.
    OneTypo,
    /// A word of which it is a prefix; it is not the last word of the query.
    Begun,
    /// A word of which it is a prefix; it is the last word of the query, which may be incomplete.
    Prefix,
    /// The word itself.
    Word,
}

/// Documents that match a word at the same level.
pub(super) struct MatchList {
    /// How well they match.
    pub level: Level,
    /// Whether the word is in their name.
    pub in_name: bool,
    /// The documents, in ascending order.
    pub postings: BlockSegmentPostings,
}

/// The part of a segment that is read once and kept in memory.
pub(super) struct Resident {
    /// Packed [`super::schema::Rank`] of each document: read for every match.
    pub(super) ranks: Vec<u16>,
    /// The words of [`super::schema::IndexFields::any`], in which misspelt words are searched.
    vocabulary: Vocabulary,
}

/// A segment with its open dictionaries and columns.
pub(super) struct Segment {
    /// The segment itself.
    pub(super) reader: SegmentReader,
    fields: IndexFields,
    name: Arc<InvertedIndexReader>,
    any: Arc<InvertedIndexReader>,
    name_prefix: Arc<InvertedIndexReader>,
    any_prefix: Arc<InvertedIndexReader>,
    whole: Arc<InvertedIndexReader>,
    /// The part that is kept in memory.
    pub(super) resident: Arc<Resident>,
    ids: Column<u64>,
    owners: Column<u64>,
}

impl Segment {
    /// Opens a segment; `known` is the memory part of an earlier opening of the same segment.
    ///
    /// # Errors
    /// Those of tantivy: the files are damaged or missing.
    pub(super) fn open(
        reader: SegmentReader,
        fields: IndexFields,
        known: Option<Arc<Resident>>,
    ) -> tantivy::Result<Self> {
        let column = |name: &str| reader.fast_fields().u64(name);
        let any = reader.inverted_index(fields.any)?;
        let resident = match known {
            Some(resident) => resident,
            None => Arc::new(Resident {
                ranks: read_ranks(&column(RANK)?, reader.max_doc()),
                vocabulary: read_vocabulary(&any)?,
            }),
        };
        Ok(Self {
            fields,
            name: reader.inverted_index(fields.name)?,
            any,
            name_prefix: reader.inverted_index(fields.name_prefix)?,
            any_prefix: reader.inverted_index(fields.any_prefix)?,
            whole: reader.inverted_index(fields.whole)?,
            resident,
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
    /// Those of tantivy, as in [`Segment::open`]; also for the methods below.
    pub(super) fn named(&self, key: &str) -> tantivy::Result<Option<BlockSegmentPostings>> {
        exact(&self.whole, self.fields.whole, key)
    }

    /// Documents whose squashed name begins with this text.
    ///
    /// # Errors
    /// As above.
    pub(super) fn starting(&self, squashed: &str) -> tantivy::Result<Option<BlockSegmentPostings>> {
        exact(&self.name_prefix, self.fields.name_prefix, &start_term(squashed))
    }

    /// The posting lists of a word, the best level first; `with_typos` adds those of similar words.
    ///
    /// # Errors
    /// As above.
    pub(super) fn lists(&self, word: &Word, with_typos: bool) -> tantivy::Result<Vec<MatchList>> {
        let mut lists = Vec::new();
        let mut push = |level, in_name, found: Vec<BlockSegmentPostings>| {
            lists.extend(found.into_iter().map(|postings| MatchList { level, in_name, postings }));
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
        if with_typos {
            let [one, two] = self.misspelt(word)?;
            push(Level::OneTypo, false, one);
            push(Level::TwoTypos, false, two);
        }
        Ok(lists)
    }

    /// The posting lists of words that differ from this one, or whose beginning does when it is open, by one typo and
    /// by two typos.
    fn misspelt(&self, word: &Word) -> tantivy::Result<[Vec<BlockSegmentPostings>; 2]> {
        let mut found = [Vec::new(), Vec::new()];
        let mut failure = None;
        self.resident.vocabulary.near(&word.text, typos_allowed(&word.text), word.open, |text, typos| {
            let info = self.any.terms().get(text);
            match (info, typos.checked_sub(1).and_then(|at| found.get_mut(at))) {
                (Ok(Some(info)), Some(of_typos)) => of_typos.push(info),
                (Err(error), _) => failure = Some(error),
                _ => {}
            }
        });
        if let Some(error) = failure {
            return Err(error.into());
        }
        let [one, two] = found;
        Ok([open(&self.any, one)?, open(&self.any, two)?])
    }
}

fn exact(index: &InvertedIndexReader, field: Field, text: &str) -> tantivy::Result<Option<BlockSegmentPostings>> {
    Ok(index.read_block_postings(&Term::from_field_text(field, text), IndexRecordOption::Basic)?)
}

/// The posting lists of the words of a dictionary that begin with a text.
fn beginning(index: &InvertedIndexReader, text: &str) -> tantivy::Result<Vec<BlockSegmentPostings>> {
    let mut terms = index.terms().range().ge(text).into_stream()?;
    let mut found = Vec::new();
    while terms.advance() && terms.key().starts_with(text.as_bytes()) {
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

fn read_ranks(column: &Column<u64>, max_doc: DocId) -> Vec<u16> {
    (0..max_doc).map(|doc| column.first(doc).and_then(|rank| u16::try_from(rank).ok()).unwrap_or_default()).collect()
}

fn read_vocabulary(index: &InvertedIndexReader) -> tantivy::Result<Vocabulary> {
    let mut vocabulary = Vocabulary::default();
    let mut terms = index.terms().stream()?;
    while let Some((word, _)) = terms.next() {
        if let Ok(word) = std::str::from_utf8(word)
            && word.chars().all(char::is_alphabetic)
        {
            vocabulary.push(word);
        }
    }
    Ok(vocabulary)
}
