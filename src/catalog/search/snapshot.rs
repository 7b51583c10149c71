//! The index at one commit, and the search in it.

use super::{
    matching::Scratch,
    ranking::{Best, Listing, visible},
    schema::IndexFields,
    segment::Segment,
    vocabulary::typos_allowed,
    words::{ParsedQuery, read_query},
};
use crate::values::document::ItemKind;
use segue_client::protocol::ids::UserId;
use std::{collections::BTreeMap, sync::Arc};
use tantivy::{Searcher, index::SegmentId};

/// A kind with fewer matches than this is searched again with typos allowed.
const FEW: u64 = 5;
/// The most results that can be reached by paging, as in the Spotify Web API.
pub const RESULTS_MAX: usize = 1000;

/// A search request.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The text that the user typed. Only its first [`super::QUERY_CHARS_MAX`] characters are used.
    pub text: &'a str,
    /// The kinds to list.
    pub kinds: &'a [ItemKind],
    /// The user who searches; private documents of other users are not found.
    pub user: Option<UserId>,
    /// The most results of each kind.
    pub limit: usize,
    /// How many results of each kind to skip. Results after [`RESULTS_MAX`] are never returned.
    pub offset: usize,
}

/// The results of each requested kind.
pub type Results = BTreeMap<ItemKind, Listing>;

/// All segments at one commit.
#[derive(Default)]
pub(super) struct IndexSnapshot {
    segments: Vec<Segment>,
}

impl IndexSnapshot {
    /// Opens the segments of a searcher; reuses the memory parts of segments that `before` has opened.
    ///
    /// # Errors
    /// Those of tantivy: the files are damaged.
    pub(super) fn open(searcher: &Searcher, fields: IndexFields, before: &Self) -> tantivy::Result<Self> {
        let known = |id: SegmentId| before.segments.iter().find(|segment| segment.reader.segment_id() == id);
        let open = |reader: &tantivy::SegmentReader| {
            let resident = known(reader.segment_id()).map(|segment| Arc::clone(&segment.resident));
            Segment::open(reader.clone(), fields, resident)
        };
        let segments = searcher.segment_readers().iter().map(open).collect::<tantivy::Result<_>>()?;
        Ok(Self { segments })
    }

    /// The number of documents.
    #[must_use]
    pub(super) fn documents(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.reader.num_docs())).sum()
    }

    /// The ids of the segments, in any order.
    pub(super) fn segment_ids(&self) -> impl Iterator<Item = SegmentId> + '_ {
        self.segments.iter().map(|segment| segment.reader.segment_id())
    }

    /// Searches. A kind with fewer than [`FEW`] matches as typed also lists those with typos.
    ///
    /// # Errors
    /// Those of tantivy: the files are damaged. `scratch` must not be used again then.
    pub(super) fn search(&self, query: &Query<'_>, scratch: &mut Scratch) -> tantivy::Result<Results> {
        let reading = read_query(query.text);
        let mut lists = self.collect(query, &reading, false, query.kinds, scratch)?;
        let few: Vec<ItemKind> = lists.iter().filter(|(_, best)| best.total() < FEW).map(|(kind, _)| *kind).collect();
        let may_be_misspelt = reading.alternatives.iter().flatten().any(|word| typos_allowed(&word.text) > 0);
        if may_be_misspelt && !few.is_empty() {
            lists.retain(|(kind, _)| !few.contains(kind));
            lists.extend(self.collect(query, &reading, true, &few, scratch)?);
        }
        Ok(lists.into_iter().map(|(kind, best)| (kind, best.page(query.offset))).collect())
    }

    fn collect(
        &self,
        query: &Query<'_>,
        reading: &ParsedQuery,
        with_typos: bool,
        wanted: &[ItemKind],
        scratch: &mut Scratch,
    ) -> tantivy::Result<Vec<(ItemKind, Best)>> {
        let places = query.offset.saturating_add(query.limit).min(RESULTS_MAX);
        let mut lists: Vec<(ItemKind, Best)> = wanted.iter().map(|kind| (*kind, Best::new(places))).collect();
        for segment in &self.segments {
            scratch.matches(segment, reading, with_typos, |doc, score| {
                let Some(rank) = visible(segment, doc, query.user) else { return };
                if let Some((_, best)) = lists.iter_mut().find(|(kind, _)| *kind == rank.kind) {
                    best.offer(score, rank, || segment.id(doc));
                }
            })?;
        }
        Ok(lists)
    }
}
