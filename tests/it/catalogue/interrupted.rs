//! A scan after a killed one continues it, and two scans of one database never run at the same time.

use super::library::{Library, wav};
use crate::harness::{segue, until};
use std::process::Stdio;

/// The number of files; they need several transactions.
const FILES: usize = 3_000;

on_both_databases! {
    async fn processes_that_share_a_database_scan_one_at_a_time(database) {
        let library = Library::new(database);
        wav(&library.path("a.wav"), 1);
        let elsewhere = tempfile::tempdir().expect("a folder");
        let scan = || {
            let mut command = segue(&library.database);
            command.env("SEGUE_DATA_DIR", elsewhere.path()).arg("scan").arg("--music").arg(library.music.path());
            command.output().expect("the program runs")
        };
        let held = library.db.lock_scans().expect("an answer").expect("nobody scans");
        assert!(library.database.open().lock_scans().expect("an answer").is_none());
        let refused = scan();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("another process is scanning"), "{said}");
        assert!(library.rows().is_empty());
        drop(held);
        assert!(scan().status.success());
        assert_eq!(library.rows().len(), 1);
        // PostgreSQL frees it once it has noticed that the connection of the process ended.
        until("it ended with the process", async || library.db.lock_scans().expect("an answer").is_some()).await;
    }

    async fn a_scan_after_a_killed_one_continues_it(database) {
        let library = Library::new(database);
        for (seed, number) in (0_u32..).zip(0..FILES) {
            wav(&library.path(format!("{}/{number}.wav", number % 30)), seed);
        }
        let mut command = segue(&library.database);
        command.arg("scan").arg("--music").arg(library.music.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        until("the first files are written", async || !library.rows().is_empty()).await;
        child.kill().expect("it is our child");
        child.wait().expect("it ends");
        let before = library.rows();
        assert!(before.len() < FILES, "it was killed in the middle of it");
        let progress = library.scan();
        let counted = |count: usize| u64::try_from(count).expect("a count");
        let expected = (counted(before.len()), counted(FILES - before.len()));
        assert_eq!((progress.unchanged, progress.added), expected);
        let after = library.rows();
        assert_eq!(after.len(), FILES);
        assert!(before.iter().all(|(path, row)| after[path].id == row.id));
    }
}
