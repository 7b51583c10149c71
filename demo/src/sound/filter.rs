//! Building blocks of instruments: oscillators, filters and envelopes. Each call computes one sample.

use std::f32::consts::TAU;

/// A phase that runs from 0 to 1 once per period.
#[derive(Clone, Copy, Debug)]
pub(super) struct WavePhase {
    at: f32,
}

impl WavePhase {
    pub(super) fn new() -> Self {
        Self { at: 0.0 }
    }

    /// Advances by `step` periods (below 1) and returns the phase before.
    pub(super) fn advance(&mut self, step: f32) -> f32 {
        let before = self.at;
        self.at += step;
        if self.at >= 1.0 {
            self.at -= 1.0;
        }
        before
    }

    /// A sine at this phase.
    pub(super) fn sine(&mut self, step: f32) -> f32 {
        (self.advance(step) * TAU).sin()
    }

    /// A saw-tooth whose edge is rounded by a polynomial (`PolyBLEP`), which reduces aliasing.
    pub(super) fn saw(&mut self, step: f32) -> f32 {
        let phase = self.advance(step);
        phase.mul_add(2.0, -1.0) - edge(phase, step)
    }

    /// A pulse that is high for the share `width` of each period, with rounded edges.
    pub(super) fn pulse(&mut self, step: f32, width: f32) -> f32 {
        let phase = self.advance(step);
        let fall = (phase + 1.0 - width).fract();
        let level = if phase < width { 1.0 } else { -1.0 };
        level + edge(phase, step) - edge(fall, step)
    }
}

/// The correction that `PolyBLEP` subtracts from a unit step at phase 0.
fn edge(phase: f32, step: f32) -> f32 {
    if phase < step {
        let x = phase / step;
        x.mul_add(-x, 2.0 * x) - 1.0
    } else if phase > 1.0 - step {
        let x = (phase - 1.0) / step;
        x.mul_add(x, 2.0 * x) + 1.0
    } else {
        0.0
    }
}

/// A sine of constant frequency, computed by rotating a vector: no call of `sin` for each sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer {
    sine: f32,
    cosine: f32,
    turn_sine: f32,
    turn_cosine: f32,
}

impl Pointer {
    /// A sine that advances `step` periods a sample, starting at phase 0.
    pub(super) fn new(step: f32) -> Self {
        let (turn_sine, turn_cosine) = (step * TAU).sin_cos();
        Self { sine: 0.0, cosine: 1.0, turn_sine, turn_cosine }
    }

    pub(super) fn next(&mut self) -> f32 {
        let out = self.sine;
        let sine = self.sine.mul_add(self.turn_cosine, self.cosine * self.turn_sine);
        self.cosine = self.cosine.mul_add(self.turn_cosine, -(self.sine * self.turn_sine));
        self.sine = sine;
        out
    }
}

/// A two-pole filter that gives low, band and high pass at once (Andrew Simper's trapezoidal state-variable filter).
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    first: f32,
    second: f32,
    gain: f32,
    damping: f32,
}

impl Filter {
    /// A filter at `cutoff` (a fraction of the sample rate, below 0.49) with `resonance` of 0 (none) to 1 (oscillates).
    pub(super) fn new(cutoff: f32, resonance: f32) -> Self {
        let mut filter = Self { first: 0.0, second: 0.0, gain: 0.0, damping: 2.0 - 1.9 * resonance.clamp(0.0, 1.0) };
        filter.tune(cutoff);
        filter
    }

    /// Changes the cut-off frequency and keeps the filter's state.
    pub(super) fn tune(&mut self, cutoff: f32) {
        self.gain = (cutoff.clamp(0.0001, 0.45) * std::f32::consts::PI).tan();
    }

    /// Filters the next sample; returns the low-pass, band-pass and high-pass outputs.
    pub(super) fn split(&mut self, input: f32) -> (f32, f32, f32) {
        let share = 1.0 / (1.0 + self.gain * (self.gain + self.damping));
        let band = share * (self.first + self.gain * (input - self.second));
        let low = self.second + self.gain * band;
        self.first = 2.0 * band - self.first;
        self.second = 2.0 * low - self.second;
        (low, band, input - self.damping * band - low)
    }

    pub(super) fn low(&mut self, input: f32) -> f32 {
        self.split(input).0
    }

    pub(super) fn band(&mut self, input: f32) -> f32 {
        self.split(input).1
    }
}

/// An envelope of 0 to 1 with smooth corners: rises over `attack_s`, holds until `length_s`, falls over `release_s`.
pub(super) fn swell(time_s: f32, attack_s: f32, length_s: f32, release_s: f32) -> f32 {
    let rise = (time_s / attack_s.max(0.0005)).min(1.0);
    let fall = (1.0 - (time_s - length_s) / release_s.max(0.001)).clamp(0.0, 1.0);
    rise * rise * (3.0 - 2.0 * rise) * fall * fall
}

/// An envelope that starts at 1 and halves every `half_s` seconds.
pub(super) fn decay(time_s: f32, half_s: f32) -> f32 {
    (-time_s / half_s).exp2()
}
