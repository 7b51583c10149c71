//! Commands that only read or change existing data make no database.

use super::refused;
use crate::harness::{Dialect, TestDatabase};
use std::fs;

const COMMANDS: &[&[&str]] = &[
    &["backup", "/nowhere/backup"],
    &["user", "list"],
    &["user", "passwd", "anna"],
    &["user", "remove", "anna", "--yes"],
];

#[test]
fn without_a_database_commands_fail_with_its_path_and_make_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("typo").to_str().expect("text").to_owned();
    for command in COMMANDS {
        let told = refused(&[command, &["--data-dir", &data][..]].concat());
        let place = format!("there is no database of segue at sqlite:{data}/segue.db");
        assert!(
            told.contains(&place) && told.contains("--data-dir") && told.contains("a server makes a new one"),
            "{told}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0, "nothing was made");
}

#[test]
fn an_empty_database_counts_as_no_database_of_segue() {
    let file = tempfile::tempdir().expect("a folder");
    let empty = file.path().join("empty.db");
    fs::write(&empty, "").expect("written");
    let postgres = TestDatabase::empty(Dialect::Postgres);
    for url in [format!("sqlite:{}", empty.display()), postgres.url.clone()] {
        for command in COMMANDS {
            let told = refused(&[command, &["--database-url", &url][..]].concat());
            assert!(told.contains(&format!("there is no database of segue at {url}")), "{told}");
        }
    }
    assert_eq!(fs::read(&empty).expect("readable"), b"", "it stays as it was");
}
