//! The index applies changes, stores its cursor, and is rebuilt when it cannot be used.

use super::{Fixture, Query, SearchIndex, document};
use crate::values::document::{DocumentChange, ItemKind};
use ItemKind::{Album, Track};
use std::fs;

fn total(index: &SearchIndex, text: &str) -> u64 {
    let query = Query { text, kinds: &[Track], user: None, limit: 0, offset: 0 };
    index.search(&query).expect("a search").remove(&Track).map_or(0, |listing| listing.total)
}

#[test]
fn changes_and_removals_reach_the_index() {
    let fixture = Fixture::new(vec![document(Track, 1, "Old name", &[], 0), document(Album, 1, "Old album", &[], 0)]);
    let index = &fixture.index;
    index.apply([DocumentChange::Put(document(Track, 1, "New name", &[], 0))]).expect("a rename");
    assert_eq!((total(index, "old"), total(index, "new")), (1, 0), "not before the commit");
    index.commit("2").expect("a commit");
    assert_eq!((total(index, "old"), total(index, "new")), (0, 1));
    index.apply([DocumentChange::Remove(Track, 1)]).expect("a removal");
    index.commit("3").expect("a commit");
    assert_eq!(total(index, "name"), 0);
    assert_eq!(fixture.ids("old", Album, None), [1], "the album of the same id stays");
    assert_eq!(index.documents(), 1);
}

#[test]
fn the_last_change_of_a_document_in_a_batch_is_used() {
    let fixture = Fixture::new(vec![]);
    let put = |name: &str| DocumentChange::Put(document(Track, 1, name, &[], 0));
    fixture
        .index
        .apply([put("first"), put("second"), DocumentChange::Remove(Track, 1), put("third")])
        .expect("changes");
    fixture.index.commit("2").expect("a commit");
    assert_eq!(
        [total(&fixture.index, "first"), total(&fixture.index, "second"), total(&fixture.index, "third")],
        [0, 0, 1]
    );
}

#[test]
fn only_committed_changes_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    {
        let index = SearchIndex::open(folder.path()).expect("a fresh index");
        assert_eq!(index.cursor(), None);
        index.apply([DocumentChange::Put(document(Track, 1, "kept", &[], 0))]).expect("a change");
        index.commit("17").expect("a commit");
        index.apply([DocumentChange::Put(document(Track, 2, "lost", &[], 0))]).expect("a change");
    }
    let index = SearchIndex::open(folder.path()).expect("the same index");
    assert_eq!(index.cursor().as_deref(), Some("17"));
    assert_eq!((total(&index, "kept"), total(&index, "lost")), (1, 0));
    assert!(matches!(SearchIndex::open(folder.path()), Err(super::super::SearchError::InUse(_))));
    index.clear().expect("cleared");
    assert_eq!((index.documents(), index.cursor()), (0, None));
}

/// A process was killed after it had written which documents are removed, and before it had written the commit.
#[test]
fn what_a_killed_commit_left_behind_is_in_nobodys_way() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let current = folder.path().join(format!("v{}", super::super::schema::VERSION));
    let files = || {
        let paths = fs::read_dir(&current).expect("a folder").map(|entry| entry.expect("readable").path());
        paths.map(|path| (path.clone(), fs::read(path).expect("readable"))).collect::<Vec<_>>()
    };
    let open = || SearchIndex::open(folder.path()).expect("an index");
    let remove_one = |index: &SearchIndex| {
        index.apply([DocumentChange::Remove(Track, 1)]).expect("a removal");
        index.commit("2")
    };
    let index = open();
    index.apply((0..20).map(|id| DocumentChange::Put(document(Track, id, "song", &[], 0)))).expect("changes");
    index.commit("1").expect("a commit");
    index.close().expect("closed");
    drop(index);
    let before = files();
    let index = open();
    remove_one(&index).expect("a commit");
    index.close().expect("closed");
    drop(index);
    let is_commit = |path: &std::path::Path| path.ends_with("meta.json");
    assert!(files().iter().any(|(path, _)| path.extension().is_some_and(|ending| ending == "del")));
    for (path, bytes) in before.iter().filter(|(path, _)| is_commit(path)) {
        fs::write(path, bytes).expect("the commit is undone");
    }
    let index = open();
    assert_eq!((index.cursor().as_deref(), total(&index, "song")), (Some("1"), 20));
    remove_one(&index).expect("the same commit again");
    assert_eq!(total(&index, "song"), 19);
}

#[test]
fn a_damaged_index_is_rebuilt() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fill = || {
        let index = SearchIndex::open(folder.path()).expect("an index");
        index.apply([DocumentChange::Put(document(Track, 1, "song", &[], 0))]).expect("a change");
        index.commit("1").expect("a commit");
        assert_eq!(total(&index, "song"), 1);
        assert!(index.is_sound().expect("readable"));
    };
    let files = |extension: &str| {
        let version =
            fs::read_dir(folder.path()).expect("a folder").next().expect("one version").expect("readable").path();
        let files = fs::read_dir(version).expect("a folder").map(|entry| entry.expect("readable").path());
        files.filter(|path| path.to_string_lossy().ends_with(extension)).collect::<Vec<_>>()
    };
    for damaged in ["meta.json", ".term", ".idx", ".fast"] {
        fill();
        for file in files(damaged) {
            fs::write(file, "no such thing").expect("damage is done");
        }
        let index = SearchIndex::open(folder.path()).expect("an empty index");
        assert_eq!((index.documents(), index.cursor()), (0, None), "{damaged}");
    }
    fill();
    let [postings] = files(".idx").try_into().expect("one segment");
    let mut bytes = fs::read(&postings).expect("readable");
    bytes[0] ^= 1;
    fs::write(&postings, bytes).expect("one bit flips");
    assert!(!SearchIndex::open(folder.path()).expect("opens").is_sound().expect("readable"));
}

#[test]
fn an_index_of_another_version_is_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("v0/nested")).expect("an older index");
    let index = SearchIndex::open(folder.path()).expect("a fresh index");
    assert_eq!(index.cursor(), None);
    assert!(!folder.path().join("v0").exists());
}

#[test]
fn pages_follow_each_other() {
    let fixture = Fixture::new((0..120).map(|id| document(Track, id, "same name", &[], 0)).collect());
    let page = |offset| {
        let query = Query { text: "same", kinds: &[Track], user: None, limit: 50, offset };
        fixture.index.search(&query).expect("a search").remove(&Track).expect("tracks")
    };
    let all: Vec<u64> = [0, 50, 100, 150].into_iter().flat_map(|offset| page(offset).ids).collect();
    assert_eq!(all, (0..120).collect::<Vec<_>>());
    assert_eq!(page(50).total, 120);
}
