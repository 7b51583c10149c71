//! A database that cannot be used: the message names its path and the reason.

use super::{as_somebody, is_root, one_line, refused};
use crate::harness::{bare, pass_environment, with_disk};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Runs `segue user add` as a user other than root; returns its message.
fn told(folder: &Path, url: &str) -> String {
    one_line(&as_somebody(folder, &["user", "add", "anna", "--database-url", url]).output().expect("the program runs"))
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode is set");
}

#[test]
fn a_folder_that_may_not_be_written_is_named_with_its_owner() {
    let (folder, program) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    set_mode(folder.path(), 0o555);
    let shown = folder.path().display().to_string();
    for below in ["segue.db", "new/segue.db"] {
        let told = told(program.path(), &format!("sqlite:{shown}/{below}"));
        fs::remove_file(program.path().join("segue")).expect("it was there");
        assert!(told.contains(&format!("the database {shown}/{below} cannot be used: the folder {shown}")), "{told}");
        assert!(told.contains("of user ") && told.contains("(mode 555) cannot be written"), "{told}");
    }
    set_mode(folder.path(), 0o755);
}

#[test]
fn a_file_of_another_user_is_named_with_its_owner() {
    if !is_root() {
        // Only root can make a file of another user; without root the file's mode has the same effect.
        return a_file_of_mode(0o400);
    }
    a_file_of_mode(0o600);
}

fn a_file_of_mode(mode: u32) {
    let (folder, program) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    set_mode(folder.path(), 0o777);
    let file = folder.path().join("segue.db");
    let url = format!("sqlite:{}", file.display());
    assert!(super::segue(&["user", "add", "ben", "--database-url", &url]).status.success());
    set_mode(&folder.path().join("segue.db-lock"), 0o666);
    set_mode(&file, mode);
    let told = told(program.path(), &url);
    let file = file.display();
    assert!(told.contains(&format!("the database {file} cannot be used: the file {file} of user ")), "{told}");
    assert!(told.contains(&format!("(mode {mode:o}) cannot be written")), "{told}");
}

#[test]
fn a_command_that_reads_names_the_folder_that_it_may_not_write() {
    let (folder, program) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (data, backup) = (folder.path().to_str().expect("text"), program.path().join("backup"));
    assert!(super::segue(&["user", "add", "ben", "--data-dir", data]).status.success());
    for name in ["segue.db", "segue.db-lock"] {
        set_mode(&folder.path().join(name), 0o666);
    }
    set_mode(folder.path(), 0o555);
    for command in [&["user", "list"][..], &["backup", backup.to_str().expect("text")]] {
        let arguments = [command, &["--data-dir", data]].concat();
        let told = one_line(&as_somebody(program.path(), &arguments).output().expect("the program runs"));
        fs::remove_file(program.path().join("segue")).expect("it was there");
        let place = format!("the database {data}/segue.db cannot be used: the folder {data} of user ");
        assert!(told.contains(&place) && told.contains("(mode 555) cannot be written by user "), "{told}");
    }
    set_mode(folder.path(), 0o755);
    let names = fs::read_dir(folder.path()).expect("readable").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().contains("probe")).count(), 0);
}

#[test]
fn a_full_disk_at_the_first_start_is_named_as_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("text");
    let program = bare();
    // Room for nothing, for an empty database, and for a part of the tables.
    for size in ["4k", "8k", "64k", "400k"] {
        let mut command = with_disk(&format!("size={size}"), folder.path());
        command.arg(program.get_program()).args(program.get_args());
        command.args(["user", "add", "anna", "--log", "error", "--data-dir", data]);
        pass_environment(&program, &mut command);
        command.env("SEGUE_PASSWORD", "long enough");
        let told = one_line(&command.output().expect("unshare runs"));
        assert!(told.contains("there is no room ") && told.contains(&format!("{data}/segue.db")), "{size}: {told}");
    }
}

#[test]
fn a_read_only_disk_is_named_as_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("text");
    let program = bare();
    let mut command = with_disk("ro", folder.path());
    command.arg(program.get_program()).args(program.get_args()).args(["user", "add", "anna", "--data-dir", data]);
    pass_environment(&program, &mut command);
    command.env("SEGUE_PASSWORD", "long enough");
    let told = one_line(&command.output().expect("unshare runs"));
    assert!(told.contains(&format!("the database {data}/segue.db cannot be used")), "{told}");
    assert!(told.contains("is on a disk that is mounted read-only"), "{told}");
}

#[test]
fn other_files_are_named_as_not_being_a_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    fs::create_dir(path("folder")).expect("made");
    fs::write(path("letter.txt"), "Dear Anna, this is no database, but it is as long as one that is.\n".repeat(99))
        .expect("written");
    for (name, reason) in [
        ("folder", "it is a folder: name a file in it"),
        ("letter.txt", "it is not a SQLite database"),
        ("letter.txt/segue.db", "a part of that path is a file"),
    ] {
        for command in
            [&["user", "add", "anna"][..], &["serve", "--listen", "127.0.0.1:0", "--log", "error"], &["user", "list"]]
        {
            let url = format!("sqlite:{}", path(name));
            let told = refused(&[command, &["--database-url", &url]].concat());
            assert!(told.contains(&format!("the database {} cannot be used: ", path(name))), "{told}");
            assert!(told.contains(reason), "{told}");
        }
    }
}
