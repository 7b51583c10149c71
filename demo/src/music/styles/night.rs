//! Quiet styles and rock: indie guitars, music box, slow soul, ambient, harp.

use super::super::super::sound::Voice::{
    Bell, Brush, Choir, Clap, ElectricPiano, Glass, Harp, Hat, Kick, MusicBox, Organ, Pad, PluckedBass, Rim, RoundBass,
    Snare, SoftKick, Steel, Strings,
};
use super::super::chord::Scale;
use super::super::style::{Style, chords, drum, echoing, room, roots, strum, tune};

const TRAM: &[&str] = &["x-x-x---", "..x-x-x-", "x---x-x-", "x-xxx---"];
/// Indie rock: repeated bass notes and quiet guitars.
pub(crate) static LAST_TRAM: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 3.0,
    bars: 4,
    form: "aabb",
    scale: Scale::Minor,
    harmony: &[("iao", "Cm|Ab|Fm|Gm"), ("b", "Eb|Bb|Fm|Cm")],
    layers: &[
        roots(PluckedBass, 36, "0.0.0.0.0.0.0.2.", 0.6, 0.0, "iabo"),
        drum(Kick, "X...x.x.", 0.5, 0.0, "iabo"),
        drum(Snare, "..X...X.", 0.36, 0.0, "iabo"),
        drum(Hat, "xxxxxxxx", 0.09, 0.25, "iab"),
        strum(Steel, 55, "x.xx.xx.", 0.15, 0.45, "abo"),
        tune(62, TRAM, 0.34, -0.3, "ab"),
        chords(Strings, 60, "x", 0.07, 0.1, "bo"),
    ],
    space: echoing(0.24, 1.8, 0.4, 0.3, 0.5),
    loudness_lufs: -14.5,
};

const LULLABY: &[&str] = &["x-x-x-", "x---x-", "x-xxx-"];
/// A lullaby for a music box.
pub(crate) static SNOW_GLOBE: Style = Style {
    beats: 3,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 5.0,
    bars: 8,
    form: "aba",
    scale: Scale::Major,
    harmony: &[("iao", "C|Am|F|G|C|Am|Dm|G"), ("b", "F|G|Em|Am|Dm|G|C|C")],
    layers: &[
        tune(76, LULLABY, 0.34, 0.1, "iabo"),
        chords(MusicBox, 67, "0-1-2-", 0.17, -0.3, "iabo"),
        roots(Harp, 41, "0-2-3-", 0.28, 0.2, "abo"),
        chords(Bell, 60, "x|.", 0.045, 0.0, "b"),
        chords(Strings, 55, "x", 0.055, -0.1, "bo"),
    ],
    space: room(0.3, 2.6, 0.25),
    loudness_lufs: -18.0,
};

const CROON: &[&str] = &["..x-x---x-x---..", "x---x-x-....x---", "....x-x-x-----x-"];
/// Slow soul with organ and electric piano.
pub(crate) static SLOW_SOUL: Style = Style {
    beats: 4,
    swing: 0.2,
    swing_beats: 0.25,
    stray_ms: 8.0,
    bars: 4,
    form: "aabb",
    scale: Scale::MinorPentatonic,
    harmony: &[("iao", "Cm7|F9|Bbmaj7|Gm7"), ("b", "Ebmaj7|Dm7|Gm7|G7")],
    layers: &[
        chords(Organ, 55, "x", 0.075, 0.3, "iabo"),
        chords(ElectricPiano, 55, "....x-..|....x-x-", 0.2, -0.3, "iabo"),
        roots(RoundBass, 31, "0-..0-0-..2-0-..", 0.58, 0.0, "iabo"),
        drum(SoftKick, "X.....x.X.......", 0.5, 0.0, "iabo"),
        drum(Rim, "....x.......x...", 0.2, 0.1, "iab"),
        drum(Clap, "....x.......x...", 0.12, 0.0, "b"),
        drum(Hat, "x.x.x.x.x.x.x.xo", 0.07, 0.3, "ab"),
        tune(63, CROON, 0.28, -0.1, "ab"),
        strum(Steel, 58, "......x.......x.", 0.1, 0.45, "b"),
    ],
    space: room(0.2, 1.5, 0.5),
    loudness_lufs: -16.0,
};

const AIR: &[&str] = &["x-------", "....x---", "x---x---"];
/// Ambient: long chords, one note a bar in the melody.
pub(crate) static GLACIER: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 20.0,
    bars: 4,
    form: "ab",
    scale: Scale::Lydian,
    harmony: &[("iao", "Cmaj9|Em7|Cmaj9|Bm7"), ("b", "Am9|Em7|Gmaj7|D")],
    layers: &[
        chords(Pad, 48, "x", 0.2, -0.35, "iabo"),
        chords(Choir, 55, "x", 0.2, 0.35, "abo"),
        roots(RoundBass, 29, "0-------", 0.3, 0.0, "abo"),
        tune(74, AIR, 0.24, 0.1, "iabo"),
        chords(Glass, 72, "..0...2.", 0.12, -0.2, "b"),
    ],
    space: echoing(0.5, 5.0, 0.3, 0.4, 1.5),
    loudness_lufs: -19.5,
};

const DAWN: &[&str] = &["x-x-x---", "x---x-x-", "..x-x---"];
/// A slow piece for harp.
pub(crate) static DAWN_HARP: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 8.0,
    bars: 4,
    form: "aab",
    scale: Scale::Pentatonic,
    harmony: &[("iao", "Cadd9|Am7|Fmaj7|G"), ("b", "Am7|Em7|F|G")],
    layers: &[
        roots(Harp, 43, "0-2-3-4-5-4-3-2-", 0.34, -0.25, "iabo"),
        tune(72, DAWN, 0.28, 0.2, "ab"),
        chords(Pad, 55, "x", 0.1, 0.1, "abo"),
        drum(Brush, "x...x.x.", 0.06, 0.2, "b"),
    ],
    space: room(0.3, 2.8, 0.3),
    loudness_lufs: -18.0,
};
