//! The order of results.
//!
//! First the class of a match: the exact name; all words whole; the last word as a prefix; other words as prefixes; one
//! typo; two typos. Within a class the lift: popularity, names that begin with the query, words in the name rather than
//! in artist or album, short names. Then the id, so that pages never overlap.

use super::{matching::MatchScore, schema::Rank, segment::Segment};
use segue_client::protocol::ids::UserId;
use std::{cmp::Reverse, collections::BinaryHeap};
use tantivy::DocId;

/// The lift of each point of popularity.
const POPULARITY_LIFT: u32 = 8;

/// The results of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Ids of the requested page, best first.
    pub ids: Vec<u64>,
    /// The number of all matches.
    pub total: u64,
}

/// The best results of one kind so far.
#[derive(Debug)]
pub(super) struct Best {
    places: usize,
    heap: BinaryHeap<Reverse<(MatchScore, Reverse<u64>)>>,
    total: u64,
}

impl Best {
    /// Keeps at most this many results.
    #[must_use]
    pub(super) fn new(places: usize) -> Self {
        Self { places, heap: BinaryHeap::new(), total: 0 }
    }

    /// Counts a matching document, and keeps it when it is among the best.
    pub(super) fn offer(&mut self, score: MatchScore, rank: Rank, id: impl FnOnce() -> u64) {
        self.total = self.total.saturating_add(1);
        let score = score
            .saturating_add(POPULARITY_LIFT.saturating_mul(u32::from(rank.popularity)))
            .saturating_add(63_u32.saturating_sub(u32::from(rank.name_chars)));
        let full = self.heap.len() >= self.places;
        if full && self.heap.peek().is_none_or(|Reverse((worst, _))| score < *worst) {
            return;
        }
        self.heap.push(Reverse((score, Reverse(id()))));
        if full {
            self.heap.pop();
        }
    }

    /// The number of matches so far.
    #[must_use]
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The page that starts at `offset`.
    #[must_use]
    pub(super) fn page(self, offset: usize) -> Listing {
        let sorted = self.heap.into_sorted_vec();
        let ids = sorted.into_iter().skip(offset).map(|Reverse((_, Reverse(id)))| id).collect();
        Listing { ids, total: self.total }
    }
}

/// The rank of a document that this user may find.
#[must_use]
pub(super) fn visible(segment: &Segment, doc: DocId, user: Option<UserId>) -> Option<Rank> {
    let packed = segment.resident.ranks.get(usize::try_from(doc).ok()?)?;
    let rank = Rank::unpack(*packed);
    let hidden =
        (rank.private && user.is_none_or(|user| segment.owner(doc) != user.0)) || segment.reader.is_deleted(doc);
    (!hidden).then_some(rank)
}
