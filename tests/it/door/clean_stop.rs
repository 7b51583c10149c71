//! After a clean end the SQLite file is complete, and no file of its write-ahead log is left.

use super::{printed, segue};
use crate::harness::{Dialect, Log, Server, TestDatabase, bare, run, until};
use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
};

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

/// A child that is killed with its test.
struct Starting(Child);

impl Starting {
    fn new(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    /// Waits until the process catches SIGHUP, SIGINT and SIGTERM (proc(5), `SigCgt`; signal(7) has their numbers).
    async fn catches_signals(&self) {
        let wanted = [1, 2, 15].map(|signal| 1_u64 << (signal - 1)).into_iter().sum::<u64>();
        until("signals are caught", async || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
            caught & wanted == wanted
        })
        .await;
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "the signal was not delivered");
    }

    /// The exit code and what it wrote to standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut told = String::new();
        let error = self.0.stderr.as_mut().expect("it is piped");
        std::io::Read::read_to_string(error, &mut told).expect("UTF-8");
        (self.0.wait().expect("it is our child").code(), told)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_signal_during_the_start_ends_it_and_leaves_one_file() {
    run(async {
        for (command, code, told) in [
            (&["serve", "--listen", "127.0.0.1:0"][..], 0, "stopping"),
            (&["demo", "--listen", "127.0.0.1:0"], 0, ""),
            (&["scan", "--music", "."], 1, "the scan did not come to its end"),
        ] {
            let database = TestDatabase::new(Dialect::Sqlite);
            let data = database.folder.path();
            // A demo takes no other folder, and makes nothing again here.
            fs::create_dir(data.join("music")).expect("made");
            for mark in [".segue-demo", "music/.segue-demo-made"] {
                File::create(data.join(mark)).expect("made");
            }
            // The database cannot be opened while the test has this lock.
            let lock = File::create(data.join("segue.db-lock")).expect("it is there");
            lock.lock().expect("locked");
            let mut start = bare();
            let starting = Starting::new(start.args(command).arg("--data-dir").arg(data));
            starting.catches_signals().await;
            if command[0] != "scan" {
                starting.signal("HUP");
            }
            starting.signal("TERM");
            drop(lock);
            let (ended, text) = starting.end();
            assert!(ended == Some(code) && text.contains(told), "{command:?}: {ended:?} {text}");
            assert_no_log(data, command[0]);
            accounts_of_the_file_alone(&database);
        }
    });
}

#[test]
fn a_signal_at_any_moment_of_the_start_leaves_one_file() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        for number in 0..TIMES {
            let mut command = crate::harness::segue(&database);
            command.args(["serve", "--listen", "127.0.0.1:0", "--log", "debug"]).stdout(Stdio::null());
            let log = Log::of(&mut command, &database);
            let mut child = Starting(command.spawn().expect("it starts"));
            // A little later each time.
            until("it starts", async || {
                let text = log.text();
                text.lines().count() > number || text.contains("listening address=")
            })
            .await;
            child.signal("HUP");
            child.signal("TERM");
            let code = child.0.wait().expect("it is our child").code();
            assert_eq!(code, Some(0), "{}", log.text());
            assert_no_log(database.folder.path(), "a start");
        }
    });
}
