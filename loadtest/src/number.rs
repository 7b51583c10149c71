//! The conversions between integers and floating-point numbers that rates and figures need.

/// `count` as a real number; exact below 2^53.
#[must_use]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "no lossless conversion exists; see above")]
pub fn real(count: u64) -> f64 {
    count as f64
}

/// The whole number below `value`, at least 0, saturating.
#[must_use]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer `as` saturates, which is what is wanted"
)]
pub fn whole(value: f64) -> u64 {
    value as u64
}

/// `count` of things in memory as a real number; exact below 2^53.
#[must_use]
pub fn real_len(count: usize) -> f64 {
    real(u64::try_from(count).unwrap_or(u64::MAX))
}

/// `seconds` in microseconds, at least 0, saturating.
#[must_use]
pub fn micros(seconds: f64) -> i64 {
    i64::try_from(whole(seconds * 1e6)).unwrap_or(i64::MAX)
}

/// The microseconds from `from_us` to `to_us`; 0 if that is no time.
#[must_use]
pub fn span_us(from_us: i64, to_us: i64) -> u64 {
    u64::try_from(to_us.saturating_sub(from_us)).unwrap_or(0)
}
