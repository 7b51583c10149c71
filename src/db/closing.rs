//! How many connections of a handle are open, so that a process can wait until the last one has closed.
//!
//! The pool opens and closes connections on threads of its own. A process that ends while one of them is open leaves a
//! SQLite file with its write-ahead log beside it (sqlite.org/wal.html, "The WAL File"): the file alone then lacks the
//! newest commits.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The number of connections, and of pools that can still open one. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Census(Arc<Open>);

#[derive(Debug, Default)]
struct Open {
    count: Mutex<usize>,
    /// Notified when the count becomes 0.
    none: Condvar,
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Census {
    /// Counts one until the result is dropped.
    pub(super) fn count(&self) -> CensusEntry {
        let mut count = self.0.lock();
        *count = count.saturating_add(1);
        CensusEntry(Arc::clone(&self.0))
    }

    /// Waits until nothing is counted. Blocks for at most `limit`; false when something is still open then.
    pub(super) fn wait_for_none(&self, limit: Duration) -> bool {
        let waited = self.0.none.wait_timeout_while(self.0.lock(), limit, |count| *count > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

/// One of those counted.
#[derive(Debug)]
pub(super) struct CensusEntry(Arc<Open>);

impl Drop for CensusEntry {
    fn drop(&mut self) {
        let mut count = self.0.lock();
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.0.none.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    #[test]
    fn who_waits_goes_on_when_the_last_one_is_dropped() {
        let census = Census::default();
        assert!(census.wait_for_none(Duration::ZERO));
        let (first, last) = (census.count(), census.clone().count());
        assert!(!census.wait_for_none(Duration::ZERO));
        drop(first);
        assert!(!census.wait_for_none(Duration::ZERO));
        let (begins, has_begun) = mpsc::channel();
        let waiting = thread::spawn(move || {
            begins.send(()).unwrap();
            // Longer than any test may run: nothing but the notification ends it.
            census.wait_for_none(Duration::from_hours(24))
        });
        has_begun.recv().unwrap();
        drop(last);
        assert!(waiting.join().unwrap());
    }
}
