//! The clock of a run: steady, the same for all processes of the machine.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Now, in microseconds.
#[must_use]
pub fn now_us() -> i64 {
    micros(clock_gettime(ClockId::Monotonic))
}

/// The CPU time that this process has used, in microseconds.
#[must_use]
pub fn cpu_us() -> u64 {
    u64::try_from(micros(clock_gettime(ClockId::ProcessCPUTime))).unwrap_or(0)
}

const fn micros(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)
}

/// An instant of this clock as the kernel takes it.
#[must_use]
pub const fn timespec(at_us: i64) -> Timespec {
    let at_us = if at_us < 1 { 1 } else { at_us };
    Timespec { tv_sec: at_us / 1_000_000, tv_nsec: (at_us % 1_000_000) * 1_000 }
}
