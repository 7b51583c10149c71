//! Finds and scores the documents of a segment that match a query, with an array of one cell for each document.
//!
//! The words are processed one after the other, each with its best posting lists first: the first list that contains a
//! document determines how well the document matches the word. The cost is a few nanoseconds for each entry of each
//! list, for any number of lists; a prefix or a misspelt word has hundreds. A tree of unions would need a heap for
//! them.

use super::{
    schema::{Exactness, whole_terms},
    segment::{Level, MatchList, Segment},
    words::{ParsedQuery, Word},
};
use tantivy::{DocId, postings::BlockSegmentPostings};

/// When a list is this many times longer than the candidates, each candidate is searched for in it (seeking), instead
/// of reading the whole list.
const SEEK_RATIO: usize = 24;
/// The lift of names that begin with the whole query, and the lift of names that contain all words of it; see
/// [`super::ranking`].
const START_LIFT: u32 = 120;
const NAME_LIFT: u32 = 80;
/// The unit of a score's class; the class is the more significant part of a [`MatchScore`].
pub(super) const CLASS: u32 = 1 << 16;

/// How well a document matches: [`CLASS`] times its class, plus its lift. The class is the lowest [`Level`] among the
/// words, or a higher number for an exact name. 0 is no match.
pub(super) type MatchScore = u32;

/// Working memory of one search at a time; it has as many cells as the longest segment has documents.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    cells: Vec<Cell>,
    scores: Vec<MatchScore>,
    matched: Vec<DocId>,
}

/// The state of one document while the words are processed.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// How many words of the query it has matched so far.
    words: u8,
    /// The lowest level among them.
    level: u8,
    /// How many of them its name contains.
    in_name: u8,
}

impl Scratch {
    /// Calls `each` with every matching document of the segment and its score.
    ///
    /// # Errors
    /// Those of tantivy: the segment's files are damaged.
    pub(super) fn matches(
        &mut self,
        segment: &Segment,
        reading: &ParsedQuery,
        with_typos: bool,
        mut each: impl FnMut(DocId, MatchScore),
    ) -> tantivy::Result<()> {
        let docs = slot(segment.reader.max_doc());
        if self.cells.len() < docs {
            self.cells.resize(docs, Cell::default());
            self.scores.resize(docs, 0);
        }
        for words in &reading.alternatives {
            self.alternative(segment, words, with_typos)?;
        }
        self.whole_names(segment, reading)?;
        if let Some(start) = reading.keys.loose.first().filter(|text| !text.is_empty())
            && let Some(postings) = segment.starting(start)?
        {
            visit(postings, |doc| {
                if let Some(score) = self.scores.get_mut(slot(doc)).filter(|score| **score > 0) {
                    *score = score.saturating_add(START_LIFT);
                }
            });
        }
        for doc in self.matched.drain(..) {
            if let Some(score) = self.scores.get_mut(slot(doc)) {
                each(doc, std::mem::take(score));
            }
        }
        Ok(())
    }

    /// Scores the documents that have all these words.
    fn alternative(&mut self, segment: &Segment, words: &[Word], with_typos: bool) -> tantivy::Result<()> {
        let mut lists =
            words.iter().map(|word| segment.lists(word, with_typos)).collect::<tantivy::Result<Vec<_>>>()?;
        lists.sort_by_key(|of_word| of_word.iter().map(|list| slot(list.postings.doc_freq())).sum::<usize>());
        let mut touched = Vec::new();
        let mut candidates: Vec<DocId> = Vec::new();
        for (earlier, of_word) in (0..).zip(lists) {
            let next = self.has_word(earlier, &mut candidates, of_word);
            if earlier == 0 {
                touched.clone_from(&next);
            }
            candidates = next;
        }
        let words = u32::try_from(words.len()).unwrap_or(u32::MAX);
        for &doc in &candidates {
            let Some(cell) = self.cells.get(slot(doc)) else { continue };
            let lift = NAME_LIFT.saturating_mul(u32::from(cell.in_name)).checked_div(words).unwrap_or(0);
            self.score(doc, CLASS.saturating_mul(u32::from(cell.level)).saturating_add(lift));
        }
        for doc in touched {
            if let Some(cell) = self.cells.get_mut(slot(doc)) {
                *cell = Cell::default();
            }
        }
        Ok(())
    }

    /// Of `candidates`, which match `earlier` words, those that also match the word of `lists`. When `earlier` is 0,
    /// all documents that match it.
    fn has_word(&mut self, earlier: u8, candidates: &mut [DocId], lists: Vec<MatchList>) -> Vec<DocId> {
        let mut having = Vec::new();
        let candidate_count = candidates.len();
        let is_sparse = |list: &MatchList| {
            earlier > 0 && candidate_count.saturating_mul(SEEK_RATIO) < slot(list.postings.doc_freq())
        };
        // Only seeking needs sorted candidates; without seeking there can be very many of them.
        if lists.iter().any(is_sparse) {
            candidates.sort_unstable();
        }
        for list in lists {
            let sparse = is_sparse(&list);
            let MatchList { level, in_name, mut postings } = list;
            let mut settle = |doc: DocId| {
                if let Some(cell) = self.cells.get_mut(slot(doc)).filter(|cell| cell.words == earlier) {
                    cell.words = earlier.saturating_add(1);
                    cell.level = if earlier == 0 { number(level) } else { cell.level.min(number(level)) };
                    cell.in_name = cell.in_name.saturating_add(u8::from(in_name));
                    having.push(doc);
                }
            };
            if sparse {
                for &doc in candidates.iter() {
                    let at = postings.seek(doc);
                    if postings.doc(at) == doc {
                        settle(doc);
                    }
                }
            } else {
                visit(postings, settle);
            }
        }
        having
    }

    /// Scores the documents whose whole name is the query.
    fn whole_names(&mut self, segment: &Segment, reading: &ParsedQuery) -> tantivy::Result<()> {
        if reading.alternatives.is_empty() {
            return Ok(());
        }
        for (exactness, key) in whole_terms(&reading.keys) {
            let class = match exactness {
                Exactness::Loose => 7,
                Exactness::Folded => 8,
                // A query without accents does not tell whether the name has any.
                Exactness::Literal if reading.keys.literal == reading.keys.folded => continue,
                Exactness::Literal => 9,
            };
            if let Some(postings) = segment.named(&key)? {
                visit(postings, |doc| self.score(doc, CLASS.saturating_mul(class).saturating_add(NAME_LIFT)));
            }
        }
        Ok(())
    }

    fn score(&mut self, doc: DocId, score: MatchScore) {
        if let Some(best) = self.scores.get_mut(slot(doc)) {
            if *best == 0 {
                self.matched.push(doc);
            }
            *best = score.max(*best);
        }
    }
}

fn visit(mut postings: BlockSegmentPostings, mut each: impl FnMut(DocId)) {
    while !postings.docs().is_empty() {
        postings.docs().iter().copied().for_each(&mut each);
        postings.advance();
    }
}

const fn number(level: Level) -> u8 {
    match level {
        Level::TwoTypos => 1,
        Level::OneTypo => 2,
        Level::Begun => 3,
        Level::Prefix => 4,
        Level::Word => 5,
    }
}

/// A document's index in an array.
fn slot(doc: DocId) -> usize {
    usize::try_from(doc).unwrap_or(usize::MAX)
}
