//! The list of all instruments.

use super::super::random::Random;
use super::drum;
use super::held::{self, Held};
use super::pluck::{Tone, pluck};
use super::struck;

/// An instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Voice {
    Nylon,
    Steel,
    Koto,
    Oud,
    Harpsichord,
    Harp,
    PluckedBass,
    Piano,
    ElectricPiano,
    Marimba,
    MusicBox,
    Bell,
    Glass,
    Pad,
    Choir,
    Strings,
    Organ,
    Accordion,
    Flute,
    Clarinet,
    Lead,
    Square,
    Pulse,
    Triangle,
    RoundBass,
    SawBass,
    Kick,
    SoftKick,
    Snare,
    Brush,
    Hat,
    OpenHat,
    Clap,
    Shaker,
    Rim,
    Dum,
    Tek,
    Taiko,
}

impl Voice {
    /// One note at `pitch_hz` (drums ignore it), released after `length_s`; its peak is 1. `rate` in frames per second.
    pub(crate) fn render(self, pitch_hz: f32, length_s: f32, rate: u32, random: &mut Random) -> Vec<f32> {
        let held = Held { pitch_hz, length_s, rate };
        let mut note = match self {
            Self::Nylon | Self::Steel | Self::Koto | Self::Oud | Self::Harpsichord | Self::Harp | Self::PluckedBass => {
                pluck(self.tone(), pitch_hz, length_s, rate, random)
            }
            Self::Piano => struck::piano(pitch_hz, length_s, rate, random),
            Self::ElectricPiano => struck::electric_piano(pitch_hz, length_s, rate),
            Self::Marimba => struck::marimba(pitch_hz, rate),
            Self::MusicBox => struck::music_box(pitch_hz, rate),
            Self::Bell => struck::bell(pitch_hz, rate),
            Self::Glass => struck::glass(pitch_hz, rate),
            Self::Pad => held::pad(held),
            Self::Choir => held::choir(held, random),
            Self::Strings => held::strings(held, random),
            Self::Organ => held::organ(held, random),
            Self::Accordion => held::accordion(held),
            Self::Flute => held::flute(held, random),
            Self::Clarinet => held::clarinet(held, random),
            Self::Lead => held::lead(held),
            Self::Square => held::square(held, 0.5),
            Self::Pulse => held::square(held, 0.22),
            Self::Triangle => held::triangle(held),
            Self::RoundBass => held::round_bass(held),
            Self::SawBass => held::saw_bass(held),
            Self::Kick => drum::kick(rate, random),
            Self::SoftKick => drum::soft_kick(rate),
            Self::Snare => drum::snare(rate, random),
            Self::Brush => drum::brush(rate, random),
            Self::Hat => drum::hat(rate, 0.016, random),
            Self::OpenHat => drum::hat(rate, 0.09, random),
            Self::Clap => drum::clap(rate, random),
            Self::Shaker => drum::shaker(rate, random),
            Self::Rim => drum::rim(rate),
            Self::Dum => drum::dum(rate, random),
            Self::Tek => drum::tek(rate, random),
            Self::Taiko => drum::taiko(rate, random),
        };
        let peak = note.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        if peak > 0.0 {
            for sample in &mut note {
                *sample /= peak;
            }
        }
        note
    }

    /// The fraction of this instrument that is sent to the reverberation; low drums and basses get little, because
    /// reverberation of low frequencies makes the mix unclear.
    pub(crate) fn room(self) -> f32 {
        match self {
            Self::Kick | Self::SoftKick | Self::RoundBass | Self::SawBass | Self::PluckedBass | Self::Triangle => 0.05,
            Self::Hat | Self::OpenHat | Self::Shaker | Self::Dum | Self::Square | Self::Pulse => 0.4,
            Self::Flute | Self::Bell | Self::Glass | Self::Choir | Self::Pad => 1.3,
            _ => 1.0,
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Steel => Tone { dull: 0.25, soft: 0.25, ring_s: 3.5, place: 0.18, release_s: 0.15 },
            Self::Koto => Tone { dull: 0.18, soft: 0.15, ring_s: 2.6, place: 0.1, release_s: 0.9 },
            Self::Oud => Tone { dull: 0.42, soft: 0.35, ring_s: 1.4, place: 0.14, release_s: 0.12 },
            Self::Harpsichord => Tone { dull: 0.12, soft: 0.1, ring_s: 2.4, place: 0.12, release_s: 0.12 },
            Self::Harp => Tone { dull: 0.4, soft: 0.6, ring_s: 4.5, place: 0.4, release_s: 1.6 },
            Self::PluckedBass => Tone { dull: 0.48, soft: 0.6, ring_s: 2.2, place: 0.25, release_s: 0.1 },
            _ => Tone { dull: 0.45, soft: 0.5, ring_s: 2.8, place: 0.3, release_s: 0.2 },
        }
    }
}
