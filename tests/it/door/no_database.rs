//! Commands that only read or change existing data make no database.

use super::{one_line, refused};
use crate::harness::{Dialect, TestDatabase, bare};
use std::fs;

const COMMANDS: &[&[&str]] = &[
    &["backup", "/nowhere/backup"],
    &["user", "list"],
    &["user", "passwd", "anna"],
    &["user", "remove", "anna", "--yes"],
    &["user", "remove", "--prefix", "load"],
    &["user", "tokens", "--count", "1", "--prefix", "load", "--out", "-"],
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

#[test]
fn an_account_that_cannot_be_made_makes_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("text");
    let told = refused(&["user", "add", "a b", "--data-dir", data]);
    assert!(told.contains("a user name has letters, digits"), "{told}");
    let output = bare().args(["user", "add", "anna", "--data-dir", data]).env("SEGUE_PASSWORD", "short").output();
    let told = one_line(&output.expect("the program runs"));
    assert!(told.contains("a password has 8 to 256 characters"), "{told}");
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0, "nothing was made");
}
