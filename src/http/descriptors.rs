//! How many descriptors this process may open: one for each connection, and some for files and the database.

/// What is asked for at most: Linux allows no more without a setting of its own (`proc_sys_fs(5)`, `nr_open`).
#[cfg(target_os = "linux")]
const MOST: u64 = 1 << 20;
/// Where the limit cannot be asked for: the usual one (setrlimit(2)).
const USUAL: usize = 1_024;

/// Raises the soft limit to the hard one; returns the limit.
#[cfg(target_os = "linux")]
pub(super) fn raise() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(MOST).min(MOST);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
        if let Err(error) = raised {
            log::warn!("the limit of open files cannot be raised to {wanted}: {error}");
        }
    }
    let now = getrlimit(Resource::Nofile).current.unwrap_or(MOST);
    usize::try_from(now).unwrap_or(USUAL)
}

/// The limit is not asked for on this system.
#[cfg(not(target_os = "linux"))]
pub(super) const fn raise() -> usize {
    USUAL
}
