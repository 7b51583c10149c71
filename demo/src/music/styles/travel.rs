//! Styles with scales and metres of several countries.

use super::super::super::sound::Voice::{
    Brush, Dum, Harp, Koto, Nylon, Oud, PluckedBass, Rim, Shaker, SoftKick, Steel, Strings, Taiko, Tek,
};
use super::super::chord::Scale;
use super::super::style::{Style, chords, drum, room, roots, strum, tune};

const RAIN: &[&str] = &["x---x-x-", "x-x-x---", "..xxx---", "x-----xx"];
/// A slow piece for koto.
pub(crate) static RAIN_STATION: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 8.0,
    bars: 4,
    form: "aabc",
    scale: Scale::Hirajoshi,
    harmony: &[("iao", "C5|C5|Ab|G5"), ("b", "Fm|C5|G5|C5"), ("c", "Ab|G5|Fm|C5")],
    layers: &[
        tune(62, RAIN, 0.5, 0.1, "iabco"),
        roots(Koto, 43, "0---2-3-", 0.3, -0.3, "iabco"),
        roots(Koto, 55, "..1.0.2.", 0.16, 0.4, "bc"),
        chords(Strings, 55, "x", 0.05, -0.1, "c"),
        drum(Rim, "....x...", 0.06, 0.35, "abc"),
    ],
    space: room(0.28, 2.4, 0.35),
    loudness_lufs: -18.0,
};

const FESTIVAL: &[&str] = &["x-xxx-x-", "xxx-x-x-", "x-x-xxx-"];
/// Festival music: large drums and a flute.
pub(crate) static FESTIVAL_DRUMS: Style = Style {
    beats: 4,
    swing: 0.16,
    swing_beats: 0.5,
    stray_ms: 4.0,
    bars: 4,
    form: "abac",
    scale: Scale::Yo,
    harmony: &[("iaco", "C5|C5|F5|G5"), ("b", "F5|C5|G5|C5")],
    layers: &[
        drum(Taiko, "X..x..X.X..x.xx.", 0.6, 0.0, "iabco"),
        drum(Rim, "..x.x...x.x.x...", 0.14, 0.35, "iabc"),
        drum(Tek, "x.xxx.xxx.xxx.xx", 0.09, -0.35, "bc"),
        tune(74, FESTIVAL, 0.3, 0.15, "abco"),
        roots(Koto, 50, "0.0.2.0.", 0.24, -0.3, "abc"),
    ],
    space: room(0.18, 1.3, 0.35),
    loudness_lufs: -14.5,
};

const BEACH: &[&str] = &["..x-x-x---x-x---", "x--x--x-----x-x-", "....x--x--x-----"];
/// A bossa nova for nylon strings.
pub(crate) static BOSSA: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 6.0,
    bars: 4,
    form: "aabb",
    scale: Scale::Major,
    harmony: &[("iao", "Cmaj7|D9|Dm7|G9"), ("b", "Fmaj7|Fm6|Em7 A7|Dm7 G7")],
    layers: &[
        chords(Nylon, 52, "x..x..x...x..x..", 0.24, -0.25, "iabo"),
        roots(PluckedBass, 33, "0-----2-0-----2-", 0.5, 0.0, "iabo"),
        drum(Rim, "x..x..x...x..x..", 0.1, 0.3, "abo"),
        drum(Shaker, "xoxoxoxoxoxoxoxo", 0.09, -0.35, "iabo"),
        drum(SoftKick, "x.....xxx.....xx", 0.22, 0.0, "ab"),
        tune(67, BEACH, 0.28, 0.15, "ab"),
    ],
    space: room(0.17, 1.3, 0.45),
    loudness_lufs: -16.5,
};

const NINE: &[&str] = &["x-x-x-x-x--x-x-x--", "x---x-x-x-----x-x-", "x-xxx---x-xxx-----"];
/// Steel strings, nine slow beats in a bar.
pub(crate) static NINE_BEATS: Style = Style {
    beats: 9,
    swing: 0.0,
    swing_beats: 0.5,
    stray_ms: 6.0,
    bars: 2,
    form: "aabb",
    scale: Scale::HarmonicMinor,
    harmony: &[("iao", "Cm|G7"), ("b", "Fm|Cm")],
    layers: &[
        tune(60, NINE, 0.4, 0.15, "iabo"),
        strum(Steel, 48, "..x...x...x...x.x.", 0.15, -0.4, "iabo"),
        roots(PluckedBass, 31, "0...2...0...2.0...", 0.55, 0.0, "iabo"),
        drum(Dum, "X.......X.......x.", 0.32, 0.05, "abo"),
        drum(Tek, "....x.......x.x...", 0.13, 0.25, "ab"),
    ],
    space: room(0.16, 1.3, 0.4),
    loudness_lufs: -16.0,
};

const OUD_TUNE: &[&str] = &["xxx-x-x-x---x-x-", "x-x-xxx-x-x-x---", "x---xxxxx-x-x---"];
/// An oud and a goblet drum.
pub(crate) static NIGHT_RIVER: Style = Style {
    beats: 4,
    swing: 0.0,
    swing_beats: 0.25,
    stray_ms: 6.0,
    bars: 4,
    form: "aabb",
    scale: Scale::Hijaz,
    harmony: &[("iao", "C|C|Bbm|C"), ("b", "Fm|C|Bbm|C")],
    layers: &[
        drum(Dum, "X.......x.......", 0.46, 0.0, "iabo"),
        drum(Tek, "..x...x...o.x.oo", 0.22, 0.25, "iab"),
        tune(55, OUD_TUNE, 0.46, -0.15, "iabo"),
        roots(Oud, 43, "0...0.0.0...0.0.", 0.24, 0.3, "abo"),
        chords(Strings, 60, "x", 0.055, 0.1, "b"),
    ],
    space: room(0.2, 1.5, 0.4),
    loudness_lufs: -15.5,
};

const CHANT: &[&str] = &["x-x-x---", "x---x-x-", "xx--x---"];
/// Harp and plucked bass under the melody.
pub(crate) static WALKING_HOME: Style = Style {
    beats: 4,
    swing: 0.2,
    swing_beats: 0.5,
    stray_ms: 8.0,
    bars: 4,
    form: "aab",
    scale: Scale::Pentatonic,
    harmony: &[("iao", "C|F|C|G"), ("b", "Am|F|C|G")],
    layers: &[
        roots(Harp, 48, "0-2-3-2-", 0.32, -0.3, "iabo"),
        roots(PluckedBass, 33, "0---2---", 0.5, 0.0, "iabo"),
        tune(67, CHANT, 0.32, 0.2, "iab"),
        drum(Brush, "..x...x.", 0.12, 0.1, "ab"),
        drum(SoftKick, "x...x...", 0.28, 0.0, "abo"),
    ],
    space: room(0.2, 1.5, 0.4),
    loudness_lufs: -16.5,
};
