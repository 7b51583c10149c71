//! Tunes: a motif of two bars, repeated over other chords and ended by a cadence.

use super::super::random::Random;
use super::chord::{Chord, Scale};
use super::stroke::{Stroke, strokes};

/// The parameters of a tune.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) scale: Scale,
    /// The tonic as a pitch class.
    pub(super) tonic: i32,
    /// The lowest note; the tune stays within a tenth above it.
    pub(super) low: i32,
    /// Steps of the scale by which the whole tune is moved up.
    pub(super) shift: usize,
    pub(super) rhythms: &'a [&'a str],
}

/// The notes of a section as (bar, stroke, pitch). `chord(bar, place)` is the chord at `place` (0 to 1) of a bar. The
/// same `seed` gives the same tune.
pub(super) fn tune(
    plan: Plan<'_>,
    bars: usize,
    seed: u64,
    chord: impl Fn(usize, f64) -> Option<Chord>,
) -> Vec<(usize, Stroke, i32)> {
    let mut random = Random::new(seed);
    let ladder = plan.scale.ladder(plan.tonic, plan.low, plan.low + 16);
    let steps = plan.scale.ladder(plan.tonic, plan.low, plan.low + 40);
    let first = random.pick(plan.rhythms).copied().unwrap_or("x");
    let second = random.pick(plan.rhythms).copied().unwrap_or("x");
    let contour: Vec<i32> =
        (0..24).map(|_| random.pick(&[-2, -1, -1, -1, 1, 1, 1, 2, 0, 3]).copied().unwrap_or(0)).collect();
    let home = ladder.len() / 2 + random.below(2);

    let mut notes = Vec::new();
    for bar in 0..bars {
        let phrase_bar = bar % 4;
        let rhythm = if phrase_bar % 2 == 0 { first } else { second };
        // Each half of a phrase starts from the same note, so that it is recognised; the repetition starts higher.
        let mut at = match phrase_bar {
            0 => home,
            2 => home + 1,
            _ => notes.last().and_then(|&(_, _, pitch)| nearest(&ladder, pitch, |_| true)).unwrap_or(home),
        };
        let closes = bar + 1 == bars;
        let bar_strokes = strokes(rhythm);
        let count = bar_strokes.len();
        for (index, mut stroke) in bar_strokes.into_iter().enumerate() {
            let place = stroke.start;
            if index > 0 || phrase_bar % 2 == 1 {
                let turn = contour.get((index + 8 * (phrase_bar % 2)) % contour.len()).copied().unwrap_or(0);
                at = at.saturating_add_signed(isize::try_from(turn).unwrap_or(0)).min(ladder.len().saturating_sub(1));
            }
            let Some(here) = chord(bar, place) else { continue };
            let strong = index == 0 || (place * 2.0).fract().abs() < 1e-6;
            let last = closes && index + 1 == count;
            let pitch = ladder.get(at).copied().unwrap_or(plan.low);
            let fits = |candidate: i32| !(strong || last) || here.contains(candidate);
            let Some(found) = nearest(&ladder, pitch, fits) else { continue };
            at = found;
            if last {
                // The last note of a section is held to its end.
                stroke.length = 1.0 - stroke.start;
            }
            let Some(&lowest) = ladder.get(found) else { continue };
            let moved = steps.iter().position(|&step| step == lowest).and_then(|index| steps.get(index + plan.shift));
            notes.push((bar, stroke, moved.copied().unwrap_or(lowest)));
        }
    }
    notes
}

/// The index of the note of `ladder` that `fits` and is nearest to `pitch`.
fn nearest(ladder: &[i32], pitch: i32, fits: impl Fn(i32) -> bool) -> Option<usize> {
    let rungs = ladder.iter().enumerate().filter(|(_, rung)| fits(**rung));
    rungs.min_by_key(|(_, rung)| (**rung - pitch).abs()).map(|(index, _)| index)
}
