//! The wall clock, for dates that are stored or shown. Playback uses a monotonic clock.

use segue_client::protocol::ids::Micros;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of the wall clock, UTC; 1970 when the clock is set to an earlier time.
#[must_use]
pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// An instant as it is written in JSON: RFC 3339, UTC, whole seconds.
#[must_use]
pub fn rfc3339(instant: Micros) -> String {
    let seconds = instant.0.div_euclid(1_000_000);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// The same with milliseconds.
#[must_use]
pub fn rfc3339_ms(instant: Micros) -> String {
    let instant = jiff::Timestamp::from_millisecond(instant.0.div_euclid(1_000)).unwrap_or(jiff::Timestamp::MAX);
    format!("{instant:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_rfc3339() {
        assert_eq!(rfc3339(Micros(1_767_225_600_999_999)), "2026-01-01T00:00:00Z");
        assert_eq!(rfc3339_ms(Micros(1_767_225_600_040_999)), "2026-01-01T00:00:00.040Z");
        assert_eq!(rfc3339(Micros(-1)), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339(Micros(i64::MAX)), "9999-12-30T22:00:00.999999999Z");
    }
}
