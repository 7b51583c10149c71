//! Tests with real index files.

mod feeding;
mod fuzz;
mod ranking;

use super::{Query, SearchIndex};
use crate::values::document::{Document, DocumentChange, ItemKind};
use segue_client::protocol::ids::UserId;
use tempfile::TempDir;

const ANN: UserId = UserId(1);
const BOB: UserId = UserId(2);

/// An index in a temporary folder that is removed with it.
struct Fixture {
    index: SearchIndex,
    names: Vec<(ItemKind, u64, String)>,
    _folder: TempDir,
}

impl Fixture {
    fn new(documents: Vec<Document>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let index = SearchIndex::open(folder.path()).expect("a fresh index");
        let names = documents.iter().map(|document| (document.kind, document.id, document.name.clone())).collect();
        index.apply(documents.into_iter().map(DocumentChange::Put)).expect("documents are taken");
        index.commit("1").expect("a commit");
        Self { index, names, _folder: folder }
    }

    fn ids(&self, text: &str, kind: ItemKind, user: Option<UserId>) -> Vec<u64> {
        let query = Query { text, kinds: &[kind], user, limit: 50, offset: 0 };
        let mut results = self.index.search(&query).expect("a search");
        let listing = results.remove(&kind).expect("the kind that was asked for");
        assert!(listing.total >= u64::try_from(listing.ids.len()).expect("a page is small"), "{text}");
        listing.ids
    }

    /// The names that user ANN finds, best first.
    fn found(&self, text: &str, kind: ItemKind) -> Vec<&str> {
        let name = |id: u64| self.names.iter().find(|named| named.0 == kind && named.1 == id).expect("a known id");
        self.ids(text, kind, Some(ANN)).into_iter().map(|id| name(id).2.as_str()).collect()
    }
}

fn document(kind: ItemKind, id: u64, name: &str, others: &[&str], popularity: u8) -> Document {
    let others = others.iter().map(ToString::to_string).collect();
    Document { kind, id, name: name.to_owned(), others, popularity, private_to: None }
}
