//! Waiting for a condition, not for a time.

use std::time::{Duration, Instant};

/// Asks until the condition holds; fails when it never does.
///
/// # Panics
/// After 60 s, with `what`.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    // Not at once again, so that asking does not take the processor from what is waited for.
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    while !holds().await {
        assert!(started.elapsed() < Duration::from_mins(1), "never happened: {what}");
        pace.tick().await;
    }
}
