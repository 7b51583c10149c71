//! Music folders that are absent, unreadable, hidden or linked.

use super::library::{Library, wav};
use crate::harness::segue;
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, os::unix::fs::symlink, process::Command};

on_both_databases! {
    async fn an_absent_music_folder_keeps_its_tracks(database) {
        let library = Library::new(database);
        library.song("disk/a.wav", 1, "A");
        library.song("other/b.wav", 2, "B");
        let folders = [library.path("disk"), library.path("other")];
        assert!(library.scan_folders(&folders).complete);
        let before = library.rows();

        let aside = library.path("aside");
        fs::rename(&folders[0], &aside).expect("away");
        let progress = library.scan_folders(&folders);
        assert_eq!((progress.missing, progress.trouble_count), (0, 1), "{progress:?}");
        assert_eq!(library.rows(), before);

        fs::create_dir(&folders[0]).expect("a mount point without its disk");
        let progress = library.scan_folders(&folders);
        assert_eq!((progress.missing, progress.trouble_count), (0, 1), "{progress:?}");
        assert_eq!(library.rows(), before);

        fs::remove_dir(&folders[0]).expect("removed");
        fs::rename(&aside, &folders[0]).expect("back");
        assert_eq!(library.scan_folders(&folders).unchanged, 2);

        // Tracks of a folder that is no longer in the settings are marked missing.
        assert_eq!(library.scan_folders(&folders[1..]).missing, 1);
        library.scan_folders(&folders);
        assert_eq!(library.rows(), before);
    }

    async fn names_need_not_be_utf_8(database) {
        let library = Library::new(database);
        let name = OsStr::from_bytes(b"caf\xe9 \xff.wav");
        wav(&library.path(name), 1);
        wav(&library.path("日本語/うた.wav"), 2);
        assert_eq!(library.scan().added, 2);
        assert_eq!(library.scan().unchanged, 2);
        let titles: Vec<Option<String>> = library.rows().into_values().map(|row| row.title).collect();
        assert_eq!(titles, [Some("caf\u{fffd} \u{fffd}".to_owned()), Some("うた".to_owned())]);
        fs::rename(library.path(name), library.path("café.wav")).expect("renamed");
        assert_eq!(library.scan().moved, 1);
    }
}

#[test]
fn linked_folders_are_scanned_once() {
    let library = Library::sqlite();
    let outside = tempfile::tempdir().expect("a folder");
    library.song("real/a.wav", 1, "A");
    wav(&outside.path().join("linked/b.wav"), 2);
    wav(&outside.path().join("c.wav"), 3);
    // A loop, two links to the same folder, a link to the music folder, a link without a target.
    symlink(library.music.path(), library.path("real/up")).expect("linked");
    symlink("/", library.path("everything")).expect("linked");
    symlink(outside.path().join("linked"), library.path("one")).expect("linked");
    symlink(outside.path().join("linked"), library.path("two")).expect("linked");
    symlink("..", outside.path().join("linked/back")).expect("linked");
    symlink(library.path("real/a.wav"), library.path("again.wav")).expect("linked");
    symlink(outside.path().join("c.wav"), library.path("c.wav")).expect("linked");
    symlink("nothing", library.path("dangling.wav")).expect("linked");
    symlink("loop.wav", library.path("loop.wav")).expect("linked");
    let progress = library.scan();
    assert_eq!(
        progress.troubles,
        [format!("{}: this link leads to no file: mend it or remove it", library.path("dangling.wav").display())]
    );
    let rows = library.rows();
    let found: Vec<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(found, ["c.wav", "loop.wav", "one/b.wav", "real/a.wav"]);
    assert!(rows["loop.wav"].error.is_some(), "it is there and cannot be looked at");
    assert_eq!(library.scan().unchanged, 3);
}

#[test]
fn the_format_is_detected_from_the_content() {
    let library = Library::sqlite();
    wav(&library.path("really-wav.mp3"), 1);
    fs::write(library.path("really-text.flac"), "words").expect("written");
    fs::write(library.path("empty.ogg"), "").expect("written");
    fs::write(library.path("noise.m4a"), vec![0x5a; 5_000]).expect("written");
    let progress = library.scan();
    assert_eq!((progress.added, progress.unreadable), (4, 3));
    assert_eq!(library.rows()["really-wav.mp3"].title.as_deref(), Some("really-wav"));
    assert_eq!(library.scan().unchanged, 4, "what cannot be read is not tried again and again");
}

#[test]
fn an_unreadable_folder_is_reported_and_its_tracks_stay() {
    let library = Library::sqlite();
    let me = Command::new("id").arg("-u").output().expect("id runs").stdout;
    let open = |path, mode: &str| {
        let changed = Command::new("chmod").arg(mode).arg(library.path(path)).status().expect("chmod runs");
        assert!(changed.success());
    };
    library.song("closed/a.wav", 1, "A");
    library.song("open/b.wav", 2, "B");
    library.song("open/closed.wav", 3, "C");
    library.song("open/new.wav", 4, "D");
    open("open/new.wav", "000");
    let copy = library.database.folder.path().join("segue");
    fs::copy(env!("CARGO_BIN_EXE_segue"), &copy).expect("there is room");
    // Root may read every folder: then the program is run as the user nobody.
    let scan = || {
        let mut command = segue(&library.database);
        if me == b"0\n" {
            for folder in [library.database.folder.path(), library.music.path()] {
                let given = Command::new("chown").args(["-R", "65534"]).arg(folder).status().expect("chown runs");
                assert!(given.success());
            }
            let arguments: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
            let envs: Vec<_> =
                command.get_envs().map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned))).collect();
            command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--clear-groups"]).args(arguments.iter().map(|argument| {
                // The user nobody may have no access to the build folder.
                if argument == env!("CARGO_BIN_EXE_segue") { copy.as_os_str() } else { argument }
            }));
            for (name, value) in envs {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
        }
        let output = command.arg("scan").arg("--music").arg(library.music.path()).output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    scan();
    let rows = library.rows();
    assert!(rows["open/new.wav"].error.is_some() && rows["open/closed.wav"].title.is_some(), "{rows:?}");
    let known = library.id("open/new.wav");
    open("closed", "000");
    open("open/closed.wav", "000");
    // A new modification time, so that the file has to be read again.
    fs::File::options()
        .write(true)
        .open(library.path("open/closed.wav"))
        .and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH))
        .expect("touched");
    let text = scan();
    let refused = "Permission denied (os error 13): the user that runs Segue must be able to read it";
    assert!(text.contains(&format!("closed: {refused}")), "{text}");
    assert!(text.contains(&format!("open/closed.wav: {refused}")), "{text}");
    let rows = library.rows();
    assert!(!rows["closed/a.wav"].missing && rows["closed/a.wav"].error.is_none(), "{rows:?}");
    let closed = &rows["open/closed.wav"];
    assert!(!closed.missing && closed.error.is_none(), "what is known of it stays: {closed:?}");
    for (path, mode) in [("closed", "755"), ("open/closed.wav", "644"), ("open/new.wav", "644")] {
        open(path, mode);
    }
    let text = scan();
    assert!(!text.contains("Permission denied"), "{text}");
    let new = library.rows()["open/new.wav"].clone();
    assert_eq!((new.id, new.error, new.title.as_deref()), (known, None, Some("D")), "it was tried again");
}
