//! Runs programs in new Linux namespaces (namespaces(7), unshare(1)).

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

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

/// Mounts a disk in memory with the options `$2` at the folder `$3` and executes `"$4" …`, both below the root directory
/// of process `$1`. (Users other than root cannot read that link, but they cannot make namespaces in a chroot either.) The
/// script runs at the root of its mount namespace. That is always a mount point, unlike the root directory of a chroot,
/// and only at a mount point can the namespace be separated from the one it was copied from.
const MOUNT_AND_EXECUTE: &str = r#"
set -e
mount --make-rprivate /
root=$(readlink "/proc/$1/root" || echo /)
mount -t tmpfs -o "$2" disk "$root/$3"
shift 3
exec chroot "$root" "$@"
"#;

/// A command that has a disk of its own at `folder`, made with these options of `mount`; the caller adds the program. The
/// disk is gone when the program ends.
///
/// # Panics
/// As [`unshare`].
#[track_caller]
pub(crate) fn with_disk(options: &str, folder: &Path) -> Command {
    let mut command = unshare(&["--mount", "--propagation", "unchanged"]);
    command.args(["nsenter", "--mount=/proc/self/ns/mnt", "sh", "-c", MOUNT_AND_EXECUTE, "sh"]);
    command.arg(std::process::id().to_string()).arg(options).arg(folder);
    command
}
