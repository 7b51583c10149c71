//! A flag that ends a background thread and wakes it from waiting.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// The flag; not set at first.
#[derive(Debug, Default)]
pub struct Stop {
    over: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// Sets the flag and wakes all threads in [`Stop::within`].
    pub fn tell(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Whether the flag is set.
    pub fn is_over(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the flag is set, at most for `wait`; returns whether it is set.
    pub fn within(&self, wait: Duration) -> bool {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        *self.told.wait_timeout_while(over, wait, |over| !*over).unwrap_or_else(PoisonError::into_inner).0
    }
}
