//! Integrated loudness after ITU-R BS.1770-4, which ReplayGain 2.0 prescribes.

use std::f64::consts::PI;

use super::super::number::{frames, real, single};

/// A second-order filter section in transposed direct form II.
#[derive(Clone, Copy, Debug)]
struct Section {
    forward: [f64; 3],
    back: [f64; 2],
    state: [f64; 2],
}

impl Section {
    fn next(&mut self, input: f64) -> f64 {
        let [b0, b1, b2] = self.forward;
        let [a1, a2] = self.back;
        let [one, two] = self.state;
        let out = b0 * input + one;
        self.state = [b1 * input - a1 * out + two, b2 * input - a2 * out];
        out
    }
}

/// The K-weighting of BS.1770 for any rate; the analogue prototypes are those published by Brecht De Man
/// ("Evaluation of implementations of the EBU R128 loudness measurement", 2018).
fn weighting(rate: u32) -> [Section; 2] {
    let warp = |hz: f64| (PI * hz / f64::from(rate)).tan();
    let (k, q, high) = (warp(1_681.974_450_955_533), 0.707_175_236_955_419_6, 1.584_864_701_130_855);
    let edge = f64::powf(high, 0.499_666_774_154_541_6);
    let norm = 1.0 + k / q + k * k;
    let shelf = Section {
        forward: [
            (high + edge * k / q + k * k) / norm,
            2.0 * (k * k - high) / norm,
            (high - edge * k / q + k * k) / norm,
        ],
        back: [2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm],
        state: [0.0; 2],
    };
    let (k, q) = (warp(38.135_470_876_024_44), 0.500_327_037_323_877_3);
    let norm = 1.0 + k / q + k * k;
    let high_pass = Section {
        forward: [1.0, -2.0, 1.0],
        back: [2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm],
        state: [0.0; 2],
    };
    [shelf, high_pass]
}

/// The integrated loudness of `channels` in LUFS; `-70` for silence and for anything shorter than 0.4 s.
pub(crate) fn loudness_lufs(channels: &[&[f32]], rate: u32) -> f32 {
    let hop = frames(0.1, rate);
    let mut energies: Vec<f64> = Vec::new();
    for channel in channels {
        let mut sections = weighting(rate);
        for (index, chunk) in channel.chunks_exact(hop).enumerate() {
            let energy: f64 = chunk
                .iter()
                .map(|&sample| {
                    let weighted = sections.iter_mut().fold(f64::from(sample), |x, section| section.next(x));
                    weighted * weighted
                })
                .sum();
            match energies.get_mut(index) {
                Some(sum) => *sum += energy,
                None => energies.push(energy),
            }
        }
    }
    // Blocks of 0.4 s that overlap by 75 %.
    let blocks: Vec<f64> =
        energies.windows(4).map(|hops| hops.iter().sum::<f64>() / (4.0 * f64::from(real(hop)))).collect();
    let gated = |gate_lufs: f64| {
        let loud: Vec<f64> = blocks.iter().copied().filter(|&block| lufs(block) > gate_lufs).collect();
        let count = f64::from(real(loud.len()));
        if loud.is_empty() { 0.0 } else { loud.iter().sum::<f64>() / count }
    };
    single(lufs(gated((lufs(gated(-70.0)) - 10.0).max(-70.0))).max(-70.0))
}

fn lufs(energy: f64) -> f64 {
    -0.691 + 10.0 * energy.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_measures_what_the_standard_defines() {
        // BS.1770: 997 Hz at 0 dBFS in one channel reads -3.01 LKFS.
        for rate in [44_100, 48_000] {
            let sine: Vec<f32> = (0..frames(5.0, rate))
                .map(|frame| single((f64::from(real(frame)) * 997.0 * 2.0 * PI / f64::from(rate)).sin()))
                .collect();
            let read = loudness_lufs(&[&sine], rate);
            assert!((read + 3.01).abs() < 0.05, "{read} LUFS at {rate} Hz");
        }
    }

    #[test]
    fn silence_measures_minus_70() {
        assert!(loudness_lufs(&[vec![0.0; 48_000].as_slice()], 48_000) <= -70.0);
        assert!(loudness_lufs(&[], 48_000) <= -70.0);
    }
}
