//! Plucked strings after Karplus and Strong ("Digital Synthesis of Plucked-String and Drum Timbres", 1983),
//! with the tuning and pick-position filters of Jaffe and Smith.

use super::super::number::{frames, real, single, whole};
use super::super::random::Random;

/// The parameters of a plucked instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    /// Damping of the string's high frequencies: 0 is bright (harpsichord), 0.5 is dull (gut).
    pub(super) dull: f32,
    /// Damping of the pick's high frequencies, 0 to 1.
    pub(super) soft: f32,
    /// Seconds in which a held note of 220 Hz decays by 60 dB.
    pub(super) ring_s: f32,
    /// Where the string is plucked, as a fraction of its length, 0 to 0.5.
    pub(super) place: f32,
    /// Seconds in which a released string decays to silence.
    pub(super) release_s: f32,
}

/// One note of `pitch_hz`, released after `length_s`.
pub(super) fn pluck(tone: Tone, pitch_hz: f32, length_s: f32, rate: u32, random: &mut Random) -> Vec<f32> {
    let sample_rate = single(f64::from(rate));
    // The loop is the delay line, the averaging filter (a delay of `dull`) and the tuning filter (0.1 to 1.1).
    let period = sample_rate / pitch_hz - tone.dull;
    let line_length = usize::try_from(whole((period - 0.1).floor())).unwrap_or(2).max(2);
    let rest = period - real(line_length);
    let tuning = (1.0 - rest) / (1.0 + rest);
    let per_period = |fade_s: f32| 10.0_f32.powf(-3.0 / (pitch_hz * fade_s));
    // Low strings ring longer than high ones.
    let open = per_period(tone.ring_s * (220.0 / pitch_hz).sqrt().clamp(0.4, 2.0));
    let damped = per_period(tone.release_s);

    let mut line = burst(tone, line_length, random);
    let released = frames(f64::from(length_s), rate);
    let total = released + frames(f64::from(tone.release_s) * 1.2, rate);
    let mut out = Vec::with_capacity(total);
    let (mut before, mut tuned_in, mut tuned_out) = (0.0_f32, 0.0_f32, 0.0_f32);
    let mut at = 0;
    for frame in 0..total {
        let loss = if frame < released { open } else { damped };
        let Some(slot) = line.get_mut(at) else { break };
        let string = *slot;
        let averaged = loss * (string * (1.0 - tone.dull) + before * tone.dull);
        before = string;
        tuned_out = tuning * (averaged - tuned_out) + tuned_in;
        tuned_in = averaged;
        *slot = tuned_out;
        out.push(string);
        at += 1;
        if at == line_length {
            at = 0;
        }
    }
    out
}

/// The initial content of the delay line: low-pass noise without the overtones that have a node where the string is
/// plucked.
fn burst(tone: Tone, length: usize, random: &mut Random) -> Vec<f32> {
    let mut smooth = 0.0;
    let noise: Vec<f32> = (0..length)
        .map(|_| {
            smooth += (1.0 - tone.soft) * (random.bipolar() - smooth);
            smooth
        })
        .collect();
    let shift = usize::try_from(whole(tone.place * real(length))).unwrap_or(0);
    let combed: Vec<f32> =
        noise.iter().zip(noise.iter().cycle().skip(length - shift.min(length))).map(|(a, b)| a - b).collect();
    let mean = combed.iter().sum::<f32>() / real(length.max(1));
    combed.iter().map(|sample| sample - mean).collect()
}
