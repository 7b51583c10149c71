//! Runs programs in new Linux namespaces (namespaces(7), unshare(1)).

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

/// The command `unshare` with these options; the caller adds the program. Without root it also makes a user namespace.
///
/// # Panics
/// When the system refuses the namespaces; the message says what to allow.
#[track_caller]
pub(crate) fn unshare(options: &[&str]) -> Command {
    // Root needs no user namespace; some machines do not allow them.
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
        "this test needs new namespaces, and `unshare {}` was refused: {}\nRun the tests as root on a machine or \
         in a container that allows it (CAP_SYS_ADMIN), or allow user namespaces (user.max_user_namespaces).",
        [user, options].concat().join(" "),
        String::from_utf8_lossy(&tried.stderr).trim()
    );
    command()
}
