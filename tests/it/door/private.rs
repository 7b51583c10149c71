//! Only the owner may read the data: the database holds the key that signs logins.

use super::segue;
use crate::harness::{self, Dialect, Log, Server, TestDatabase, run};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

/// The database's files in a folder: those of SQLite, and the locks beside it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("it is readable").path());
    let files: Vec<_> = all.filter(|path| path.is_file()).collect();
    assert!(!files.is_empty());
    files
}

#[test]
fn what_a_command_or_server_makes_is_for_its_owner_alone() {
    let root = tempfile::tempdir().expect("a folder");
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let folder = root.path().join("new/data");
    let made = segue(&["user", "add", "anna", "--data-dir", folder.to_str().expect("text")]);
    assert!(made.status.success(), "{made:?}");
    assert_eq!(mode(&folder), 0o700);
    for file in files(&folder) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

/// As an earlier version made them.
#[test]
fn a_server_closes_what_is_open_to_others_and_says_so() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        drop(database.open());
        let folder = database.folder.path();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
        for file in files(folder) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o644)).expect("it is ours");
        }
        let mut command = harness::segue(&database);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let log = Log::of(&mut command, &database);
        let server = Server::run(command).await;
        for (path, narrow) in [(folder.to_owned(), 0o700), (folder.join("segue.db"), 0o600)] {
            assert_eq!(mode(&path), narrow);
            let told = format!("{} was open to other users of this machine (mode", path.display());
            assert!(log.text().contains(&told), "{}", log.text());
        }
        for ending in ["-wal", "-shm"] {
            let file = folder.join(format!("segue.db{ending}"));
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        drop(server);
    });
}
