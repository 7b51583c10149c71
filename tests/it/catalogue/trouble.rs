//! Trouble of the disk is tried again by the next scan and hides no track; trouble of a file is remembered.

use super::library::{Library, wav};
use std::{fs, os::unix::fs::symlink};

on_both_databases! {
    async fn a_file_that_cannot_be_looked_at_for_a_while_keeps_its_track(database) {
        let library = Library::new(database);
        let path = library.song("a/1.wav", 1, "A");
        library.song("a/2.wav", 2, "B");
        library.scan();
        let before = library.rows();
        // A link to itself stands for a disk in trouble: there is something, and the system cannot say what (ELOOP).
        let aside = library.database.folder.path().join("aside");
        fs::rename(&path, &aside).expect("away");
        symlink("1.wav", &path).expect("linked");
        // Meanwhile a copy arrives: it is not the file in trouble.
        fs::copy(&aside, library.path("copy.wav")).expect("copied");
        for _ in 0..2 {
            let progress = library.scan();
            assert_eq!((progress.missing, progress.moved, progress.unreadable), (0, 0, 1), "{progress:?}");
            assert!(progress.troubles[0].contains("a/1.wav"), "{progress:?}");
            let mut now = library.rows();
            assert!(now.remove("copy.wav").is_some_and(|copy| copy.id != before["a/1.wav"].id));
            assert_eq!(now, before);
        }
        assert_eq!(library.scan_below("a").missing, 0);
        fs::remove_file(&path).expect("removed");
        fs::rename(&aside, &path).expect("back");
        library.scan();
        let mut now = library.rows();
        now.remove("copy.wav");
        assert_eq!(now, before);
    }

    async fn a_linked_folder_that_cannot_be_followed_for_a_while_keeps_its_tracks(database) {
        let library = Library::new(database);
        let outside = tempfile::tempdir().expect("a folder");
        wav(&outside.path().join("deep/b.wav"), 2);
        library.song("a.wav", 1, "A");
        symlink(outside.path(), library.path("link")).expect("linked");
        library.scan();
        let before = library.rows();
        assert!(before.contains_key("link/deep/b.wav"), "{before:?}");
        fs::remove_file(library.path("link")).expect("removed");
        symlink("link", library.path("link")).expect("linked");
        let progress = library.scan();
        assert_eq!((progress.missing, progress.trouble_count), (0, 1), "{progress:?}");
        assert_eq!(library.rows(), before);
        // A link without a target is no trouble: the folder is gone.
        fs::remove_file(library.path("link")).expect("removed");
        symlink("nothing", library.path("link")).expect("linked");
        assert_eq!(library.scan().missing, 1);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_reading_fails_is_tried_again_and_one_that_is_no_music_is_not() {
    let library = Library::sqlite();
    // Reading the first bytes of this file of the system fails (EIO).
    symlink("/proc/self/mem", library.path("a.wav")).expect("linked");
    fs::write(library.path("b.wav"), "no music at all").expect("written");
    assert_eq!((library.scan().added, library.rows().len()), (2, 2));
    let id = library.id("a.wav");
    let again = library.scan();
    assert_eq!((again.unchanged, again.added, again.unreadable), (1, 0, 2), "{again:?}");
    let reason = library.rows()["a.wav"].error.clone().expect("it cannot be read");
    assert!(reason.contains("os error"), "{reason}");
    fs::remove_file(library.path("a.wav")).expect("removed");
    library.song("a.wav", 1, "A");
    library.scan();
    let row = library.rows()["a.wav"].clone();
    assert_eq!((row.id, row.error, row.title.as_deref()), (id, None, Some("A")));
}
