//! CPU time of a process in nanoseconds, and the core on which this process and those that it starts run.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::BTreeMap;
use std::fs;

/// The CPU time, user and system, that each thread of a process has used, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads(BTreeMap<u32, u64>);

impl Threads {
    /// What the threads of a process have used so far.
    ///
    /// # Errors
    /// The process has ended, or this kernel does not count.
    pub fn of(pid: u32) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("/proc/{pid}/task: {error}");
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task")).map_err(failed)?.flatten() {
            // A thread that ends in this moment is not counted.
            let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some(ns) = fs::read_to_string(entry.path().join("schedstat")).ok().as_deref().and_then(first) {
                threads.insert(thread, ns);
            }
        }
        if threads.is_empty() { Err(format!("/proc/{pid}/task has no schedstat")) } else { Ok(Self(threads)) }
    }

    /// What the threads that are there have used since `before`, in nanoseconds.
    #[must_use]
    pub fn since(&self, before: &Self) -> u64 {
        let used = |(thread, ns): (&u32, &u64)| ns.saturating_sub(before.0.get(thread).copied().unwrap_or(0));
        self.0.iter().map(used).sum()
    }
}

fn first(schedstat: &str) -> Option<u64> {
    schedstat.split(' ').next()?.parse().ok()
}

/// The cores on which this thread may run.
#[must_use]
pub fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// From now on this thread, and what it starts, runs on these cores alone.
///
/// # Errors
/// The kernel refuses.
pub fn pin(cores: &[usize]) -> Result<(), String> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).map_err(|error| format!("cores {cores:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_ended_or_began_meanwhile_are_counted_as_far_as_they_are_there() {
        let before = Threads(BTreeMap::from([(1, 100), (2, 50)]));
        let after = Threads(BTreeMap::from([(1, 130), (3, 7)]));
        assert_eq!(after.since(&before), 37);
        assert_eq!((first("2566432 17 1\n"), first("")), (Some(2_566_432), None));
        assert!(Threads::of(u32::MAX).is_err());
    }

    #[test]
    fn this_process_uses_time_and_runs_on_some_core() {
        let before = Threads::of(std::process::id()).expect("it runs");
        while Threads::of(std::process::id()).expect("it runs").since(&before) == 0 {}
        let cores = allowed();
        assert!(!cores.is_empty());
        assert_eq!(pin(&cores), Ok(()));
        assert_eq!(allowed(), cores);
    }
}
