//! Reverberation, from a network of eight delay lines, and an echo.

use super::super::number::{frames, single};

/// A delay line of fixed length.
#[derive(Clone, Debug)]
struct Delay {
    buffer: Vec<f32>,
    at: usize,
}

impl Delay {
    fn new(seconds: f64, rate: u32) -> Self {
        Self { buffer: vec![0.0; frames(seconds, rate).max(1)], at: 0 }
    }

    /// The sample that was pushed one length of the line ago.
    fn oldest(&self) -> f32 {
        self.buffer.get(self.at).copied().unwrap_or(0.0)
    }

    /// Replaces the oldest sample with `input`.
    fn push(&mut self, input: f32) {
        if let Some(slot) = self.buffer.get_mut(self.at) {
            *slot = input;
        }
        self.at += 1;
        if self.at == self.buffer.len() {
            self.at = 0;
        }
    }

    /// A Schroeder all-pass filter: spreads sound in time without changing its spectrum.
    fn smear(&mut self, input: f32) -> f32 {
        let oldest = self.oldest();
        let kept = input + 0.6 * oldest;
        self.push(kept);
        oldest - 0.6 * kept
    }
}

/// Lengths of the eight lines in seconds; mutually prime in frames at common rates, so that echoes never coincide.
const LINES_S: [f64; 8] = [0.0297, 0.0331, 0.0371, 0.0411, 0.0437, 0.0473, 0.0531, 0.0571];

/// A feedback delay network after Jot ("Digital delay networks for designing artificial reverberators", 1991)
/// with a Householder matrix; mono in, stereo out.
#[derive(Clone, Debug)]
pub(super) struct Room {
    smears: [Delay; 3],
    lines: [DelayLine; 8],
    dark: f32,
}

#[derive(Clone, Debug)]
struct DelayLine {
    delay: Delay,
    keep: f32,
    low: f32,
}

impl Room {
    /// Reverberation that decays by 60 dB in `fade_s`; `dark` of 0 to 1 is how much faster high frequencies decay.
    pub(super) fn new(fade_s: f32, dark: f32, rate: u32) -> Self {
        let lines = LINES_S.map(|seconds| {
            let keep = 10.0_f32.powf(-3.0 * single(seconds) / fade_s.max(0.05));
            DelayLine { delay: Delay::new(seconds, rate), keep, low: 0.0 }
        });
        let smears = [0.0153, 0.0061, 0.0027].map(|seconds| Delay::new(seconds, rate));
        Self { smears, lines, dark: dark.clamp(0.0, 0.95) }
    }

    /// Adds the reverberation of `send` to `left` and `right`.
    pub(super) fn apply(self, send: &[f32], left: &mut [f32], right: &mut [f32]) {
        let Self { mut smears, mut lines, dark } = self;
        for ((&input, l), r) in send.iter().zip(left).zip(right) {
            let spread = smears.iter_mut().fold(input, |sound, smear| smear.smear(sound));
            let mut sum = 0.0;
            let (mut out_left, mut out_right) = (0.0, 0.0);
            for (index, line) in lines.iter_mut().enumerate() {
                line.low += (1.0 - dark) * (line.delay.oldest() - line.low);
                sum += line.low * line.keep;
                if index % 2 == 0 {
                    out_left += line.low;
                } else {
                    out_right += line.low;
                }
            }
            let cross = sum * 0.25;
            for line in &mut lines {
                line.delay.push(spread + line.low * line.keep - cross);
            }
            *l += 0.35 * out_left;
            *r += 0.35 * out_right;
        }
    }
}

/// Adds echoes of `send`, alternately left and right, every `delay_s` seconds, each `feedback` times as loud as the one
/// before.
pub(super) fn echo(send: &[f32], delay_s: f64, feedback: f32, rate: u32, left: &mut [f32], right: &mut [f32]) {
    let (mut near, mut far) = (Delay::new(delay_s, rate), Delay::new(delay_s, rate));
    let (mut dull_near, mut dull_far) = (0.0_f32, 0.0_f32);
    for ((&input, l), r) in send.iter().zip(left).zip(right) {
        dull_near += 0.4 * (near.oldest() - dull_near);
        dull_far += 0.4 * (far.oldest() - dull_far);
        near.push(input + feedback * dull_far);
        far.push(feedback * dull_near);
        *l += feedback * dull_near;
        *r += dull_far;
    }
}
