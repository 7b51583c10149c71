//! Ends a thread of the background, and wakes it for that.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Whether it is time to end.
#[derive(Debug, Default)]
pub(super) struct Stop {
    over: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// It is time.
    pub(super) fn tell(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Whether it is time.
    pub(super) fn is_over(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a while, or until it is time; says whether it is.
    pub(super) fn within(&self, wait: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        *self.told.wait_timeout_while(over, wait, |over| !*over).unwrap_or_else(PoisonError::into_inner).0
    }
}
