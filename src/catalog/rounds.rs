//! The rounds in which a background thread does what is due, and waiting until one that begins from now on has ended.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Counts the rounds of one thread. No round is expected to come at first.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    counts: Mutex<RoundCounts>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct RoundCounts {
    begun: u64,
    ended: u64,
    /// The number of the round that is waited for.
    wanted: u64,
    /// Whether rounds come. If not, nothing waits for them.
    come: bool,
}

/// Suspends the rounds when it is dropped.
pub(super) struct SuspendedAtEnd<'a>(&'a Rounds);

impl Drop for SuspendedAtEnd<'_> {
    fn drop(&mut self) {
        self.0.suspend();
    }
}

impl Rounds {
    /// Rounds come from now on.
    pub(super) fn resume(&self) {
        self.lock().come = true;
    }

    /// No round comes for now: whatever waits goes on.
    pub(super) fn suspend(&self) {
        self.lock().come = false;
        self.changed.notify_all();
    }

    /// Suspends when the result is dropped, also by a panic.
    pub(super) const fn suspended_at_end(&self) -> SuspendedAtEnd<'_> {
        SuspendedAtEnd(self)
    }

    /// Does a round. One that fails does not count: it has not ended.
    ///
    /// # Errors
    /// That of `work`.
    pub(super) fn one<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let number = {
            let mut counts = self.lock();
            counts.begun += 1;
            counts.begun
        };
        let done = work()?;
        self.lock().ended = number;
        self.changed.notify_all();
        Ok(done)
    }

    /// Between two rounds: waits until another is waited for or `wait` has passed, or the rounds are suspended.
    pub(super) fn wait(&self, wait: Duration) {
        let idle = |counts: &mut RoundCounts| counts.come && counts.wanted <= counts.ended;
        drop(self.changed.wait_timeout_while(self.lock(), wait, idle));
    }

    /// Blocks until a round that begins from now on has ended, at most for `within`, and only while rounds come. A round
    /// that runs already may have read before what it is waited for.
    pub(super) fn await_next(&self, within: Duration) {
        let mut counts = self.lock();
        let wanted = counts.begun + 1;
        counts.wanted = counts.wanted.max(wanted);
        self.changed.notify_all();
        let waits = |counts: &mut RoundCounts| counts.come && counts.ended < wanted;
        drop(self.changed.wait_timeout_while(counts, within, waits));
    }

    fn lock(&self) -> MutexGuard<'_, RoundCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
        thread,
    };

    /// Longer than any test takes.
    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn what_waits_has_seen_a_whole_round_that_began_after_it_asked() {
        let (rounds, written, read, is_over) =
            (Rounds::default(), AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
        rounds.resume();
        thread::scope(|threads| {
            threads.spawn(|| {
                while !is_over.load(SeqCst) {
                    let round = || {
                        let found = written.load(SeqCst);
                        thread::yield_now();
                        read.store(found, SeqCst);
                        Ok::<_, ()>(())
                    };
                    rounds.one(round).expect("it does not fail");
                    rounds.wait(LONG);
                }
            });
            for number in 1..1_000 {
                written.store(number, SeqCst);
                rounds.await_next(LONG);
                assert!(read.load(SeqCst) >= number, "{number}");
            }
            is_over.store(true, SeqCst);
            rounds.suspend();
        });
    }

    #[test]
    fn nothing_waits_for_rounds_that_do_not_come() {
        let rounds = Rounds::default();
        rounds.await_next(LONG);
        rounds.resume();
        thread::scope(|threads| {
            threads.spawn(|| rounds.await_next(LONG));
            rounds.one(|| Err::<(), _>(())).expect_err("it fails");
            drop(rounds.suspended_at_end());
        });
        rounds.await_next(LONG);
    }
}
