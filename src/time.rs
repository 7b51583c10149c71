//! The wall clock, for what is stored with a date; playback has a steady clock of its own.

use segue_actors::ids::Micros;
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock's time, UTC; a clock set before 1970 reads as 1970.
#[must_use]
pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
