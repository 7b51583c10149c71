//! The four conversions between integers and floating-point numbers that audio needs, each with the reason why it is
//! allowed to lose precision.

/// `count` as a real number; exact below 2^24, which is over six minutes of frames at 44.1 kHz.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "no lossless conversion exists; see above")]
pub(super) fn real(count: usize) -> f32 {
    count as f32
}

/// The whole number of frames nearest to `seconds` at `rate` frames per second; 0 for anything below 0.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer `as` saturates, which is what is wanted"
)]
pub(super) fn frames(seconds: f64, rate: u32) -> usize {
    (seconds * f64::from(rate)).round() as usize
}

/// The nearest single-precision number.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
pub(super) fn single(value: f64) -> f32 {
    value as f32
}

/// The nearest whole number, saturating.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "float to integer `as` saturates")]
pub(super) fn whole(value: f32) -> i32 {
    value.round() as i32
}
