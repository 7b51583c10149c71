//! Drums: swept sines and coloured noise.

use super::super::number::{frames, real, single};
use super::super::random::Random;
use super::filter::{Filter, WavePhase, decay};

/// Calls `sample(time_s)` for each frame of `length_s`; the last fifth is faded out.
fn hit(length_s: f32, rate: u32, mut sample: impl FnMut(f32) -> f32) -> Vec<f32> {
    let sample_rate = single(f64::from(rate));
    (0..frames(f64::from(length_s), rate))
        .map(|frame| {
            let time_s = real(frame) / sample_rate;
            sample(time_s) * ((length_s - time_s) / (length_s * 0.2)).min(1.0)
        })
        .collect()
}

/// A drum skin: a sine whose frequency falls from `from_hz` to `to_hz` while it decays.
fn skin(from_hz: f32, to_hz: f32, sweep_s: f32, half_s: f32, rate: u32) -> impl FnMut(f32) -> f32 {
    let mut phase = WavePhase::new();
    let sample_rate = single(f64::from(rate));
    move |time_s| {
        let hz = to_hz + (from_hz - to_hz) * decay(time_s, sweep_s);
        phase.sine(hz / sample_rate) * decay(time_s, half_s) * (time_s / 0.001).min(1.0)
    }
}

/// Noise around `hz` that halves every `half_s`; `sharp` takes the high-pass output instead of the band-pass one.
fn hiss(hz: f32, half_s: f32, sharp: bool, rate: u32, mut random: Random) -> impl FnMut(f32) -> f32 {
    let mut filter = Filter::new(hz / single(f64::from(rate)), 0.3);
    move |time_s| {
        let (_, band, high) = filter.split(random.bipolar());
        (if sharp { high } else { band }) * decay(time_s, half_s)
    }
}

pub(super) fn kick(rate: u32, random: &Random) -> Vec<f32> {
    let (mut skin, mut click) =
        (skin(190.0, 48.0, 0.022, 0.11, rate), hiss(2500.0, 0.004, false, rate, random.clone()));
    hit(0.5, rate, |time_s| (1.4 * skin(time_s) + 0.3 * click(time_s)).tanh())
}

pub(super) fn soft_kick(rate: u32) -> Vec<f32> {
    let skin = skin(110.0, 52.0, 0.03, 0.08, rate);
    hit(0.4, rate, skin)
}

pub(super) fn snare(rate: u32, random: &Random) -> Vec<f32> {
    let (mut skin, mut wires) = (skin(240.0, 185.0, 0.02, 0.05, rate), hiss(2200.0, 0.065, true, rate, random.clone()));
    hit(0.35, rate, |time_s| 0.7 * skin(time_s) + 0.6 * wires(time_s))
}

pub(super) fn brush(rate: u32, random: &Random) -> Vec<f32> {
    let mut wires = hiss(3200.0, 0.09, false, rate, random.clone());
    hit(0.4, rate, |time_s| wires(time_s) * (time_s / 0.03).min(1.0))
}

pub(super) fn hat(rate: u32, half_s: f32, random: &Random) -> Vec<f32> {
    let metal = hiss(7500.0, half_s, true, rate, random.clone());
    hit(half_s * 8.0, rate, metal)
}

pub(super) fn clap(rate: u32, random: &Random) -> Vec<f32> {
    let mut hands = hiss(1300.0, 1.0, false, rate, random.clone());
    hit(0.3, rate, |time_s| {
        // Three bursts of 10 ms, then one longer decay.
        let burst = if time_s < 0.03 { decay(time_s % 0.01, 0.003) } else { decay(time_s - 0.03, 0.05) };
        hands(time_s) * burst
    })
}

pub(super) fn shaker(rate: u32, random: &Random) -> Vec<f32> {
    let mut beads = hiss(6000.0, 0.035, false, rate, random.clone());
    hit(0.15, rate, |time_s| beads(time_s) * (time_s / 0.018).min(1.0))
}

pub(super) fn rim(rate: u32) -> Vec<f32> {
    let (mut wood, mut edge) = (skin(1750.0, 1650.0, 0.01, 0.012, rate), skin(800.0, 790.0, 0.01, 0.015, rate));
    hit(0.12, rate, |time_s| wood(time_s) + 0.6 * edge(time_s))
}

/// A goblet drum's deep middle stroke.
pub(super) fn dum(rate: u32, random: &Random) -> Vec<f32> {
    let (mut skin, mut palm) = (skin(150.0, 88.0, 0.02, 0.12, rate), hiss(500.0, 0.012, false, rate, random.clone()));
    hit(0.5, rate, |time_s| skin(time_s) + 0.4 * palm(time_s))
}

/// A goblet drum's bright stroke at the rim.
pub(super) fn tek(rate: u32, random: &Random) -> Vec<f32> {
    let (mut skin, mut snap) = (skin(520.0, 430.0, 0.01, 0.03, rate), hiss(3600.0, 0.02, false, rate, random.clone()));
    hit(0.2, rate, |time_s| 0.6 * skin(time_s) + 0.7 * snap(time_s))
}

/// A big drum of wood and hide, after the taiko.
pub(super) fn taiko(rate: u32, random: &Random) -> Vec<f32> {
    let (mut skin, mut stick) = (skin(120.0, 62.0, 0.04, 0.25, rate), hiss(900.0, 0.02, false, rate, random.clone()));
    hit(1.0, rate, |time_s| (1.3 * skin(time_s) + 0.5 * stick(time_s)).tanh())
}
