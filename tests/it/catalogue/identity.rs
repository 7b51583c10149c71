//! A track keeps its id when its file is moved, copied, retagged or replaced.

use super::library::{Library, Song, tag, wav};
use segue::{
    db::scan::{Content, Disk, Folder, FoundFile, record},
    media::{
        digest::Digest,
        version::{Stat, Version},
    },
};
use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
};

/// A disk on which every file is at its recorded path; counts how often it was asked for each name.
#[derive(Default)]
struct Asked(Mutex<BTreeMap<Vec<u8>, u32>>);

impl Disk for Asked {
    fn holds(&self, _: &[u8], name: &[u8], _: Stat) -> bool {
        *self.0.lock().expect("whole").entry(name.to_owned()).or_default() += 1;
        true
    }

    fn sum(&self, _: &[u8], _: &[u8], _: Stat) -> Option<Digest> {
        None
    }
}

on_both_databases! {
    async fn an_unchanged_file_is_not_read_again(database) {
        let library = Library::new(database);
        library.song("a.wav", 1, "A");
        library.song("b.wav", 2, "B");
        assert_eq!(library.scan().added, 2);
        let before = library.rows();
        let again = library.scan();
        assert_eq!((again.seen, again.unchanged, again.added, again.changed), (2, 2, 0, 0));
        assert_eq!(library.rows(), before);
    }

    async fn a_moved_file_keeps_its_id(database) {
        let library = Library::new(database);
        for (seed, name) in [(0, "z"), (1, "m"), (2, "a")] {
            library.song(&format!("{name}/song.wav"), seed, "Song");
        }
        library.scan();
        let ids: Vec<i64> = ["z/song.wav", "m/song.wav", "a/song.wav"].iter().map(|path| library.id(path)).collect();
        // Moved to a folder that is walked before the old one, to one that is walked after it, and renamed.
        fs::rename(library.path("z/song.wav"), library.path("a/moved.wav")).expect("moved");
        fs::rename(library.path("a/song.wav"), library.path("z/moved.wav")).expect("moved");
        fs::rename(library.path("m"), library.path("new")).expect("moved");
        let progress = library.scan();
        assert_eq!((progress.moved, progress.added, progress.missing), (3, 0, 0), "{:?}", library.rows());
        let now: Vec<i64> = ["a/moved.wav", "new/song.wav", "z/moved.wav"].iter().map(|path| library.id(path)).collect();
        assert_eq!(now, ids);
    }

    async fn files_that_swap_names_keep_their_ids(database) {
        let library = Library::new(database);
        for (seed, name) in [(1, "1.wav"), (2, "2.wav"), (3, "3.wav")] {
            library.song(name, seed, "Song");
        }
        library.scan();
        let ids: Vec<i64> = ["1.wav", "2.wav", "3.wav"].iter().map(|path| library.id(path)).collect();
        let rename = |from: &str, to: &str| fs::rename(library.path(from), library.path(to)).expect("renamed");
        // 1 → 2 → 3 → 1.
        rename("3.wav", "aside");
        rename("2.wav", "3.wav");
        rename("1.wav", "2.wav");
        rename("aside", "1.wav");
        let progress = library.scan();
        assert_eq!((progress.moved, progress.added), (3, 0));
        let now: Vec<i64> = ["2.wav", "3.wav", "1.wav"].iter().map(|path| library.id(path)).collect();
        assert_eq!(now, ids);
        assert!(library.rows().values().all(|row| !row.missing));
    }

    async fn a_copy_is_another_track_and_a_copy_in_place_of_the_first_is_not(database) {
        let library = Library::new(database);
        let first = library.song("a.wav", 1, "A");
        library.scan();
        let id = library.id("a.wav");
        fs::copy(&first, library.path("b.wav")).expect("copied");
        fs::hard_link(&first, library.path("c.wav")).expect("linked");
        assert_eq!(library.scan().added, 2);
        assert_eq!(library.id("a.wav"), id);
        assert_eq!(library.rows().len(), 3);
        // Copied to another disk: other inode, other time, the same bytes.
        let other = library.song("d.wav", 2, "D");
        library.scan();
        let id = library.id("d.wav");
        fs::copy(&other, library.path("disk.wav")).expect("copied");
        fs::remove_file(&other).expect("removed");
        let progress = library.scan();
        assert_eq!((progress.moved, library.id("disk.wav")), (1, id));
    }

    async fn new_tags_and_a_new_encoding_keep_the_id(database) {
        let library = Library::new(database);
        let path = library.song("a.wav", 1, "A");
        library.scan();
        let id = library.id("a.wav");
        tag(&path, &Song { title: "Other", artists: vec!["Somebody"], album: "Elsewhere", ..Song::default() });
        assert_eq!(library.scan().changed, 1);
        let row = library.rows()["a.wav"].clone();
        assert_eq!((row.id, row.title.as_deref(), row.album.as_deref()), (id, Some("Other"), Some("Elsewhere")));
        // The same recording with other bytes, under another name.
        fs::remove_file(&path).expect("removed");
        library.add("b.wav", 9, &Song { title: "Other", artists: vec!["somebody"], album: "Elsewhere", ..Song::default() });
        let progress = library.scan();
        assert_eq!((progress.moved, library.id("b.wav")), (1, id));
    }

    async fn a_file_that_reappears_has_its_old_id(database) {
        let library = Library::new(database);
        let path = library.song("x/a.wav", 1, "A");
        library.song("x/b.wav", 2, "B");
        library.scan();
        let id = library.id("x/a.wav");
        let aside = library.database.folder.path().join("aside");
        fs::copy(&path, &aside).expect("copied");
        fs::remove_file(&path).expect("removed");
        assert_eq!(library.scan().missing, 1);
        assert!(library.rows()["x/a.wav"].missing);
        assert_eq!(library.scan().missing, 0, "it is counted once");
        fs::create_dir(library.path("y")).expect("made");
        fs::copy(&aside, library.path("y/again.wav")).expect("back");
        library.scan();
        let row = library.rows()["y/again.wav"].clone();
        assert_eq!((row.id, row.missing), (id, false));
        // With its whole folder.
        fs::rename(library.path("x"), library.database.folder.path().join("x")).expect("away");
        assert_eq!(library.scan().missing, 1);
        fs::rename(library.database.folder.path().join("x"), library.path("x")).expect("back");
        library.scan();
        assert!(library.rows().values().all(|row| !row.missing));
    }

    async fn similar_files_are_looked_up_once_each_in_a_batch(database) {
        let library = Library::new(database);
        let folder = Arc::new(Folder { id: 1, path: b"/music".to_vec() });
        let stat = Stat { size: 1, mtime_ns: 1, ctime_ns: 1, inode: 1 };
        let version = Some(Version { version: "0".repeat(32), look: "2".repeat(32), fingerprint: "1".repeat(32) });
        let content = Content { title: "Song".to_owned(), artists: vec!["Artist".to_owned()], ..Content::default() };
        for batch in 0..3 {
            let found = |number| FoundFile {
                folder: Arc::clone(&folder),
                name: format!("{batch}-{number}").into_bytes(),
                stat,
                etag: None,
                version: version.clone(),
                sha256: None,
                content: Ok(Box::new(content.clone())),
            };
            let batch_of: Vec<FoundFile> = (0..100).map(found).collect();
            let disk = Asked::default();
            let write = |connection: &mut _| record(connection, &batch_of, 1, 1, &mut rand::random, &disk);
            assert_eq!(library.db.write_blocking(write).expect("written").added, 100);
            let asked = disk.0.into_inner().expect("whole");
            assert_eq!(asked.len(), batch * 100, "all that are alike");
            assert!(asked.values().all(|times| *times == 1), "{asked:?}");
        }
    }

    async fn a_file_that_becomes_unreadable_is_reported_and_keeps_its_id(database) {
        let library = Library::new(database);
        let path = library.song("a.wav", 1, "A");
        library.scan();
        let id = library.id("a.wav");
        let good = fs::read(&path).expect("read");
        fs::write(&path, b"no audio at all").expect("written");
        assert_eq!(library.scan().unreadable, 1);
        let row = library.rows()["a.wav"].clone();
        assert!(row.id == id && row.error.is_some(), "{row:?}");
        fs::write(&path, good).expect("written");
        library.scan();
        let row = library.rows()["a.wav"].clone();
        assert_eq!((row.id, row.error), (id, None));
    }
}

#[test]
fn the_cost_of_a_moved_file_does_not_depend_on_the_size_of_the_library() {
    // Counts rows, not time.
    let library = Library::sqlite();
    for number in 0..300 {
        wav(&library.path(format!("old/{number}.wav")), number);
    }
    library.scan();
    fs::rename(library.path("old"), library.path("new")).expect("moved");
    let progress = library.scan();
    assert_eq!((progress.moved, progress.added, progress.missing), (300, 0, 0));
    assert_eq!(library.rows().len(), 300);
}
