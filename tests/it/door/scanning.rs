//! Music folders that do not exist, that were mistyped, that have odd names, and that begin with `~`.

use super::{printed, segue};
use crate::harness::{Dialect, Log, Server, TestDatabase, bare, run, silence};
use std::{fs, path::Path};

#[test]
fn a_missing_folder_is_a_failure_and_hides_the_tracks_of_the_old_folder() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let data = database.folder.path().to_str().expect("text");
    let music = database.folder.path().join("Music");
    for album in ["one", "two"] {
        fs::create_dir_all(music.join(album)).expect("made");
        silence(&music.join(album).join("song.wav"), 1);
        // It is no track.
        fs::write(music.join(album).join("broken.wav"), "no sound").expect("written");
    }
    let scan = |folder: &Path| segue(&["scan", "--data-dir", data, "--music", folder.to_str().expect("text")]);
    assert!(scan(&music).status.success());

    let typo = database.folder.path().join("Musik");
    let missing = scan(&typo);
    let (text, told) = (printed(&missing), String::from_utf8_lossy(&missing.stderr).into_owned());
    assert_eq!(missing.status.code(), Some(1), "{text}{told}");
    assert!(text.contains(&format!("{}: No such file or directory", typo.display())), "{text}");
    assert!(told.contains("1 of the music folders could not be scanned"), "{told}");
    let hidden = format!("2 tracks below {} are hidden, not gone", music.display());
    assert!(text.contains(&hidden) && text.contains("0 gone"), "{text}");

    // Each scan says so, as long as it is so. A scan of the right folder shows the tracks again.
    let again = printed(&scan(&typo));
    assert!(again.contains(&hidden) && again.contains("0 gone"), "{again}");
    let back = scan(&music);
    assert!(back.status.success() && !printed(&back).contains("hidden"), "{back:?}");
    let other = database.folder.path().join("other");
    fs::create_dir(&other).expect("made");
    let elsewhere = scan(&other);
    assert!(elsewhere.status.success() && printed(&elsewhere).contains(&hidden), "{elsewhere:?}");
    // Deleted files are gone, not hidden.
    scan(&music);
    fs::remove_dir_all(music.join("one")).expect("removed");
    let gone = printed(&scan(&music));
    assert!(gone.contains("2 gone") && !gone.contains("hidden"), "{gone}");
    let one = printed(&scan(&other));
    let text = format!("1 track below {} is hidden, not gone", music.join("two").display());
    assert!(one.contains(&text) && one.contains("0 gone"), "{one}");
    fs::remove_dir_all(&music).expect("removed");
    assert!(!printed(&scan(&other)).contains("hidden"));
}

#[test]
fn each_scan_lists_all_trouble_of_files_and_its_log_counts_the_same() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let data = database.folder.path();
    let music = data.join("Music");
    fs::create_dir(&music).expect("made");
    silence(&music.join("song.wav"), 1);
    silence(&music.join("odd.wav"), 2);
    let mut bytes = fs::read(music.join("odd.wav")).expect("read");
    let odd = b"TDRC\0\0\0\x0a\0\0\0yesterday";
    let tag = [b"ID3\x04\0\0\0\0\0\x14".as_slice(), odd].concat();
    let size = |length: usize| u32::try_from(length).expect("small").to_le_bytes();
    bytes.extend([b"id3 ".as_slice(), &size(tag.len()), &tag].concat());
    let whole = size(bytes.len() - 8);
    bytes[4..8].copy_from_slice(&whole);
    fs::write(music.join("odd.wav"), bytes).expect("written");
    fs::write(music.join("noise.flac"), "no sound").expect("written");
    fs::write(music.join("empty.mp3"), "").expect("written");
    for news in ["4 new", "4 unchanged"] {
        let arguments = [data, &music].map(|path| path.to_str().expect("text").to_owned());
        let output = segue(&["scan", "--data-dir", &arguments[0], "--music", &arguments[1], "--log=info"]);
        let (text, log) = (printed(&output), String::from_utf8_lossy(&output.stderr).into_owned());
        let shown = music.display();
        for line in [
            "2 files cannot be read:".to_owned(),
            format!("  {shown}/noise.flac: no FLAC file, in spite of its name"),
            format!("  {shown}/empty.mp3: the file is empty"),
            "1 file with tags that could not be read as they are:".to_owned(),
            format!("  {shown}/odd.wav: date: \"yesterday\" is no date"),
        ] {
            assert_eq!(text.lines().filter(|printed| *printed == line).count(), 1, "{news}: {line}: {text}");
        }
        assert!(output.status.success() && text.contains(news) && log.contains("2 unreadable"), "{text}{log}");
    }
}

#[test]
fn every_file_is_read_again_when_that_is_asked_for() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let data = database.folder.path().to_str().expect("text");
    let music = database.folder.path().join("Music");
    fs::create_dir(&music).expect("made");
    silence(&music.join("song.wav"), 1);
    let scan = |more: &[&str]| {
        let folder = music.to_str().expect("text");
        printed(&segue(&[&["scan", "--data-dir", data, "--music", folder], more].concat()))
    };
    assert!(scan(&[]).contains("0 unchanged, 1 new"));
    assert!(scan(&[]).contains("1 unchanged, 0 new, 0 changed"));
    let text = scan(&["--reread-all"]);
    assert!(text.contains("0 unchanged, 0 new, 1 changed"), "{text}");
}

#[test]
fn a_server_says_at_each_start_what_is_hidden() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (music, other) = (database.folder.path().join("Music"), database.folder.path().join("Musik"));
        fs::create_dir(&music).and_then(|()| fs::create_dir(&other)).expect("made");
        silence(&music.join("song.wav"), 1);
        let scanned = crate::harness::segue(&database).arg("scan").arg("--music").arg(&music).output();
        assert!(scanned.expect("the program runs").status.success());
        let hidden = format!("1 track below {} is hidden, not gone", music.display());
        for _ in 0..3 {
            let mut command = crate::harness::segue(&database);
            command.args(["serve", "--listen", "127.0.0.1:0", "--music"]).arg(&other);
            let log = Log::of(&mut command, &database);
            let _server = Server::run(command).await;
            log.line("what is hidden", |line| line.contains(" WARN ") && line.contains(&hidden)).await;
        }
    });
}

#[test]
fn that_a_folder_is_missing_is_said_once_and_not_as_a_matter_of_its_changes() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut command = crate::harness::segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0", "--music"]).arg(database.folder.path().join("Musik"));
        let log = Log::of(&mut command, &database);
        let _server = Server::run(command).await;
        // Changes are watched before the first scan begins.
        log.line("the missing folder", |line| line.contains("Musik: No such file or directory")).await;
        assert!(!log.text().contains("are only found by the next scan"), "{}", log.text());
    });
}

#[test]
fn a_scan_beside_a_server_hides_nothing_of_it() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let (music, other) = (database.folder.path().join("Music"), database.folder.path().join("other"));
        fs::create_dir(&music).and_then(|()| fs::create_dir(&other)).expect("made");
        silence(&music.join("song.wav"), 1);
        fs::copy(music.join("song.wav"), other.join("copy.wav")).expect("copied");
        let scan = |folder: &Path| {
            let scanned = crate::harness::segue(&database).arg("scan").arg("--music").arg(folder).output();
            printed(&scanned.expect("the program runs"))
        };
        scan(&music);
        let tracks = || {
            let db = database.open();
            db.read_blocking(|connection| {
                use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
                use segue::db::schema::tracks::dsl::{id, missing, tracks};
                Ok(tracks.filter(missing.eq(false)).select(id).load::<i64>(connection)?)
            })
            .expect("read")
        };
        let before = tracks();
        let mut command = crate::harness::segue(&database);
        // Without music folders it does not scan, so that the state stays.
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let server = Server::run(command).await;
        let text = scan(&other);
        assert!(text.contains("a server uses this library") && text.contains("1 new"), "{text}");
        assert!(text.contains("the server's next scan goes by its own settings"), "{text}");
        assert!(text.contains("0 gone") && !text.contains("hidden, not gone"), "{text}");
        let beside = tracks();
        assert!(beside.len() == 2 && beside.contains(&before[0]), "{before:?} {beside:?}");
        drop(server);
        assert!(scan(&other).contains("1 track below"), "without a server its folders are all that there are");
    });
}

#[test]
fn names_of_files_cannot_command_a_terminal() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let data = database.folder.path();
    let music = data.join("Music \u{1b}[31m");
    fs::create_dir(&music).expect("made");
    fs::write(music.join("\u{1b}]0;title\u{7}\r\nback.wav"), "no sound").expect("written");
    let missing = data.join("gone\u{1b}[2J\u{9b}");
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let output = segue(&["scan", "--data-dir", &text(data), "--music", &text(&music), &text(&missing)]);
    let (told, failed) = (printed(&output), String::from_utf8_lossy(&output.stderr).into_owned());
    for name in [r"Music \u{1b}[31m/\u{1b}]0;title\u{7}\r\nback.wav: ", r"gone\u{1b}[2J\u{9b}: No such file"] {
        assert!(told.contains(name), "{name}: {told}");
    }
    let is_obeyed = |letter: char| letter.is_control() && letter != '\n';
    assert!(!told.contains(is_obeyed) && !failed.contains(is_obeyed), "{told:?}{failed:?}");
    let refused = segue(&["scan", "--config", "/nowhere/\u{1b}[2J"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains(r"/nowhere/\u{1b}[2J cannot be read") && !told.contains(is_obeyed), "{told:?}");
}

#[test]
fn a_tilde_is_the_home_folder_wherever_a_path_is_set() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("settings.toml");
    fs::write(
        &file,
        "music = [\"~/Music\", \"/~\"]\ndatabase_url = \"sqlite:~/a.db\"\ntls_cert = \"~/c\"\ntls_key = \"~\"",
    )
    .expect("written");
    let config = |arguments: &[&str]| {
        let mut command = bare();
        command.arg("config").args(arguments).env("HOME", home.path()).env("SEGUE_DATA_DIR", "~/data");
        command.output().expect("the program runs")
    };
    let text = printed(&config(&["--config=~/settings.toml"]));
    let home_folder = home.path().to_owned();
    let home = home.path().display();
    for line in [
        format!("data_dir = \"{home}/data\""),
        format!("music = [\"{home}/Music\", \"/~\"]"),
        format!("database_url = \"sqlite:{home}/a.db\""),
        format!("tls_cert = \"{home}/c\""),
        format!("tls_key = \"{home}\""),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let password = home_folder.join("password");
    fs::write(&password, "long enough").expect("written");
    for arguments in [
        &["user", "add", "anna", "--password-file=~/password", "--data-dir=~/data"][..],
        &["backup", "~/backup", "--data-dir=~/data"],
        &["restore", "~/backup", "--yes", "--data-dir=~/data"],
    ] {
        let output = bare().args(arguments).env("HOME", &home_folder).output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
    }
    assert!(home_folder.join("backup").exists());
    let refused = config(&["--music=~anna/Music"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("music") && told.contains("~anna/Music"), "{told}");
}
