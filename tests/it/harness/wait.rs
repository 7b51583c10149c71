//! Waits for conditions, instead of sleeping.

use std::time::{Duration, Instant};

/// Evaluates the condition every 5 ms until it holds.
///
/// # Panics
/// When it does not hold within 5 minutes, which the slowest machine keeps; the message has `what`.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    // A pause between evaluations leaves the processor to what is waited for.
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    while !holds().await {
        assert!(started.elapsed() < Duration::from_mins(5), "never happened: {what}");
        pace.tick().await;
    }
}
