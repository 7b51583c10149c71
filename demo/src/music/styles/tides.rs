//! Minimal music: four movements with the same tempo and continuous patterns, so that they can be played without a gap.

use super::super::super::sound::Space;
use super::super::super::sound::Voice::{
    Bell, Choir, Clarinet, Flute, Glass, Marimba, Pad, RoundBass, Shaker, Strings,
};
use super::super::chord::Scale;
use super::super::style::{Style, chords, drum, room, roots, tune};

/// The same reverberation for all four movements, because they are rendered as one piece.
const HALL: Space = room(0.26, 2.4, 0.35);
const LONG: &[&str] = &["x-----------", "......x-----"];

const TIDE: Style = Style {
    beats: 6,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 2.0,
    bars: 4,
    form: "abcb",
    scale: Scale::Lydian,
    harmony: &[("i", "Cmaj7"), ("a", "Cmaj7|Cmaj7|Am7|Am7"), ("b", "Cmaj7|Em7|Am7|D"), ("co", "Am7|Am7|D|D")],
    layers: &[],
    space: HALL,
    loudness_lufs: -16.5,
};

/// Two marimbas with the same pattern, one later than the other.
pub(crate) static EBB: Style = Style {
    layers: &[
        chords(Marimba, 60, "0.12.30.2.13", 0.34, -0.45, "iabco"),
        chords(Marimba, 60, ".30.2.130.12", 0.28, 0.45, "abco"),
        roots(Marimba, 41, "0...2.0..2..", 0.4, 0.0, "bco"),
        chords(Clarinet, 55, "x-----------", 0.07, 0.1, "co"),
    ],
    ..TIDE
};

/// Glass and marimba over a slow pad.
pub(crate) static SLACK: Style = Style {
    harmony: &[("ia", "Fmaj7|Fmaj7|Em7|Em7"), ("b", "Am9|Em7|Fmaj7|G"), ("co", "Dm9|Am7|Dm9|G")],
    layers: &[
        chords(Glass, 67, "0..2..1..3..", 0.26, 0.35, "iabco"),
        chords(Marimba, 60, "0..1..2..1..", 0.18, -0.4, "iabco"),
        chords(Pad, 53, "x", 0.13, 0.0, "iabco"),
        roots(RoundBass, 29, "0-----------", 0.34, 0.0, "bco"),
        tune(72, LONG, 0.16, -0.1, "bc"),
    ],
    ..TIDE
};

/// Two marimbas with fast arpeggios over strings.
pub(crate) static FLOOD: Style = Style {
    harmony: &[("iao", "Am7|Am7|F|F"), ("b", "Am7|C|F|G"), ("c", "Dm7|F|C|G")],
    layers: &[
        chords(Marimba, 57, "012301230123", 0.3, -0.45, "iabco"),
        chords(Marimba, 69, "3.2.1.3.2.0.", 0.24, 0.45, "iabco"),
        roots(RoundBass, 29, "0.0.0.2.0.0.", 0.42, 0.0, "iabco"),
        chords(Strings, 57, "x.x.x.x.x.x.", 0.1, 0.2, "abco"),
        drum(Shaker, "xoxoxoxoxoxo", 0.09, -0.1, "bco"),
        tune(69, LONG, 0.16, 0.0, "bc"),
    ],
    ..TIDE
};

/// All instruments, with bells.
pub(crate) static SPRING: Style = Style {
    harmony: &[("iao", "D|D|Em7|Em7"), ("b", "G|D|Em7|A"), ("c", "Bm7|G|D|A")],
    layers: &[
        chords(Marimba, 60, "0.12.30.2.13", 0.26, -0.45, "iabco"),
        chords(Marimba, 72, "30.2.130.12.", 0.22, 0.45, "iabco"),
        roots(RoundBass, 29, "0..0..2..0..", 0.4, 0.0, "iabco"),
        chords(Bell, 62, "0.....2.....", 0.2, 0.25, "iabco"),
        chords(Choir, 57, "x", 0.16, -0.2, "bco"),
        chords(Flute, 74, "0-1-2-1-0-1-", 0.07, -0.3, "bc"),
        drum(Shaker, "xoxoxoxoxoxo", 0.08, 0.1, "abc"),
    ],
    ..TIDE
};
