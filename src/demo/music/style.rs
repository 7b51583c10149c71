//! What a style of music is made of. Styles are data; `compose` plays them.
//!
//! *Patterns* are strings, one bar after the other with `|` between; the letters of a bar share it evenly, so `x` is
//! one note for the whole bar and `x.x.x.x.` are four. `-` holds the note before, `.` rests, spaces are ignored.

use super::super::sound::{Space, Voice};
use super::chord::Scale;

/// A style: metre, form, harmony, players and room.
#[derive(Clone, Copy, Debug)]
pub(in crate::demo) struct Style {
    /// Beats in a bar; the tempo counts these.
    pub(super) beats: usize,
    /// How much the second of two notes is late: 0 straight, 0.33 triplets.
    pub(super) swing: f64,
    /// The shorter of the two notes that swing, in beats.
    pub(super) swing_beats: f64,
    /// How far players stray in time, in milliseconds.
    pub(super) stray_ms: f64,
    /// Bars in a section.
    pub(super) bars: usize,
    /// Letters of the sections between the first, `i`, and the last, `o`; repeated as long as the piece needs.
    pub(super) form: &'static str,
    /// What melodies walk on.
    pub(super) scale: Scale,
    /// Chords of the sections named by letters: bars parted by `|`, chords of one bar by spaces; written in C.
    pub(super) harmony: &'static [(&'static str, &'static str)],
    /// The players.
    pub(super) layers: &'static [Layer],
    /// The room; its `echo_s` is in beats here.
    pub(super) space: Space,
    /// Loudness in LUFS.
    pub(super) loudness_lufs: f32,
}

/// One player.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) part: Part,
    pub(super) gain: f32,
    pub(super) pan: f32,
    /// Letters of the sections in which it plays.
    pub(super) sections: &'static str,
}

/// What a player plays.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Notes of the chord: a digit is one of them counted from the lowest, `x` is all at once, `X` all, accented.
    Chord { voice: Voice, pattern: &'static str, base: i32, rooted: bool, strum_s: f64 },
    /// A tune of its own, made from bars of rhythm (`x`, `-`, `.`); `shift` plays it that many steps of the scale
    /// higher. Without a voice it is played by the piece's lead.
    Tune { voice: Option<Voice>, rhythms: &'static [&'static str], low: i32, shift: usize },
    /// `X`, `x` and `o` are loud, normal and soft strokes.
    Drum { voice: Voice, pattern: &'static str },
}

/// A player of chords near `base`.
pub(super) const fn chords(
    voice: Voice,
    base: i32,
    pattern: &'static str,
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: Part::Chord { voice, pattern, base, rooted: false, strum_s: 0.0 }, gain, pan, sections }
}

/// A player of chords who strums.
pub(super) const fn strum(
    voice: Voice,
    base: i32,
    pattern: &'static str,
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: Part::Chord { voice, pattern, base, rooted: true, strum_s: 0.014 }, gain, pan, sections }
}

/// A player of chords from their root: basses and broad arpeggios.
pub(super) const fn roots(
    voice: Voice,
    base: i32,
    pattern: &'static str,
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: Part::Chord { voice, pattern, base, rooted: true, strum_s: 0.0 }, gain, pan, sections }
}

/// The melody, played by the piece's lead.
pub(super) const fn tune(
    low: i32,
    rhythms: &'static [&'static str],
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: Part::Tune { voice: None, rhythms, low, shift: 0 }, gain, pan, sections }
}

/// A second voice with the melody, `shift` steps of the scale above it. `low` and `rhythms` as in the melody.
pub(super) const fn second(
    voice: Voice,
    shift: usize,
    low: i32,
    rhythms: &'static [&'static str],
    gain: f32,
    pan: f32,
    sections: &'static str,
) -> Layer {
    Layer { part: Part::Tune { voice: Some(voice), rhythms, low, shift }, gain, pan, sections }
}

/// A drum.
pub(super) const fn drum(voice: Voice, pattern: &'static str, gain: f32, pan: f32, sections: &'static str) -> Layer {
    Layer { part: Part::Drum { voice, pattern }, gain, pan, sections }
}

/// A room without echo.
pub(super) const fn room(room: f32, fade_s: f32, dark: f32) -> Space {
    Space { room, fade_s, dark, echo: 0.0, echo_s: 0.0 }
}

/// A room with an echo every `beats`.
pub(super) const fn echoing(room: f32, fade_s: f32, dark: f32, echo: f32, beats: f64) -> Space {
    Space { room, fade_s, dark, echo, echo_s: beats }
}
