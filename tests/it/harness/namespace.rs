//! Programs in Linux namespaces of their own (namespaces(7), unshare(1)).

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

/// `unshare` with these options; the caller adds the program. It makes a user namespace first unless root runs the tests.
///
/// # Panics
/// Where the system refuses the namespaces; the message says what to allow.
#[track_caller]
pub(crate) fn unshare(options: &[&str]) -> Command {
    // Root needs no user namespace, which some machines do not give.
    let is_root = fs::metadata("/proc/self").expect("a process").uid() == 0;
    let user: &[&str] = if is_root { &[] } else { &["--user", "--map-root-user"] };
    let command = || {
        let mut command = Command::new("unshare");
        command.args(user).args(options);
        command
    };
    let tried = command().arg("true").output().expect("unshare, of Debian's package util-linux, runs");
    assert!(
        tried.status.success(),
        "this test needs namespaces of its own, and `unshare {}` was refused: {}\nRun the tests as root on a machine or \
         in a container that allows it (CAP_SYS_ADMIN), or allow user namespaces (user.max_user_namespaces).",
        [user, options].concat().join(" "),
        String::from_utf8_lossy(&tried.stderr).trim()
    );
    command()
}
