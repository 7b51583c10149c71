//! `segue backup` and `segue restore` that are killed: the database is unchanged, and no incomplete backup is left.

use super::{add_plays, assert_same, back_up, files_in, restore, rows, sql, value};
use crate::harness::{segue, until};
use diesel::connection::SimpleConnection as _;
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    process::{Command, Stdio},
};

/// With this flag, opening a pipe without a reader fails (open(2)).
const O_NONBLOCK: i32 = 0o4000;

on_both_databases! {
    /// The backup is a pipe, so that the test controls how much the restore has read.
    async fn a_killed_restore_changes_nothing(database) {
        add_plays(&database, 40_000);
        sql(&database, "INSERT INTO users VALUES (1, 'old', 'old', '', 'admin', 0)");
        let good = back_up(&database, "good.backup");
        sql(&database, "UPDATE users SET name = 'new'; DELETE FROM plays WHERE revision > 100");
        let before = rows(&back_up(&database, "before.backup"));
        let bytes = fs::read(&good).expect("it is there");
        let pipe = database.folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
        let mut child = segue(&database).arg("restore").arg(&pipe).arg("--yes").spawn().expect("the program runs");
        // The first reading, which checks. Our transaction delays the restore that follows.
        let checked = |connection: &mut segue::db::DbConnection| {
            connection.batch_execute("UPDATE users SET name = name")?;
            let open = |flags| File::options().write(true).custom_flags(flags).open(&pipe);
            open(0).expect("a pipe").write_all(&bytes).expect("it is read whole");
            while open(O_NONBLOCK).is_ok() {
                std::thread::yield_now();
            }
            Ok(())
        };
        database.open().write_blocking(checked).expect("our turn");
        // Then half of the second reading; at most the pipe's buffer (64 KiB) is unread.
        assert!(bytes.len() / 2 > 256 << 10, "{} bytes are too few", bytes.len());
        let mut half = File::options().write(true).open(&pipe).expect("a pipe");
        half.write_all(&bytes[..bytes.len() / 2]).expect("it is read");
        child.kill().expect("our child");
        child.wait().expect("our child");
        drop(half);
        until("the transaction is gone", async || {
            database.open().write_blocking(|_| Ok(())).is_ok()
        })
        .await;
        assert_same(&rows(&back_up(&database, "after.backup")), &before);
        restore(&database, &good);
        assert_eq!(value(&database, "SELECT name FROM users"), "old");
    }

    async fn a_killed_backup_leaves_no_backup_file(database) {
        add_plays(&database, 60_000);
        let folder = tempfile::tempdir().expect("a folder");
        let (file, part) = (folder.path().join("a.backup"), folder.path().join("a.backup.part"));
        let mut halves = 0;
        for _ in 0..30 {
            let mut child =
                segue(&database).arg("backup").arg(&file).stdout(Stdio::null()).spawn().expect("the program runs");
            until("something is written", async || {
                file.exists() || fs::metadata(&part).is_ok_and(|part| part.len() > 0)
            })
            .await;
            child.kill().expect("our child");
            child.wait().expect("our child");
            if file.exists() {
                assert!(!rows(&file).is_empty(), "what is there is whole");
                fs::remove_file(&file).expect("it is there");
            } else {
                halves += 1;
                if halves == 2 {
                    break;
                }
            }
        }
        assert!(halves > 0, "no kill came in time");
        assert_eq!(files_in(folder.path()), ["a.backup.part"]);
        assert!(segue(&database).arg("backup").arg(&file).status().is_ok_and(|status| status.success()));
        assert_eq!(files_in(folder.path()), ["a.backup"], "the next one clears up");
        assert!(rows(&file).len() > 60_000);
    }
}
