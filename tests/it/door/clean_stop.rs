//! After a clean end the SQLite file is complete, and no file of its write-ahead log is left.

use super::{printed, segue};
use crate::harness::{Dialect, Server, TestDatabase, run};
use std::{fs, path::Path};

/// How often each end is tried: the result can depend on a race between threads.
const TIMES: usize = 8;

/// The accounts in a copy of only the database file.
fn accounts_of_the_file_alone(database: &TestDatabase) -> String {
    let elsewhere = tempfile::tempdir().expect("a folder");
    fs::copy(database.folder.path().join("segue.db"), elsewhere.path().join("segue.db")).expect("copied");
    let output = segue(&["user", "list", "--data-dir", elsewhere.path().to_str().expect("text")]);
    assert!(output.status.success(), "{output:?}");
    printed(&output)
}

#[track_caller]
fn assert_no_log(folder: &Path, after: &str) {
    for name in ["segue.db-wal", "segue.db-shm"] {
        assert!(!folder.join(name).exists(), "{name} is there after {after}");
    }
}

#[test]
fn a_stopped_server_leaves_one_file() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let music = database.folder.path().join("music");
        fs::create_dir(&music).expect("a folder");
        for number in 0..TIMES {
            crate::harness::silence(&music.join(format!("{number}.wav")), 1);
            let mut server = Server::start_with(&database, &["--music", music.to_str().expect("text")]).await;
            server.user(&database, &format!("user{number}")).await;
            server.signal("TERM");
            assert!(server.wait(), "a clean end");
            assert_no_log(database.folder.path(), "a stop");
            assert_eq!(accounts_of_the_file_alone(&database).lines().count(), number + 1);
        }
    });
}

#[test]
fn a_command_leaves_one_file() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let folder = database.folder.path();
    let music = folder.join("music");
    fs::create_dir(&music).expect("a folder");
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let (data, music, backup) = (text(folder), text(&music), text(&folder.join("backup")));
    for number in 0..TIMES {
        let name = format!("user{number}");
        for arguments in [
            &["user", "add", &name][..],
            &["user", "passwd", &name],
            &["user", "list"],
            &["scan", "--music", &music],
            &["backup", &backup, "--force"],
            &["restore", &backup, "--yes"],
        ] {
            let output = segue(&[arguments, &["--data-dir", &data]].concat());
            assert!(output.status.success(), "{output:?}");
            assert_no_log(folder, arguments[0]);
        }
    }
    assert_eq!(accounts_of_the_file_alone(&database).lines().count(), TIMES);
}
