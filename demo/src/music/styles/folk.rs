//! Folk music: guitars, accordion, flute.

use super::super::super::sound::Voice::{Accordion, Brush, Flute, Nylon, PluckedBass, Rim, Shaker, Steel, Strings};
use super::super::chord::Scale;
use super::super::style::{Style, chords, drum, room, roots, second, strum, tune};

const SLOW: &[&str] = &["x---x-", "x-x-x-", "x-----", "x--xx-"];
/// Fingerpicked steel strings, slow, three beats in a bar.
pub(crate) static FROST: Style = Style {
    beats: 3,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 6.0,
    bars: 8,
    form: "abac",
    scale: Scale::Major,
    harmony: &[("iao", "C|G|Am|Em|F|C|F|G"), ("b", "Am|Em|F|C|Am|Em|Dm|G"), ("c", "F|C|Dm|Am|F|C|G|C")],
    layers: &[
        roots(Steel, 43, "0-2-3-4-3-2-", 0.5, -0.25, "iabco"),
        tune(72, SLOW, 0.3, 0.2, "abc"),
        roots(PluckedBass, 29, "0-----", 0.42, 0.0, "abco"),
        chords(Strings, 60, "x", 0.075, 0.35, "bc"),
    ],
    space: room(0.22, 1.6, 0.35),
    loudness_lufs: -17.5,
};

const JIG: &[&str] = &["x-xx-x", "xxxx-x", "x-xxxx", "xxxxxx"];
/// A jig: a fast dance with six eighth notes in a bar.
pub(crate) static JIG_DANCE: Style = Style {
    beats: 2,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 5.0,
    bars: 8,
    form: "aabb",
    scale: Scale::Mixolydian,
    harmony: &[("iao", "C|C|Bb|G|C|C|Bb G|C"), ("b", "F|C|Bb|C|F|C|Bb G|C")],
    layers: &[
        tune(67, JIG, 0.3, 0.15, "iabo"),
        second(Flute, 7, 67, JIG, 0.16, -0.35, "b"),
        strum(Steel, 50, "X.xx.x", 0.2, -0.4, "abo"),
        roots(PluckedBass, 31, "0--2--", 0.5, 0.0, "abo"),
        drum(Rim, "x..x.x", 0.09, 0.3, "abo"),
        drum(Shaker, "oxoxox", 0.08, -0.2, "b"),
    ],
    space: room(0.16, 1.1, 0.3),
    loudness_lufs: -15.5,
};

const SONG: &[&str] = &["x--xx---", "..x-x-x-", "x---x-x-", "x-x---x-"];
/// A slow song for nylon strings.
pub(crate) static LAMPLIGHT: Style = Style {
    beats: 4,
    swing: 0.12,
    swing_beats: 0.5,
    stray_ms: 7.0,
    bars: 4,
    form: "aabc",
    scale: Scale::Dorian,
    harmony: &[("iao", "Cm|F|Bb|Cm"), ("b", "Eb|Bb|F|Cm"), ("c", "Eb|F|Gm|F")],
    layers: &[
        roots(Nylon, 45, "0-2-3-2-4-3-2-3-", 0.42, -0.2, "iabco"),
        tune(65, SONG, 0.32, 0.2, "abc"),
        chords(Strings, 55, "x", 0.08, 0.4, "bco"),
        roots(PluckedBass, 33, "0---0-2-", 0.45, 0.0, "abco"),
        drum(Brush, "..x...x.", 0.11, 0.1, "bc"),
    ],
    space: room(0.24, 1.9, 0.4),
    loudness_lufs: -17.0,
};

const WALTZ: &[&str] = &["x---x-", "x-x-x-", "x-----", "x-xxx-"];
/// A waltz for accordion.
pub(crate) static WALTZ_MINOR: Style = Style {
    beats: 3,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 6.0,
    bars: 8,
    form: "abab",
    scale: Scale::HarmonicMinor,
    harmony: &[("iao", "Cm|Cm|Fm|Cm|G7|G7|Cm|G7"), ("b", "Fm|Fm|Cm|Cm|Ab|Fm|G7|Cm")],
    layers: &[
        tune(67, WALTZ, 0.26, 0.1, "iabo"),
        chords(Accordion, 55, ".xx", 0.09, -0.35, "iab"),
        strum(Nylon, 48, ".xx", 0.16, 0.4, "b"),
        roots(PluckedBass, 31, "0..|2..", 0.6, 0.0, "iabo"),
        drum(Brush, ".xx", 0.05, 0.2, "b"),
    ],
    space: room(0.18, 1.4, 0.45),
    loudness_lufs: -16.5,
};
