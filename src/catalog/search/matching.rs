//! Which documents of a segment match a query and how well: term lists scattered into an array of one cell a document.
//!
//! Word by word, best lists first, so that the first list that has a document settles how well it has the word. That is
//! a few nanoseconds for each entry of each list whatever the number of lists, where a tree of unions and intersections
//! pays for a heap; a prefix or a misspelt word is hundreds of lists.

use super::{
    schema::{Exactness, whole_terms},
    segment::{Level, List, Segment},
    words::{Reading, Word},
};
use tantivy::{DocId, postings::BlockSegmentPostings};

/// A list this many times longer than the candidates is searched for each of them instead of read.
const SEEK_RATIO: usize = 24;
/// Lift of a name that begins with the whole query, and of having all words in the name; see [`super::ranking`].
const START_LIFT: u32 = 120;
const NAME_LIFT: u32 = 80;
/// A score's class, the greater part of a [`Score`], in units of this.
pub(super) const CLASS: u32 = 1 << 16;

/// How well a document matches: [`CLASS`] times its class (the least [`Level`] among the words, or above those an
/// exact name) plus the lift by what matched. 0 is no match.
pub(super) type Score = u32;

/// Working memory for one search at a time; as long as the longest segment.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    cells: Vec<Cell>,
    scores: Vec<Score>,
    matched: Vec<DocId>,
}

/// Of one document while the words are gone through.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// Words of the query that it has so far.
    words: u8,
    /// The least level among them.
    level: u8,
    /// Those that its name has.
    in_name: u8,
}

impl Scratch {
    /// Calls `each` with every matching document of the segment and its score.
    ///
    /// # Errors
    /// Of tantivy: the segment's files are damaged.
    pub(super) fn matches(
        &mut self,
        segment: &Segment,
        reading: &Reading,
        with_typos: bool,
        mut each: impl FnMut(DocId, Score),
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

    /// The candidates that have one more word, those of `earlier` words being given; all documents that have it if none.
    fn has_word(&mut self, earlier: u8, candidates: &mut [DocId], lists: Vec<List>) -> Vec<DocId> {
        let mut having = Vec::new();
        let candidate_count = candidates.len();
        let is_sparse =
            |list: &List| earlier > 0 && candidate_count.saturating_mul(SEEK_RATIO) < slot(list.postings.doc_freq());
        // Only who seeks needs them in order; where nobody does they may be very many.
        if lists.iter().any(is_sparse) {
            candidates.sort_unstable();
        }
        for list in lists {
            let sparse = is_sparse(&list);
            let List { level, in_name, mut postings } = list;
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

    /// Scores the documents whose whole name the query spells.
    fn whole_names(&mut self, segment: &Segment, reading: &Reading) -> tantivy::Result<()> {
        if reading.alternatives.is_empty() {
            return Ok(());
        }
        for (exactness, key) in whole_terms(&reading.keys) {
            let class = match exactness {
                Exactness::Loose => 7,
                Exactness::Folded => 8,
                // Who types no accents has not said whether there are any.
                Exactness::Literal if reading.keys.literal == reading.keys.folded => continue,
                Exactness::Literal => 9,
            };
            if let Some(postings) = segment.named(&key)? {
                visit(postings, |doc| self.score(doc, CLASS.saturating_mul(class).saturating_add(NAME_LIFT)));
            }
        }
        Ok(())
    }

    fn score(&mut self, doc: DocId, score: Score) {
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

/// A document's place in an array.
fn slot(doc: DocId) -> usize {
    usize::try_from(doc).unwrap_or(usize::MAX)
}
