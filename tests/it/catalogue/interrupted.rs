//! A scan that is killed goes on where it stopped.

use super::library::{Library, wav};
use crate::harness::{segue, until};
use std::process::Stdio;

/// Enough for several transactions.
const FILES: usize = 3_000;

on_both_databases! {
    async fn a_killed_scan_goes_on_where_it_stopped(database) {
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
