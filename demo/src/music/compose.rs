//! Turns the patterns, chords and tunes of a style into the notes of one piece.

use super::super::number::{real, single, whole};
use super::super::random::Random;
use super::super::sound::{Note, Score, Space, Voice};
use super::chord::Chord;
use super::melody;
use super::stroke::{Stroke, bars};
use super::style::{Layer, LayerPart, Style};

/// One piece of music to be composed. The same piece gives the same score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Its style.
    pub(crate) style: &'static Style,
    /// Beats per minute.
    pub(crate) tempo_bpm: f64,
    /// Semitones above C.
    pub(crate) key: i32,
    /// The instrument that plays the tune.
    pub(crate) lead: Voice,
    /// Chooses among the many pieces of this style.
    pub(crate) seed: u64,
    /// The wanted length in seconds; the real one is the nearest whole number of sections.
    pub(crate) length_s: f64,
}

/// Composes pieces that follow each other without a gap. The last one ends with a final chord that decays, the others
/// with their last bar. Returns the score of all and the seconds at which each piece ends.
pub(crate) fn compose(pieces: &[Piece]) -> (Score, Vec<f64>) {
    let mut score = Score {
        notes: Vec::new(),
        length_s: 0.0,
        space: Space { room: 0.0, fade_s: 1.0, dark: 0.5, echo: 0.0, echo_s: 0.0 },
        loudness_lufs: -16.0,
    };
    let mut ends_s = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        score.length_s = Composer::new(piece, score.length_s).write(last, &mut score.notes);
        ends_s.push(score.length_s);
        let beat_s = 60.0 / piece.tempo_bpm;
        score.space = Space { echo_s: piece.style.space.echo_s * beat_s, ..piece.style.space };
        score.loudness_lufs = piece.style.loudness_lufs;
    }
    (score, ends_s)
}

struct Composer<'a> {
    piece: &'a Piece,
    start_s: f64,
    beat_s: f64,
    /// Bars in a section; fewer than the style's in a piece that is shorter than one section.
    bars: usize,
    random: Random,
}

impl<'a> Composer<'a> {
    fn new(piece: &'a Piece, start_s: f64) -> Self {
        let beat_s = 60.0 / piece.tempo_bpm;
        let bar_s = beat_s * f64::from(real(piece.style.beats));
        let room = usize::try_from(whole(single(piece.length_s / bar_s))).unwrap_or(1).max(1);
        Self { piece, start_s, beat_s, bars: piece.style.bars.min(room), random: Random::new(piece.seed) }
    }

    fn bar_s(&self) -> f64 {
        f64::from(real(self.piece.style.beats)) * self.beat_s
    }

    /// The letters of the sections: the number of sections that comes nearest to the wanted length.
    fn form(&self) -> Vec<char> {
        let style = self.piece.style;
        let section_s = self.bar_s() * f64::from(real(self.bars));
        let count = usize::try_from(whole(single((self.piece.length_s - self.bar_s()) / section_s)));
        let count = count.unwrap_or(1).max(1);
        let letters = (0..count).zip(style.form.chars().cycle());
        letters
            .map(|(index, letter)| match index {
                0 if count > 2 => 'i',
                _ if index + 1 == count && count > 3 => 'o',
                _ => letter,
            })
            .collect()
    }

    /// Writes the notes and returns the second at which the piece ends.
    fn write(mut self, last: bool, notes: &mut Vec<Note>) -> f64 {
        let style = self.piece.style;
        let form = self.form();
        for (section, &letter) in form.iter().enumerate() {
            let harmony = harmony(style, letter, self.piece.key);
            for layer in style.layers.iter().filter(|layer| layer.sections.contains(letter)) {
                self.section(layer, section * self.bars, letter, &harmony, notes);
            }
        }
        let body_bars = form.len() * self.bars;
        let over_s = self.start_s + self.bar_s() * f64::from(real(body_bars));
        if !last {
            return over_s;
        }
        let ending = harmony(style, form.first().copied().unwrap_or('i'), self.piece.key);
        for layer in style.layers.iter().filter(|layer| layer.sections.contains(form.last().copied().unwrap_or('o'))) {
            self.ending(layer, body_bars, &ending, notes);
        }
        over_s + self.bar_s() + f64::from(style.space.fade_s).clamp(2.0, 4.0)
    }

    /// Writes the notes of one layer for one section.
    fn section(
        &mut self,
        layer: &Layer,
        first_bar: usize,
        letter: char,
        harmony: &[Vec<Chord>],
        notes: &mut Vec<Note>,
    ) {
        let style = self.piece.style;
        let chord = |bar: usize, place: f64| chord_at(harmony, bar, place);
        match layer.part {
            LayerPart::Tune { voice, rhythms, low, shift } => {
                let plan = melody::Plan { scale: style.scale, tonic: self.piece.key, low, shift, rhythms };
                // The first and the last section share the tune of the main one.
                let theme = if "io".contains(letter) { 'a' } else { letter };
                let seed = self.piece.seed ^ u64::from(u32::from(theme)) << 20;
                for (bar, stroke, pitch) in melody::tune(plan, self.bars, seed, chord) {
                    let voice = voice.unwrap_or(self.piece.lead);
                    self.note(layer, voice, first_bar + bar, stroke, pitch, notes);
                }
            }
            LayerPart::Drum { voice, pattern } => {
                for (bar, stroke) in bars(pattern, self.bars) {
                    self.note(layer, voice, first_bar + bar, Stroke { length: 0.0, ..stroke }, 60, notes);
                }
            }
            LayerPart::Chord { voice, pattern, base, rooted, strum_s } => {
                for (bar, stroke) in bars(pattern, self.bars) {
                    let Some(chord) = chord(bar, stroke.start) else { continue };
                    let tones = if rooted { chord.rooted(base) } else { chord.close(base) };
                    self.chord(layer, (voice, strum_s), first_bar + bar, stroke, &tones, notes);
                }
            }
        }
    }

    /// Writes one stroke of a pattern with the notes of a chord.
    fn chord(
        &mut self,
        layer: &Layer,
        (voice, strum_s): (Voice, f64),
        bar: usize,
        stroke: Stroke,
        tones: &[i32],
        notes: &mut Vec<Note>,
    ) {
        if let Some(digit) = stroke.sign.to_digit(10).and_then(|digit| usize::try_from(digit).ok()) {
            let octave = i32::try_from(digit / tones.len().max(1)).unwrap_or(0);
            if let Some(tone) = tones.get(digit % tones.len().max(1)) {
                self.note(layer, voice, bar, stroke, tone + 12 * octave, notes);
            }
            return;
        }
        for (index, tone) in tones.iter().enumerate() {
            let delay = strum_s * f64::from(real(index)) / self.bar_s();
            self.note(layer, voice, bar, Stroke { start: stroke.start + delay, ..stroke }, *tone, notes);
        }
    }

    /// Writes the final chord: every layer plays the tonic chord once.
    fn ending(&mut self, layer: &Layer, bar: usize, harmony: &[Vec<Chord>], notes: &mut Vec<Note>) {
        let whole = Stroke { sign: 'x', start: 0.0, length: 1.0 };
        let Some(tonic) = chord_at(harmony, 0, 0.0) else { return };
        match layer.part {
            LayerPart::Chord { voice, base, rooted, strum_s, pattern } => {
                let tones = if rooted { tonic.rooted(base) } else { tonic.close(base) };
                let sign = if pattern.contains(['x', 'X']) { 'x' } else { '0' };
                self.chord(layer, (voice, strum_s * 2.5), bar, Stroke { sign, ..whole }, &tones, notes);
            }
            LayerPart::Drum { voice, pattern } if pattern.starts_with(['x', 'X']) => {
                self.note(layer, voice, bar, Stroke { length: 0.0, ..whole }, 60, notes);
            }
            _ => {}
        }
    }

    /// Writes one note, with swing and small random changes of time and gain.
    fn note(&mut self, layer: &Layer, voice: Voice, bar: usize, stroke: Stroke, pitch: i32, notes: &mut Vec<Note>) {
        let style = self.piece.style;
        let beats = f64::from(real(style.beats));
        let at = |place: f64| self.start_s + self.beat_s * (swing(place * beats, style) + beats * f64::from(real(bar)));
        let (start_s, end_s) = (at(stroke.start), at(stroke.start + stroke.length));
        let strength = match stroke.sign {
            'X' => 1.25,
            'o' => 0.5,
            _ => 1.0,
        };
        // A small accent on the first beat, as players give it.
        let accent = if stroke.start < 1e-6 { 1.06 } else { 1.0 };
        let stray_s = f64::from(self.random.bipolar()) * style.stray_ms / 1000.0;
        notes.push(Note {
            start_s: (start_s + stray_s).max(0.0),
            length_s: single((end_s - start_s) * 0.97),
            pitch: single(f64::from(pitch)),
            gain: layer.gain * strength * accent * (1.0 + 0.08 * self.random.bipolar()),
            pan: layer.pan,
            voice,
        });
    }
}

/// The position of `beat` with swing: the first of two notes is longer by the fraction `swing`.
fn swing(beat: f64, style: &Style) -> f64 {
    let pair = style.swing_beats * 2.0;
    if pair <= 0.0 {
        return beat;
    }
    let (pairs, rest) = ((beat / pair).floor(), beat.rem_euclid(pair));
    let first = style.swing_beats * (1.0 + style.swing);
    let swung = if rest < style.swing_beats {
        rest * (1.0 + style.swing)
    } else {
        first + (rest - style.swing_beats) * (1.0 - style.swing)
    };
    pairs * pair + swung
}

/// The chords of each bar of the section `letter`; those of the style's first harmony when it has none for the letter.
fn harmony(style: &Style, letter: char, key: i32) -> Vec<Vec<Chord>> {
    let named = style.harmony.iter().find(|(letters, _)| letters.contains(letter)).or(style.harmony.first());
    let text = named.map_or("C", |(_, text)| text);
    let bar = |bar: &str| bar.split_whitespace().filter_map(Chord::parse).map(|chord| chord.transpose(key)).collect();
    text.split('|').map(bar).collect()
}

fn chord_at(harmony: &[Vec<Chord>], bar: usize, place: f64) -> Option<Chord> {
    let chords = harmony.get(bar.checked_rem(harmony.len())?)?;
    let count = f64::from(real(chords.len()));
    let index = (0..chords.len()).rev().find(|&index| f64::from(real(index)) <= place * count + 1e-6)?;
    chords.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::super::styles::every;
    use super::*;

    #[test]
    fn every_pattern_and_chord_of_every_style_can_be_parsed() {
        for style in every() {
            for (letters, chords) in style.harmony {
                assert!(!letters.is_empty());
                for name in chords.split('|').flat_map(str::split_whitespace) {
                    assert!(Chord::parse(name).is_some(), "{name} is not a chord");
                }
            }
            for layer in style.layers {
                let (texts, signs) = match layer.part {
                    LayerPart::Chord { pattern, .. } => (vec![pattern], "xX0123456789-. "),
                    LayerPart::Drum { pattern, .. } => (vec![pattern], "xXo. "),
                    LayerPart::Tune { rhythms, .. } => (rhythms.to_vec(), "x-."),
                };
                for text in texts {
                    assert!(text.split('|').all(|bar| bar.chars().all(|sign| signs.contains(sign))), "{text}");
                }
            }
        }
    }

    #[test]
    fn every_chord_of_a_bar_has_the_same_length() {
        let style = every().find(|style| style.harmony.iter().any(|(_, text)| text.contains("Fm G"))).unwrap();
        let chords = harmony(style, 'i', 0);
        let names = |bar, place| chord_at(&chords, bar, place);
        assert_eq!(names(3, 0.0), Chord::parse("Fm"));
        assert_eq!(names(3, 0.49), Chord::parse("Fm"));
        assert_eq!(names(3, 0.5), Chord::parse("G"));
        assert_eq!(names(7, 0.5), Chord::parse("G"));
    }

    #[test]
    fn the_same_seed_gives_the_same_piece_and_another_seed_another_piece() {
        let style = every().next().unwrap();
        let piece = Piece { style, tempo_bpm: 100.0, key: 2, lead: Voice::Flute, seed: 5, length_s: 40.0 };
        assert_eq!(compose(&[piece]), compose(&[piece]));
        assert_ne!(compose(&[piece]).0, compose(&[Piece { seed: 6, ..piece }]).0);
    }
}
