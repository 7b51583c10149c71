//! Instruments that sound as long as the note is held: bowed, blown, organs and synthesisers.

use std::f32::consts::TAU;

use super::super::number::{frames, real, single};
use super::super::random::Random;
use super::filter::{Filter, WavePhase, decay, swell};

/// The parameters of a held note.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) pitch_hz: f32,
    pub(super) length_s: f32,
    pub(super) rate: u32,
}

impl Held {
    /// Calls `sample(time_s, step)` for each frame of the note and its release, and multiplies it by an envelope.
    fn play(self, attack_s: f32, release_s: f32, mut sample: impl FnMut(f32, f32) -> f32) -> Vec<f32> {
        let sample_rate = single(f64::from(self.rate));
        let step = self.pitch_hz / sample_rate;
        (0..frames(f64::from(self.length_s + release_s), self.rate))
            .map(|frame| {
                let time_s = real(frame) / sample_rate;
                sample(time_s, step) * swell(time_s, attack_s, self.length_s, release_s)
            })
            .collect()
    }

    fn cutoff(self, hz: f32) -> f32 {
        hz / single(f64::from(self.rate))
    }
}

/// The factor on the pitch for a vibrato of `cents` at `hz` that begins a short time after the note, as players do it.
fn vibrato(time_s: f32, hz: f32, cents: f32) -> f32 {
    let depth = ((time_s - 0.18) / 0.4).clamp(0.0, 1.0) * cents / 1200.0 * std::f32::consts::LN_2;
    1.0 + depth * (time_s * hz * TAU).sin()
}

/// A synthesiser pad: two saw-tooth waves through a low-pass filter that opens slowly.
pub(super) fn pad(note: Held) -> Vec<f32> {
    let (mut one, mut two) = (WavePhase::new(), WavePhase::new());
    let mut filter = Filter::new(note.cutoff(500.0), 0.1);
    note.play(0.35, 0.9, |time_s, step| {
        if step > 0.0 {
            filter.tune(note.cutoff(700.0 + 500.0 * (time_s * 0.9).sin().abs() + note.pitch_hz));
        }
        filter.low(one.saw(step * 1.0025) + two.saw(step * 0.9975))
    })
}

/// Voices on "ah": a buzzing source through four resonances of the mouth (Peterson and Barney, 1952, rounded).
pub(super) fn choir(note: Held, random: &mut Random) -> Vec<f32> {
    let (mut one, mut two) = (WavePhase::new(), WavePhase::new());
    let mut mouth = [(700.0, 1.0), (1150.0, 0.7), (2600.0, 0.3), (3300.0, 0.15)]
        .map(|(hz, strength)| (Filter::new(note.cutoff(hz), 0.92), strength));
    let mut body = Filter::new(note.cutoff(note.pitch_hz * 1.5), 0.3);
    let hurry = 4.6 + random.unit();
    note.play(0.22, 0.5, |time_s, step| {
        let sway = vibrato(time_s, hurry, 22.0);
        let breath = random.bipolar() * 0.03;
        let source = one.saw(step * sway) + 0.8 * two.saw(step * (2.0 - sway) * 1.003) + breath;
        // The chest resonance: without it low notes have too little bass.
        let chest = 0.35 * body.low(source);
        chest + mouth.iter_mut().map(|(filter, strength)| filter.band(source) * *strength).sum::<f32>()
    })
}

/// A section of bowed strings.
pub(super) fn strings(note: Held, random: &mut Random) -> Vec<f32> {
    let mut players = [0.997, 1.0, 1.003].map(|detune| (WavePhase::new(), detune, 5.0 + random.unit()));
    let mut body = Filter::new(note.cutoff((note.pitch_hz * 5.0).clamp(1200.0, 4200.0)), 0.05);
    note.play(0.09, 0.3, |time_s, step| {
        let bow = players
            .iter_mut()
            .map(|(phase, detune, hz)| phase.saw(step * *detune * vibrato(time_s, *hz, 14.0)))
            .sum::<f32>();
        body.low(bow)
    })
}

/// A small pipe organ: five ranks of pipes, nearly sines, and a little wind noise.
pub(super) fn organ(note: Held, random: &mut Random) -> Vec<f32> {
    let mut ranks = [(0.5, 0.35), (1.0, 1.0), (2.0, 0.6), (3.0, 0.22), (4.0, 0.3)]
        .map(|(foot, level)| (WavePhase::new(), foot, level));
    let mut wind = Filter::new(note.cutoff(2500.0), 0.3);
    note.play(0.03, 0.12, |time_s, step| {
        let pipes = ranks.iter_mut().map(|(phase, foot, level)| *level * phase.sine((step * *foot).min(0.45)));
        pipes.sum::<f32>() + wind.band(random.bipolar()) * (0.02 + 0.3 * decay(time_s, 0.015))
    })
}

/// An accordion: two reeds detuned so that they beat against each other.
pub(super) fn accordion(note: Held) -> Vec<f32> {
    let (mut one, mut two) = (WavePhase::new(), WavePhase::new());
    let mut box_tone = Filter::new(note.cutoff(3200.0), 0.15);
    note.play(0.04, 0.09, |_, step| box_tone.low(one.pulse(step, 0.3) + 0.9 * two.pulse(step * 1.0072, 0.28)))
}

/// A flute: nearly a sine, with breath noise.
pub(super) fn flute(note: Held, random: &mut Random) -> Vec<f32> {
    let (mut one, mut two, mut three) = (WavePhase::new(), WavePhase::new(), WavePhase::new());
    let mut breath = Filter::new(note.cutoff(note.pitch_hz * 1.5), 0.6);
    note.play(0.06, 0.12, |time_s, step| {
        let step = step * vibrato(time_s, 5.2, 18.0) * (1.0 - 0.02 * decay(time_s, 0.02));
        let air = breath.band(random.bipolar()) * (0.06 + 0.35 * decay(time_s, 0.03));
        one.sine(step) + 0.28 * two.sine(step * 2.0) + 0.07 * three.sine(step * 3.0) + air
    })
}

/// A clarinet: odd overtones through a low-pass filter.
pub(super) fn clarinet(note: Held, random: &mut Random) -> Vec<f32> {
    let mut reed = WavePhase::new();
    let mut bore = Filter::new(note.cutoff((note.pitch_hz * 4.0).clamp(900.0, 3000.0)), 0.2);
    note.play(0.05, 0.1, |time_s, step| {
        bore.low(reed.pulse(step * vibrato(time_s, 4.8, 7.0), 0.5) + 0.03 * random.bipolar())
    })
}

/// A synthesiser lead whose low-pass filter opens on each note.
pub(super) fn lead(note: Held) -> Vec<f32> {
    let (mut one, mut two) = (WavePhase::new(), WavePhase::new());
    let mut filter = Filter::new(note.cutoff(1000.0), 0.45);
    note.play(0.012, 0.15, |time_s, step| {
        let step = step * vibrato(time_s, 5.6, 16.0);
        filter.tune(note.cutoff(note.pitch_hz * (2.0 + 5.0 * decay(time_s, 0.16))));
        filter.low(one.saw(step) + two.saw(step * 1.006))
    })
}

/// A game console's square wave; `width` is the fraction of the period that is high.
pub(super) fn square(note: Held, width: f32) -> Vec<f32> {
    let mut phase = WavePhase::new();
    note.play(0.002, 0.03, |time_s, step| {
        phase.pulse(step * vibrato(time_s, 6.0, 12.0), width) * (0.55 + 0.45 * decay(time_s, 0.12))
    })
}

/// A game console's triangle wave, quantised to sixteen levels.
pub(super) fn triangle(note: Held) -> Vec<f32> {
    let mut phase = WavePhase::new();
    note.play(0.002, 0.02, |_, step| {
        let slope = (phase.advance(step) * 4.0 - 2.0).abs() - 1.0;
        (slope * 8.0).round() / 8.0
    })
}

/// An electric bass: a sine with a little of the octave and a short attack noise.
pub(super) fn round_bass(note: Held) -> Vec<f32> {
    let (mut one, mut two, mut three) = (WavePhase::new(), WavePhase::new(), WavePhase::new());
    note.play(0.006, 0.08, |time_s, step| {
        let tone = one.sine(step)
            + 0.45 * two.sine(step * 2.0) * decay(time_s, 0.3)
            + 0.3 * three.sine(step * 3.0) * decay(time_s, 0.08);
        (tone * 1.2).tanh() * decay(time_s, 1.5)
    })
}

/// A bright synthesiser bass whose low-pass filter closes quickly.
pub(super) fn saw_bass(note: Held) -> Vec<f32> {
    let (mut one, mut two) = (WavePhase::new(), WavePhase::new());
    let mut filter = Filter::new(note.cutoff(400.0), 0.55);
    note.play(0.004, 0.06, |time_s, step| {
        filter.tune(note.cutoff(note.pitch_hz * 2.0 + 1800.0 * decay(time_s, 0.07)));
        let body = two.sine(step);
        (filter.low(one.saw(step)) * 0.9 + body * 0.6).tanh()
    })
}
