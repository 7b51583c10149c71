//! The parts of a style of music. Styles are data; `compose` turns them into notes.
//!
//! *Patterns* are strings, one bar after the other with `|` between. All letters of a bar have the same length, so `x`
//! is one note for the whole bar and `x.x.x.x.` are four notes. `-` extends the note before, `.` is a rest, spaces are
//! ignored.

use super::super::sound::{Space, Voice};
use super::chord::Scale;

/// A style: metre, form, harmony, players and room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Beats in a bar; the tempo counts these.
    pub(super) beats: usize,
    /// Delay of the second of two notes as a fraction of its length: 0 is straight, 0.33 are triplets.
    pub(super) swing: f64,
    /// Length of each of the two notes before swing, in beats.
    pub(super) swing_beats: f64,
    /// Greatest random change of a note's time, in milliseconds.
    pub(super) stray_ms: f64,
    /// Bars in a section.
    pub(super) bars: usize,
    /// Letters of the sections between the first, `i`, and the last, `o`; repeated as long as the piece needs.
    pub(super) form: &'static str,
    /// The scale of melodies.
    pub(super) scale: Scale,
    /// Letters of sections, and their chords in the key of C: `|` between bars, spaces between chords of one bar.
    pub(super) harmony: &'static [(&'static str, &'static str)],
    /// The instruments and what they play.
    pub(super) layers: &'static [Layer],
    /// Reverberation and echo; `echo_s` is in beats here.
    pub(super) space: Space,
    /// Loudness in LUFS.
    pub(super) loudness_lufs: f32,
}

/// One instrument and what it plays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) part: LayerPart,
    pub(super) gain: f32,
    pub(super) pan: f32,
    /// Letters of the sections in which it plays.
    pub(super) sections: &'static str,
}

/// What a layer plays.
#[derive(Clone, Copy, Debug)]
pub(super) enum LayerPart {
    /// Notes of the chord: a digit is one note, counted from the lowest; `x` is all notes, `X` all notes, accented.
    Chord { voice: Voice, pattern: &'static str, base: i32, rooted: bool, strum_s: f64 },
    /// A tune made from bars of rhythm (`x`, `-`, `.`), moved up by `shift` steps of the scale. Without a voice the
    /// piece's lead instrument plays it.
    Tune { voice: Option<Voice>, rhythms: &'static [&'static str], low: i32, shift: usize },
    /// `X`, `x` and `o` are loud, normal and soft strokes.
    Drum { voice: Voice, pattern: &'static str },
}

/// Chords near the note `base`.
pub(super) const fn chords(
    voice: Voice,
    base: i32,
    pattern: &'static str,
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: LayerPart::Chord { voice, pattern, base, rooted: false, strum_s: 0.0 }, gain, pan, sections }
}

/// Chords near `base` whose notes start one after the other, as on a strummed guitar.
pub(super) const fn strum(
    voice: Voice,
    base: i32,
    pattern: &'static str,
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: LayerPart::Chord { voice, pattern, base, rooted: true, strum_s: 0.014 }, gain, pan, sections }
}

/// Chords in root position: basses and broad arpeggios.
pub(super) const fn roots(
    voice: Voice,
    base: i32,
    pattern: &'static str,
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: LayerPart::Chord { voice, pattern, base, rooted: true, strum_s: 0.0 }, gain, pan, sections }
}

/// The melody, played by the piece's lead instrument.
pub(super) const fn tune(
    low: i32,
    rhythms: &'static [&'static str],
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: LayerPart::Tune { voice: None, rhythms, low, shift: 0 }, gain, pan, sections }
}

/// A second voice, `shift` steps of the scale above the melody. `low` and `rhythms` must be those of the melody.
pub(super) const fn second(
    voice: Voice,
    shift: usize,
    low: i32,
    rhythms: &'static [&'static str],
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: LayerPart::Tune { voice: Some(voice), rhythms, low, shift }, gain, pan, sections }
}

/// A drum; `pattern` as in [`LayerPart::Drum`].
pub(super) const fn drum(voice: Voice, pattern: &'static str, gain: f32, pan: f32, sections: &'static str) -> Layer {
    Layer { part: LayerPart::Drum { voice, pattern }, gain, pan, sections }
}

/// Reverberation without echo.
pub(super) const fn room(room: f32, fade_s: f32, dark: f32) -> Space {
    Space { room, fade_s, dark, echo: 0.0, echo_s: 0.0 }
}

/// Reverberation with an echo every `beats` beats.
pub(super) const fn echoing(room: f32, fade_s: f32, dark: f32, echo: f32, beats: f64) -> Space {
    Space { room, fade_s, dark, echo, echo_s: beats }
}
