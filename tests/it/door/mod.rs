//! The first use of Segue: printed commands and links, help, messages of failed commands, files after the end.

mod clean_stop;
mod help;
mod no_database;
mod paste;
mod private;
mod proxy;
mod readme;
mod scanning;
mod titles;
mod unusable;

use crate::harness::{bare, is_root, pass_environment};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The text that a command printed to standard output.
fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("commands write UTF-8")
}

/// Runs the program without the `SEGUE_*` variables of the caller.
fn segue(arguments: &[&str]) -> Output {
    bare().args(arguments).env("SEGUE_PASSWORD", "long enough").output().expect("the program runs")
}

/// Runs the program, which must fail; returns its message of one line.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    one_line(&segue(arguments))
}

/// The message of a failed command, which must be one line.
#[track_caller]
fn one_line(output: &Output) -> String {
    let told = String::from_utf8(output.stderr.clone()).expect("commands write UTF-8");
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    told
}

/// The command `segue`, run as a user other than root, with a copy of the program in `folder` that every user may run.
fn as_somebody(folder: &Path, arguments: &[&str]) -> Command {
    let program: PathBuf = folder.join("segue");
    fs::hard_link(env!("CARGO_BIN_EXE_segue"), &program)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_segue"), &program).map(drop))
        .expect("a copy of the program");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("everybody may look in");
    let mut command = Command::new("setpriv");
    pass_environment(&bare(), &mut command);
    if is_root() {
        command.args(["--reuid", "65534", "--clear-groups"]);
    }
    // The caller's home folder may be closed to somebody else.
    command.arg(program).args(arguments).env("SEGUE_PASSWORD", "long enough").env("HOME", folder);
    command.env_remove("XDG_DATA_HOME");
    command
}
