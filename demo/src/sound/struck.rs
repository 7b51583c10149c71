//! Struck instruments: sums of decaying partials; the electric piano uses frequency modulation.

use std::f32::consts::TAU;

use super::super::number::{frames, real, single};
use super::super::random::Random;
use super::filter::{Filter, Pointer, WavePhase, decay};

/// One partial: its frequency as a multiple of the pitch, its amplitude, and the seconds in which it halves.
type Partial = (f32, f32, f32);

const MARIMBA: &[Partial] = &[(1.0, 1.0, 0.16), (3.93, 0.35, 0.045), (9.2, 0.12, 0.018)];
const MUSIC_BOX: &[Partial] = &[(1.0, 1.0, 0.35), (2.0, 0.25, 0.3), (5.4, 0.3, 0.09), (9.0, 0.12, 0.03)];
/// Partials of a tuned bell (hum, prime, tierce, quint, nominal) after Rossing, "Science of Percussion Instruments".
const BELL: &[Partial] = &[
    (0.5, 0.5, 1.4),
    (1.0, 0.8, 0.9),
    (1.19, 0.5, 0.8),
    (1.5, 0.3, 0.6),
    (2.0, 0.6, 0.5),
    (2.74, 0.2, 0.3),
    (4.07, 0.15, 0.2),
];
const GLASS: &[Partial] = &[(1.0, 1.0, 0.8), (2.76, 0.3, 0.5), (5.4, 0.12, 0.25), (1.003, 0.7, 0.9)];

pub(super) fn marimba(pitch_hz: f32, rate: u32) -> Vec<f32> {
    let half = (440.0 / pitch_hz).sqrt().clamp(0.5, 2.2);
    partials(MARIMBA, pitch_hz, half, 1.2 * half, rate)
}

pub(super) fn music_box(pitch_hz: f32, rate: u32) -> Vec<f32> {
    partials(MUSIC_BOX, pitch_hz, 1.0, 2.0, rate)
}

pub(super) fn bell(pitch_hz: f32, rate: u32) -> Vec<f32> {
    partials(BELL, pitch_hz, 1.0, 4.5, rate)
}

pub(super) fn glass(pitch_hz: f32, rate: u32) -> Vec<f32> {
    partials(GLASS, pitch_hz, 1.0, 3.5, rate)
}

fn partials(set: &[Partial], pitch_hz: f32, half: f32, total_s: f32, rate: u32) -> Vec<f32> {
    let sample_rate = single(f64::from(rate));
    let total = frames(f64::from(total_s), rate);
    let mut out = vec![0.0; total];
    for &(ratio, strength, half_s) in set {
        let step = pitch_hz * ratio / sample_rate;
        if step > 0.45 {
            continue;
        }
        let mut pointer = Pointer::new(step);
        let fade = (-1.0 / (half_s * half * sample_rate)).exp2();
        let mut level = strength;
        for sample in &mut out {
            *sample += level * pointer.next();
            level *= fade;
        }
    }
    soften(&mut out, sample_rate);
    out
}

/// Fades both ends of a note, so that it starts and ends without a click.
fn soften(note: &mut [f32], sample_rate: f32) {
    let attack = sample_rate * 0.001;
    for (index, sample) in note.iter_mut().enumerate().take(frames(0.001, 48_000)) {
        *sample *= (real(index) / attack).min(1.0);
    }
    let tail = note.len() / 4;
    for (index, sample) in note.iter_mut().rev().enumerate().take(tail) {
        *sample *= real(index) / real(tail);
    }
}

/// A piano: eleven partials, slightly sharp as those of stiff strings are, and a soft hammer noise. Released after
/// `length_s`.
pub(super) fn piano(pitch_hz: f32, length_s: f32, rate: u32, random: &mut Random) -> Vec<f32> {
    let sample_rate = single(f64::from(rate));
    let total = frames(f64::from(length_s) + 0.4, rate);
    let mut out = vec![0.0; total];
    let stretch = 0.000_4 * (pitch_hz / 261.6).max(0.5);
    for number in 1..=11_usize {
        let n = real(number);
        let step = pitch_hz * n * (1.0 + stretch * n * n).sqrt() / sample_rate;
        if step > 0.4 {
            break;
        }
        // The hammer strikes at one eighth of the string; felt attenuates the upper partials.
        let strength = (n * std::f32::consts::PI / 8.0).sin().abs().max(0.04) * (-(n - 1.0) * 0.33).exp();
        let half_s = 1.3 * (220.0 / pitch_hz).sqrt().clamp(0.3, 1.6) / n.powf(0.7);
        // Two strings slightly out of tune with each other; the slow beating makes the sound natural.
        for detune in [0.999_75, 1.000_2] {
            let mut pointer = Pointer::new(step * detune);
            let fade = (-1.0 / (half_s * sample_rate)).exp2();
            let mut level = strength;
            for sample in &mut out {
                *sample += level * pointer.next();
                level *= fade;
            }
        }
    }
    let mut knock = Filter::new(900.0 / sample_rate, 0.2);
    for (index, sample) in out.iter_mut().enumerate() {
        let time_s = real(index) / sample_rate;
        if time_s < 0.06 {
            *sample += 0.5 * knock.low(random.bipolar()) * decay(time_s, 0.008);
        }
        let released = (1.0 - (time_s - length_s) / 0.4).clamp(0.0, 1.0);
        *sample *= (time_s / 0.002).min(1.0) * released * released;
    }
    out
}

/// An electric piano: a sine whose phase is modulated by a sine of the same pitch, and one of fourteen times the pitch.
pub(super) fn electric_piano(pitch_hz: f32, length_s: f32, rate: u32) -> Vec<f32> {
    let sample_rate = single(f64::from(rate));
    let total = frames(f64::from(length_s) + 0.35, rate);
    let (mut carrier, mut body, mut tine) = (WavePhase::new(), WavePhase::new(), WavePhase::new());
    let step = pitch_hz / sample_rate;
    (0..total)
        .map(|frame| {
            let time_s = real(frame) / sample_rate;
            let bend = body.sine(step) * (0.4 + 1.3 * decay(time_s, 0.25));
            let ping = tine.sine((step * 14.0).min(0.4)) * 0.12 * decay(time_s, 0.05);
            let note = (carrier.advance(step) * TAU + bend + ping * 3.0).sin();
            let tremolo = 1.0 - 0.12 * (time_s * 5.1 * TAU).sin();
            let released = (1.0 - (time_s - length_s) / 0.35).clamp(0.0, 1.0);
            (note + ping) * decay(time_s, 0.9) * tremolo * (time_s / 0.002).min(1.0) * released
        })
        .collect()
}
