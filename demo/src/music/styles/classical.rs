//! Concert music.

use super::super::super::sound::Voice::{Choir, Clarinet, Flute, Harp, Harpsichord, Organ, Piano, Strings};
use super::super::chord::Scale;
use super::super::style::{Style, chords, room, roots, second, tune};

const PRELUDE: &[&str] = &["x-xxx-x-", "x-x-xxx-", "xxxxx-x-"];
/// A fast prelude of even short notes.
pub(crate) static PRELUDE_RUNNING: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 3.0,
    bars: 4,
    form: "abac",
    scale: Scale::Major,
    harmony: &[("iao", "C|Dm7|G7|C"), ("b", "Am|D7|G|G7"), ("c", "F Em|Dm G7|Em Am|Dm G7")],
    layers: &[
        roots(Harpsichord, 55, "0123 4321 0123 4321", 0.26, -0.25, "iabco"),
        tune(72, PRELUDE, 0.24, 0.25, "abc"),
        roots(Harpsichord, 36, "0---2---", 0.34, 0.0, "iabco"),
        chords(Strings, 60, "x", 0.06, 0.4, "bc"),
    ],
    space: room(0.2, 1.6, 0.3),
    loudness_lufs: -17.0,
};

const SARABANDE: &[&str] = &["x-x---", "x-x-x-", "x---x-", "x-xxx-"];
/// A slow dance for strings.
pub(crate) static SARABANDE_DUST: Style = Style {
    beats: 3,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 10.0,
    bars: 4,
    form: "aabb",
    scale: Scale::HarmonicMinor,
    harmony: &[("iao", "Cm|G|Ab|Fm G"), ("b", "Fm|Bb|Eb Ab|Dm7b5 G")],
    layers: &[
        chords(Strings, 55, "x-x---", 0.17, -0.3, "iabo"),
        roots(Strings, 36, "0-----", 0.26, 0.15, "iabo"),
        tune(67, SARABANDE, 0.26, 0.3, "iabo"),
        second(Clarinet, 2, 67, SARABANDE, 0.13, -0.1, "b"),
    ],
    space: room(0.3, 2.6, 0.35),
    loudness_lufs: -18.0,
};

const TOCCATA: &[&str] = &["x-x-x-x-x-x-x---", "xxxxx---xxxxx---", "x---xxxxx---xxxx"];
/// A toccata with a moving pedal voice.
pub(crate) static TOCCATA_RINGS: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 2.0,
    bars: 4,
    form: "abac",
    scale: Scale::HarmonicMinor,
    harmony: &[("iao", "Cm|Fm|G7|Cm"), ("b", "Eb|Bb|Cm|G7"), ("c", "Ab|Fm|Dm7b5|G7")],
    layers: &[
        chords(Organ, 60, "2121010121210101", 0.17, 0.25, "iabco"),
        roots(Organ, 31, "0-2-0-2-", 0.3, 0.0, "abco"),
        tune(67, TOCCATA, 0.19, -0.25, "abc"),
        chords(Organ, 55, "x", 0.085, -0.1, "co"),
    ],
    space: room(0.34, 3.4, 0.35),
    loudness_lufs: -16.0,
};

const NOCTURNE: &[&str] = &["x-----x-x---", "..x---x-----", "x---x-x-----", "x-----x-xxx-"];
/// A nocturne: broken chords under a melody.
pub(crate) static NOCTURNE_MOONS: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 14.0,
    bars: 4,
    form: "aabc",
    scale: Scale::Major,
    harmony: &[("iao", "Cmaj7|Am7|Fmaj7|G7"), ("b", "Am|Em|F|C"), ("c", "Dm7|G7|Em7|Am7")],
    layers: &[
        roots(Piano, 36, "0-2-4-5-4-2-", 0.3, -0.2, "iabco"),
        tune(69, NOCTURNE, 0.42, 0.15, "iabco"),
        roots(Piano, 36, "0", 0.32, -0.25, "abco"),
    ],
    space: room(0.2, 2.4, 0.45),
    loudness_lufs: -19.0,
};

const CHORALE: &[&str] = &["x-x-x-x-", "x---x-x-", "x-x-x---"];
/// A chorale for voices with long reverberation.
pub(crate) static CHORALE_VOICES: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 12.0,
    bars: 4,
    form: "abab",
    scale: Scale::Major,
    harmony: &[("iao", "C G|Am F|C Dm|G C"), ("b", "Am Em|F C|Dm Am|F G")],
    layers: &[
        chords(Choir, 55, "x---x---", 0.26, -0.25, "iabo"),
        roots(Choir, 41, "0---0---", 0.34, 0.05, "iabo"),
        tune(67, CHORALE, 0.3, 0.25, "abo"),
        roots(Harp, 48, "0-2-3-4-", 0.1, 0.4, "b"),
        second(Flute, 7, 67, CHORALE, 0.06, -0.4, "b"),
    ],
    space: room(0.26, 3.2, 0.4),
    loudness_lufs: -18.0,
};
