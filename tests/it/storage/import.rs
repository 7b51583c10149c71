//! Copies of music into a bucket.

use super::{
    scan::{picture, reads, song},
    service::Service,
};
use crate::{
    catalogue::library::Library,
    harness::{Dialect, TestDatabase, segue},
};
use segue::{
    catalog::scan::{Music, Scope},
    media::digest::Digest,
    storage::Attempts,
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Output,
};

/// Runs `segue import` into the folder `lib` of the bucket.
fn import(database: &TestDatabase, service: &Service, folder: &Path) -> Output {
    let mut command = segue(database);
    command.arg("import").args(service.arguments()).arg(folder).args(["--to", "s3://music/lib/", "--uploads", "3"]);
    command.output().expect("it runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn name_of(bytes: &[u8], ending: &str) -> String {
    format!("{}.{ending}", Digest(Sha256::digest(bytes).into()))
}

/// A folder of music: two albums, one file twice, one without tags, a large one, covers, and what is not music.
fn music(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    };
    let untagged = folder.join("untagged.wav");
    crate::harness::silence(&untagged, 1);
    let untagged = fs::read(untagged).expect("it is there");
    fs::remove_file(folder.join("untagged.wav")).expect("removed");
    let large = [song(7, "Large", None), vec![0; 33 * 1024 * 1024]].concat();
    let audio = [
        ("Ä #1/One", "1.wav", song(1, "One", None)),
        ("Ä #1/One", "02 Untagged [x].WAV", untagged),
        ("B", "2.wav", song(2, "Two", Some(picture()))),
        ("B/again", "2 too.wav", song(2, "Two", Some(picture()))),
        ("", "large.wav", large),
    ];
    let mut objects = Vec::new();
    for (within, name, bytes) in audio {
        let slash = if within.is_empty() { "" } else { "/" };
        write(&format!("{within}{slash}{name}"), &bytes);
        objects.push((format!("lib/{within}{slash}{}", name_of(&bytes, "wav")), bytes));
    }
    write("B/Cover.png", &picture());
    objects.push(("lib/B/Cover.png".to_owned(), picture()));
    write("B/notes.txt", b"no music");
    write(".hidden/3.wav", b"hidden");
    objects
}

#[test]
fn music_is_copied_once_under_the_names_of_its_bytes() {
    let (database, service) = (TestDatabase::empty(Dialect::Sqlite), Service::start());
    let folder = tempfile::tempdir().expect("a folder");
    let objects = music(folder.path());
    let first = import(&database, &service, folder.path());
    let text = printed(&first);
    assert!(first.status.success() && text.contains("6 files: 6 copied (3"), "{text}");
    assert!(text.contains("0 there already, 0 failed"), "{text}");
    for (key, bytes) in &objects {
        assert!(fs::read(service.file(key)).unwrap_or_else(|error| panic!("{key}: {error}")) == *bytes, "{key}");
    }
    let mut asked = service.take_asked();
    asked.retain(|asked| asked.starts_with("PUT") || asked.starts_with("POST"));
    assert_eq!(asked.len(), 5 + 1 + 5 + 1, "five small files, and five parts with a beginning and an end: {asked:?}");

    let again = import(&database, &service, folder.path());
    assert!(printed(&again).contains("6 files: 0 copied (0 bytes), 6 there already, 0 failed"), "{again:?}");
    let asked = service.take_asked();
    assert!(asked.iter().all(|asked| asked.starts_with("GET")), "only the listing: {asked:?}");
}

#[test]
fn an_import_goes_on_where_it_was_and_says_what_failed() {
    let (database, service) = (TestDatabase::empty(Dialect::Sqlite), Service::start());
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..8 {
        fs::write(folder.path().join(format!("{number}.wav")), song(number, "Song", None)).expect("written");
    }
    service.refuse_writes_after(3);
    let failed = import(&database, &service, folder.path());
    assert!(!failed.status.success() && printed(&failed).contains("s3://music/lib/"), "{failed:?}");
    let there = || fs::read_dir(service.file("lib")).expect("it is there").count();
    assert_eq!(there(), 3, "{failed:?}");
    service.allow_writes();
    let done = import(&database, &service, folder.path());
    assert!(printed(&done).contains("8 files: 5 copied") && printed(&done).contains("3 there already"), "{done:?}");
    assert_eq!(there(), 8);

    // One of another size under the name of these bytes is not taken for it, and one that cannot be read is said.
    let bytes = fs::read(folder.path().join("0.wav")).expect("it is there");
    fs::write(service.file("lib").join(name_of(&bytes, "wav")), b"short").expect("written");
    let unread = folder.path().join("9.wav");
    fs::create_dir(folder.path().join("locked")).expect("made");
    std::os::unix::fs::symlink("/nowhere", &unread).expect("linked");
    fs::set_permissions(folder.path().join("locked"), Permissions::from_mode(0o700)).expect("set");
    let failed = import(&database, &service, folder.path());
    let text = printed(&failed);
    assert!(!failed.status.success() && text.contains("is there already, with 5 bytes in place of"), "{text}");
    assert!(
        text.contains("9.wav: this link leads to no file") && text.contains("2 files could not be copied"),
        "{text}"
    );
    let nowhere = import(&database, &service, Path::new("/nowhere"));
    assert!(!nowhere.status.success() && printed(&nowhere).contains("/nowhere: No such file"), "{nowhere:?}");
}

on_both_databases! {
    async fn what_was_imported_is_scanned_as_the_folder_was(database) {
        let (library, service) = (Library::new(database), Service::start());
        let objects = music(library.music.path());
        library.scan();
        let titles = |prefix: &str| {
            let mut found: Vec<_> = library
                .rows()
                .into_iter()
                .filter(|(path, row)| path.starts_with("s3://") == (prefix == "s3://") && !row.missing)
                .map(|(_, row)| (row.title, row.album))
                .collect();
            found.sort();
            found
        };
        let before = titles("/");
        assert!(before.iter().any(|(title, _)| title.as_deref() == Some("Untagged [x]")), "{before:?}");
        let ids = |titles: &str| {
            library.rows().into_values().filter(|row| row.title.as_deref() == Some(titles)).map(|row| row.id).min()
        };
        let one = ids("One");
        assert!(import(&library.database, &service, library.music.path()).status.success());
        service.take_asked();
        let storage = service.storage(Attempts::Background);
        for entry in fs::read_dir(library.music.path()).expect("it is there") {
            let path = entry.expect("it is there").path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("removed");
        }
        let folders = vec![library.music.path().to_owned(), Service::url("lib").to_path()];
        let music = Music { folders: folders.clone().split_off(1), storage, ..Music::default() };
        let progress = library.scan_scope(&music, &Scope::All);
        assert!(progress.complete && progress.unreadable == 0, "{progress:?}");
        assert_eq!(titles("s3://"), before);
        assert_eq!(ids("One"), one, "a track keeps its id");
        let read = reads(&service).len();
        assert!(read <= 2 * objects.len() + 4, "{read} reads of {} objects", objects.len());
    }
}
