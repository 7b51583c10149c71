//! Runs programs in new Linux namespaces (namespaces(7), unshare(1)).

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

/// Whoever makes a user namespace is root within it (`user_namespaces(7)`).
const IN_USER_NAMESPACE: &[&str] = &["--user", "--map-root-user"];

/// The command `unshare` with these options; the caller adds the program. It makes a user namespace as well, unless root
/// runs the tests and needs none.
///
/// # Panics
/// When the system refuses the namespaces; the message says what to allow.
#[track_caller]
pub(crate) fn unshare(options: &[&str]) -> Command {
    // Some machines do not allow user namespaces; in some containers root is allowed nothing else.
    let is_root = fs::metadata("/proc/self").expect("a process").uid() == 0;
    let ways: &[&[&str]] = if is_root { &[&[], IN_USER_NAMESPACE] } else { &[IN_USER_NAMESPACE] };
    let mut refusals = String::new();
    for way in ways {
        let command = || {
            let mut command = Command::new("unshare");
            command.args(*way).args(options);
            command
        };
        let tried = command().arg("true").output().expect("unshare, of Debian's package util-linux, runs");
        if tried.status.success() {
            return command();
        }
        refusals.extend([format!("\n{:?}: {}", command(), String::from_utf8_lossy(&tried.stderr).trim())]);
    }
    panic!(
        "this test needs new namespaces, which are refused:{refusals}\nRun the tests as root on a machine or in a \
         container that allows it (CAP_SYS_ADMIN), or allow user namespaces (user.max_user_namespaces)."
    );
}
