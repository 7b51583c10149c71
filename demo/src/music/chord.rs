//! Scales, and chords parsed from their usual names.

/// The notes a melody uses, in semitones above the tonic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Major,
    Minor,
    Dorian,
    Lydian,
    Mixolydian,
    HarmonicMinor,
    Hijaz,
    Hirajoshi,
    Yo,
    Pentatonic,
    MinorPentatonic,
}

impl Scale {
    fn semitones(self) -> &'static [i32] {
        match self {
            Self::Major => &[0, 2, 4, 5, 7, 9, 11],
            Self::Minor => &[0, 2, 3, 5, 7, 8, 10],
            Self::Dorian => &[0, 2, 3, 5, 7, 9, 10],
            Self::Lydian => &[0, 2, 4, 6, 7, 9, 11],
            Self::Mixolydian => &[0, 2, 4, 5, 7, 9, 10],
            Self::HarmonicMinor => &[0, 2, 3, 5, 7, 8, 11],
            Self::Hijaz => &[0, 1, 4, 5, 7, 8, 10],
            Self::Hirajoshi => &[0, 2, 3, 7, 8],
            Self::Yo => &[0, 2, 5, 7, 9],
            Self::Pentatonic => &[0, 2, 4, 7, 9],
            Self::MinorPentatonic => &[0, 3, 5, 7, 10],
        }
    }

    /// The notes of this scale on `tonic` (a pitch class) from `low` to `high`, ascending, as MIDI note numbers.
    pub(super) fn ladder(self, tonic: i32, low: i32, high: i32) -> Vec<i32> {
        (low..=high).filter(|pitch| self.semitones().contains(&(pitch - tonic).rem_euclid(12))).collect()
    }
}

/// A chord: its root as a pitch class and its notes in semitones above the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chord {
    root: i32,
    intervals: &'static [i32],
}

impl Chord {
    /// Parses a chord name such as `C`, `F#m7` or `Bbmaj9`; `None` if it is not one.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut letters = name.chars();
        let natural: i32 = match letters.next()? {
            'C' => 0,
            'D' => 2,
            'E' => 4,
            'F' => 5,
            'G' => 7,
            'A' => 9,
            'B' => 11,
            _ => return None,
        };
        let rest = letters.as_str();
        let (shift, kind): (i32, &str) = match (rest.strip_prefix('#'), rest.strip_prefix('b')) {
            (Some(kind), _) => (1, kind),
            (_, Some(kind)) => (-1, kind),
            _ => (0, rest),
        };
        let intervals: &[i32] = match kind {
            "" => &[0, 4, 7],
            "m" => &[0, 3, 7],
            "5" => &[0, 7],
            "6" => &[0, 4, 7, 9],
            "m6" => &[0, 3, 7, 9],
            "7" => &[0, 4, 7, 10],
            "m7" => &[0, 3, 7, 10],
            "maj7" => &[0, 4, 7, 11],
            "m7b5" => &[0, 3, 6, 10],
            "dim" => &[0, 3, 6],
            "sus2" => &[0, 2, 7],
            "sus4" => &[0, 5, 7],
            "add9" => &[0, 4, 7, 14],
            "9" => &[0, 4, 7, 10, 14],
            "m9" => &[0, 3, 7, 10, 14],
            "maj9" => &[0, 4, 7, 11, 14],
            _ => return None,
        };
        Some(Self { root: (natural + shift).rem_euclid(12), intervals })
    }

    /// The same chord `semitones` higher.
    pub(super) fn transpose(self, semitones: i32) -> Self {
        Self { root: (self.root + semitones).rem_euclid(12), ..self }
    }

    /// Whether `pitch` belongs to this chord in any octave.
    pub(super) fn contains(self, pitch: i32) -> bool {
        self.intervals.iter().any(|interval| (pitch - self.root - interval).rem_euclid(12) == 0)
    }

    /// The chord in root position; its root is the lowest one at or above `base`.
    pub(super) fn rooted(self, base: i32) -> Vec<i32> {
        let root = base + (self.root - base).rem_euclid(12);
        self.intervals.iter().map(|interval| root + interval).collect()
    }

    /// The chord in the inversion whose notes lie within an octave above `base`, so that successive chords are near
    /// each other.
    pub(super) fn close(self, base: i32) -> Vec<i32> {
        let mut notes: Vec<i32> =
            self.intervals.iter().map(|interval| base + (self.root + interval - base).rem_euclid(12)).collect();
        notes.sort_unstable();
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chord_names_are_parsed() {
        assert_eq!(Chord::parse("C").unwrap().rooted(60), [60, 64, 67]);
        assert_eq!(Chord::parse("F#m7").unwrap().rooted(48), [54, 57, 61, 64]);
        assert_eq!(Chord::parse("Bb").unwrap().close(60), [62, 65, 70]);
        assert_eq!(Chord::parse("Am").unwrap().transpose(3).rooted(60), [60, 63, 67]);
        assert_eq!(Chord::parse("H"), None);
        assert_eq!(Chord::parse("Cfoo"), None);
        assert_eq!(Chord::parse(""), None);
    }

    #[test]
    fn a_ladder_holds_only_notes_of_the_scale() {
        assert_eq!(Scale::Hirajoshi.ladder(2, 60, 75), [62, 64, 65, 69, 70, 74]);
        assert_eq!(Scale::Major.ladder(0, 60, 72), [60, 62, 64, 65, 67, 69, 71, 72]);
    }
}
