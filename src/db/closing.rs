//! How many connections of a handle are open, so that a process can wait until the last one has closed.
//!
//! The pool opens and closes connections on threads of its own. A process that ends while one of them is open leaves a
//! SQLite file with its write-ahead log beside it (sqlite.org/wal.html, "The WAL File"): the file alone then lacks the
//! newest commits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Between two looks at the number of open connections.
const LOOK_EACH: Duration = Duration::from_millis(2);

/// The number of connections, and of pools that can still open one. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Census(Arc<AtomicUsize>);

impl Census {
    /// Counts one until the result is dropped.
    pub(super) fn count(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(&self.0))
    }

    /// Waits until nothing is counted. Blocks for at most `limit`; false when something is still open then.
    pub(super) fn wait_for_none(&self, limit: Duration) -> bool {
        let began = Instant::now();
        while self.0.load(Ordering::SeqCst) > 0 {
            if began.elapsed() >= limit {
                return false;
            }
            thread::sleep(LOOK_EACH);
        }
        true
    }
}

/// One of those counted.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
