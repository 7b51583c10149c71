//! Electronic dance music and game console music.

use super::super::super::sound::Voice::{
    Clap, ElectricPiano, Glass, Hat, Kick, Lead, OpenHat, Pad, Pulse, RoundBass, SawBass, Shaker, Snare, Square,
    Triangle,
};
use super::super::chord::Scale;
use super::super::style::{Style, chords, drum, echoing, room, roots, tune};

const HOOK: &[&str] = &["..x-..x-x-..x---", "x-..x-..x-x-....", "....x-x-..x-x---"];
/// House: the bass drum plays on each of the four beats.
pub(crate) static HOUSE: Style = Style {
    beats: 4,
    swing: 0.08,
    swing_beats: 0.25,
    stray_ms: 0.0,
    bars: 8,
    form: "abac",
    scale: Scale::Minor,
    harmony: &[("iaco", "Cm7|Cm7|Abmaj7|Bb|Cm7|Cm7|Fm7|Gm7"), ("b", "Abmaj7|Bb|Cm7|Gm7|Abmaj7|Bb|Fm7|Gm7")],
    layers: &[
        drum(Kick, "X...X...X...X...", 0.62, 0.0, "iabco"),
        drum(Hat, "..x...x...x...x.", 0.16, 0.2, "iabco"),
        drum(Shaker, "oxoxoxoxoxoxoxox", 0.1, -0.3, "abc"),
        drum(Clap, "....x.......x...", 0.3, 0.05, "abc"),
        roots(SawBass, 33, "0..0..0...0.0.1.", 0.36, 0.0, "abco"),
        chords(ElectricPiano, 56, "x..x..x...x.....", 0.16, -0.15, "iabco"),
        chords(Pad, 60, "x", 0.07, 0.3, "bc"),
        tune(67, HOOK, 0.2, 0.25, "bc"),
    ],
    space: echoing(0.22, 1.5, 0.4, 0.35, 0.75),
    loudness_lufs: -13.5,
};

const SPARSE: &[&str] = &["x-------....x---", "....x-------x---", "x---x-----------"];
/// Breakbeat: fast syncopated drums under slow chords.
pub(crate) static BREAKS: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 0.0,
    bars: 8,
    form: "abac",
    scale: Scale::Dorian,
    harmony: &[("iaco", "Cm9|Cm9|Fm7|Fm7|Ebmaj7|Ebmaj7|F|G"), ("b", "Abmaj7|Abmaj7|Bb|Bb|Cm9|Cm9|F|F")],
    layers: &[
        drum(Kick, "X.........x.....|X.x.......x.....", 0.6, 0.0, "iabc"),
        drum(Snare, "....X..o.o..X..o", 0.42, 0.0, "iabc"),
        drum(Hat, "x.x.x.x.x.x.x.x.", 0.14, 0.25, "iabco"),
        drum(OpenHat, "..............x.", 0.1, -0.3, "bc"),
        roots(RoundBass, 28, "0-----..0-..0---|0---..0-----2---", 0.62, 0.0, "abco"),
        chords(Glass, 67, "0.2.3.1.2.0.3.2.", 0.13, -0.35, "iabc"),
        chords(Pad, 55, "x", 0.12, 0.2, "iabco"),
        tune(72, SPARSE, 0.22, 0.2, "bc"),
    ],
    space: echoing(0.3, 2.2, 0.35, 0.4, 0.75),
    loudness_lufs: -13.5,
};

const LAZY: &[&str] = &["..x-x-----x-x---", "x-----x-..x-----", "....x-x-x-----x-"];
/// Lo-fi hip hop: slow drums with much swing under an electric piano.
pub(crate) static LOFI: Style = Style {
    beats: 4,
    swing: 0.24,
    swing_beats: 0.25,
    stray_ms: 9.0,
    bars: 4,
    form: "aabb",
    scale: Scale::Major,
    harmony: &[("iao", "Fmaj9|Em7|Dm9|Cmaj7"), ("b", "Am9|D9|Dm9|G9")],
    layers: &[
        chords(ElectricPiano, 54, "x---------x-....|x-------..x---x-", 0.21, -0.1, "iabo"),
        drum(Kick, "X......x..x.....", 0.5, 0.0, "iabo"),
        drum(Snare, "....x.......x..o", 0.27, 0.05, "abo"),
        drum(Hat, "x.xox.x.x.xox.xx", 0.085, 0.25, "iabo"),
        roots(RoundBass, 29, "0-----..0-..2-..", 0.5, 0.0, "iabo"),
        tune(67, LAZY, 0.24, 0.2, "ab"),
    ],
    space: room(0.2, 1.2, 0.6),
    loudness_lufs: -16.0,
};

const ANTHEM: &[&str] = &["x---x-x---x-----", "x-----x-x---x---", "x---..x-x-x-x---"];
/// Synthwave: synthesisers and loud snare drums.
pub(crate) static SYNTHWAVE: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 0.0,
    bars: 4,
    form: "aabb",
    scale: Scale::Minor,
    harmony: &[("iao", "Cm|Ab|Eb|Bb"), ("b", "Fm|Cm|Ab|Bb")],
    layers: &[
        roots(SawBass, 33, "0.0.0.0.0.0.0.0.", 0.38, 0.0, "iabo"),
        chords(Lead, 60, "0.1.2.0.1.2.0.1.", 0.13, -0.4, "ibo"),
        chords(Pad, 58, "x", 0.13, 0.25, "iabo"),
        drum(Kick, "X.......X.......", 0.6, 0.0, "abo"),
        drum(Snare, "....X.......X...", 0.42, 0.0, "abo"),
        drum(Hat, "x.x.x.x.x.x.x.x.", 0.1, 0.3, "ab"),
        tune(67, ANTHEM, 0.24, 0.1, "ab"),
    ],
    space: echoing(0.3, 2.0, 0.35, 0.3, 0.75),
    loudness_lufs: -13.5,
};

const ARCADE: &[&str] = &["x-x-x-xxx-..x-x-", "x-xxx-x-x-x-x---", "xxx-x-x-xxx-x-x-"];
/// The four channels of a game console, in a major key.
pub(crate) static ARCADE_SKY: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 0.0,
    bars: 4,
    form: "aabbcc",
    scale: Scale::Major,
    harmony: &[("iao", "C|G|Am|F"), ("b", "F|G|Em|Am"), ("c", "Ab|Bb|C|C")],
    layers: &[
        tune(72, ARCADE, 0.26, 0.1, "iabco"),
        chords(Pulse, 60, "0120120120120120", 0.13, -0.35, "abco"),
        roots(Triangle, 36, "0.0.3.0.0.0.3.0.", 0.42, 0.0, "iabco"),
        drum(Kick, "X...x...X...x...", 0.4, 0.0, "abc"),
        drum(Snare, "....x.......x.xo", 0.2, 0.0, "abc"),
        drum(Hat, "x.xxx.xxx.xxx.xx", 0.08, 0.2, "abc"),
    ],
    space: room(0.06, 0.6, 0.3),
    loudness_lufs: -14.5,
};

const CAVE: &[&str] = &["x---..x-x---....", "x-x-x-----..x---", "....x-x-x-------"];
/// The same four channels, in a minor key.
pub(crate) static ARCADE_CAVE: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 0.0,
    bars: 4,
    form: "aabb",
    scale: Scale::HarmonicMinor,
    harmony: &[("iao", "Cm|Ab|Fm|G"), ("b", "Fm|Cm|Dm7b5|G")],
    layers: &[
        chords(Square, 48, "0.1.2.1.0.1.2.1.", 0.2, -0.3, "iabo"),
        roots(Triangle, 36, "0-------..0-2---", 0.5, 0.0, "iabo"),
        tune(67, CAVE, 0.24, 0.25, "ab"),
        chords(Pulse, 72, "2...1...0...1...", 0.1, 0.4, "bo"),
        drum(Hat, "x.......x...x...", 0.1, 0.1, "ab"),
        drum(Kick, "X.........x.....", 0.4, 0.0, "ab"),
    ],
    space: echoing(0.2, 1.4, 0.3, 0.45, 0.75),
    loudness_lufs: -15.5,
};
