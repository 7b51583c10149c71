//! No name and no query causes a panic or an error, and every document that a plain comparison finds is found.

use super::{Fixture, Query, document};
use crate::{
    catalog::search::words::{name_words, read_query},
    values::document::{DocumentChange, ItemKind},
};
use proptest::prelude::*;

/// Texts that look like names, of few letters so that many of them match each other; and any other text.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,3}( [abc]{1,4}){0,3}", "[aå!$+#/&' .字東京방탄กข]{0,12}", any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_search_succeeds_and_finds_all_matches(names in prop::collection::vec((text(), text()), 1..12), queries in prop::collection::vec(text(), 1..12)) {
        let documents = (0..).zip(&names).map(|(id, (name, other))| document(ItemKind::Track, id, name, &[other], 0));
        let fixture = Fixture::new(documents.collect());
        fixture.index.apply([DocumentChange::Remove(ItemKind::Track, 0)]).expect("a removal");
        fixture.index.commit("2").expect("a commit");
        for query in queries.iter().chain(names.iter().map(|(name, _)| name)) {
            let request = Query { text: query, kinds: &ItemKind::ALL, user: None, limit: 50, offset: 0 };
            let results = fixture.index.search(&request).expect("a search");
            let found = &results[&ItemKind::Track].ids;
            prop_assert!(!found.contains(&0), "removed");
            for (id, (name, other)) in (0..).zip(&names).skip(1) {
                let words: Vec<String> = name_words(name).into_iter().chain(name_words(other)).collect();
                let has = |word: &str| words.iter().any(|of_name| of_name.starts_with(word));
                let reading = read_query(query);
                let expected = reading.alternatives.iter().any(|all| all.iter().all(|word| has(&word.text)));
                prop_assert!(found.contains(&id) || !expected, "{query:?} must find {name:?} {other:?}");
            }
        }
    }
}
