//! Files and folders that a scan looks at, by their names and by marks in folders.

use super::library::{Library, wav};
use segue::catalog::scan::{Music, Scope};
use std::{collections::BTreeSet, fs};

fn found(library: &Library) -> BTreeSet<String> {
    library.rows().into_iter().filter(|(_, row)| !row.missing).map(|(path, _)| path).collect()
}

fn texts(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn names_that_begin_with_dots_are_music_and_hidden_ones_are_not() {
    let library = Library::sqlite();
    let music = [
        "...And Justice for All/01.wav",
        ".38 Special/Hits/01.wav",
        "Britney/...Baby One More Time.wav",
        "M.I.K.E./Album./1.wav",
        "a.wav",
    ];
    let hidden = [".hack/01.wav", "x/.hidden.wav"];
    let never = ["._a.wav", ".Trash-1000/files/b.wav", ".stversions/c.wav", "#recycle/d.wav", "x/@eaDir/e.wav"];
    for (seed, path) in (1..).zip(music.iter().chain(&hidden).chain(&never)) {
        wav(&library.path(path), seed);
    }
    wav(&library.path("notes.txt"), 99);
    library.scan();
    assert_eq!(found(&library), texts(&music));
    library.scan_scope(&Music { hidden: true, ..library.music() }, &Scope::All);
    assert_eq!(found(&library), texts(&[&music[..], &hidden].concat()));
    // A server scans the folder in which something changed.
    library.scan();
    for folder in [".hack", ".Trash-1000/files", ".stversions", "x", "#recycle"] {
        library.scan_below(folder);
    }
    assert_eq!(found(&library), texts(&music));
}

#[test]
fn a_folder_with_a_mark_is_left_out_until_the_mark_goes() {
    let library = Library::sqlite();
    for (seed, path) in (1..).zip(["a.wav", "b/!.wav", "b/below/c.wav", "d/e.wav", "patterns/f.wav"]) {
        wav(&library.path(path), seed);
    }
    fs::write(library.path("patterns/.ndignore"), "*.flac\n").expect("written");
    let progress = library.scan();
    assert_eq!(found(&library).len(), 5);
    assert!(progress.troubles.iter().any(|text| text.contains("patterns/.ndignore")), "{progress:?}");
    fs::write(library.path("b/.nomedia"), "").expect("written");
    fs::write(library.path("d/.ndignore"), "# podcasts\n").expect("written");
    library.scan_below("b");
    library.scan_below("d");
    assert_eq!(found(&library), texts(&["a.wav", "patterns/f.wav"]));
    library.scan_below("b/below");
    library.scan();
    assert_eq!(found(&library), texts(&["a.wav", "patterns/f.wav"]));
    fs::remove_file(library.path("b/.nomedia")).expect("removed");
    fs::remove_file(library.path("d/.ndignore")).expect("removed");
    assert_eq!(library.scan().added, 0, "they have their ids again");
    assert_eq!(found(&library).len(), 5);
    fs::write(library.path(".nomedia"), "").expect("written");
    let progress = library.scan();
    assert!(progress.troubles.iter().any(|text| text.contains("leaves out the whole music folder")), "{progress:?}");
}

#[test]
fn audio_that_cannot_be_read_is_named() {
    let library = Library::sqlite();
    for ending in ["mka", "caf", "au", "amr", "dts", "ra", "shn", "xm", "Mid"] {
        fs::write(library.path(format!("song.{ending}")), vec![0x5a; 2_000]).expect("written");
    }
    let progress = library.scan();
    assert_eq!((progress.seen, progress.unreadable), (9, 9));
    assert!(library.rows().values().all(|row| row.error.is_some()));
}
