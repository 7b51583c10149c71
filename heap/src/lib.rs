//! Gives free memory of the process back to the system.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::c_int;

    /// `struct mallinfo`. Its numbers are those of bytes modulo 4 GiB.
    #[repr(C)]
    pub(super) struct Mallinfo {
        _before: [c_int; 4],
        /// Bytes of blocks that have a mapping of their own.
        pub(super) hblkhd: c_int,
        _between: [c_int; 2],
        /// Bytes of all other blocks in use.
        pub(super) uordblks: c_int,
        _after: [c_int; 2],
    }

    unsafe extern "C" {
        /// `malloc_trim(3)`.
        pub(super) safe fn malloc_trim(pad: usize) -> c_int;
        /// `mallinfo(3)`; `mallinfo2`, whose numbers are larger, is in glibc since 2.33 only.
        pub(super) safe fn mallinfo() -> Mallinfo;
    }
}

/// Free memory is given back when there is more of it than this…
const SPARE: u64 = 2 * 1024 * 1024;
/// … and one part in this many of what is in use.
const PART: u64 = 20;

/// Gives all free memory back, after work that needed much of it. Takes some milliseconds, in which other threads may wait
/// for memory. Does nothing where the C library is not glibc.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::malloc_trim(0);
}

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What was allocated and is not freed, modulo 4 GiB.
    pub used: u64,
    /// What is in RAM of the memory that is not of files.
    pub resident: u64,
}

impl Usage {
    /// That of this process; `None` where the C library is not glibc.
    #[must_use]
    pub fn now() -> Option<Self> {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            let status = std::fs::read_to_string("/proc/self/status").ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
            let resident = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
            let known = glibc::mallinfo();
            let used =
                u64::from(known.uordblks.cast_unsigned()).saturating_add(u64::from(known.hblkhd.cast_unsigned()));
            Some(Self { used, resident })
        }
        #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
        None
    }

    /// What is in RAM and not in use: free memory, and what was not allocated by the C library.
    const fn surplus(self) -> u64 {
        self.resident.saturating_sub(self.used)
    }
}

/// Gives free memory back whenever there is much of it.
#[derive(Debug, Default)]
pub struct Keeper {
    /// The surplus that was left when memory was given back last.
    left: u64,
}

impl Keeper {
    /// Looks once. To be called every few seconds: looking takes less than a millisecond for each 10,000 free blocks.
    pub fn look(&mut self) {
        if Usage::now().is_some_and(|now| self.is_due(now)) {
            trim();
            self.left = Usage::now().map_or(0, Usage::surplus);
        }
    }

    fn is_due(&self, now: Usage) -> bool {
        now.surplus() > self.left.saturating_add(SPARE).saturating_add(now.used / PART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn memory_is_given_back_when_much_more_is_free_than_last_time() {
        let due = |left, used, resident| {
            Keeper { left: left * MIB }.is_due(Usage { used: used * MIB, resident: resident * MIB })
        };
        assert!(due(0, 100, 108) && !due(0, 100, 106));
        assert!(due(10, 100, 118) && !due(10, 100, 116), "what could not be given back is not tried again");
        assert!(due(0, 10, 13) && !due(0, 10, 12));
        assert!(!due(0, 100, 50), "what was never written to is not in RAM");
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn what_was_freed_leaves_the_ram() {
        let now = || Usage::now().expect("glibc on Linux");
        let mut blocks: Vec<Box<[u8; 1_000]>> = (0..64_000).map(|_| Box::new([1; 1_000])).collect();
        let full = now();
        assert!(full.used > 60 * MIB && full.resident > 60 * MIB, "{full:?}");
        // The last block keeps the C library from giving back what is below it.
        drop(blocks.drain(..63_999));
        let free = now();
        assert!(free.used < 10 * MIB && free.resident > 50 * MIB, "{free:?}");
        Keeper::default().look();
        let given = now();
        assert!(given.resident < 20 * MIB, "{given:?}");
        drop(blocks);
    }
}
