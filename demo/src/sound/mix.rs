//! Renders a score: its notes, panning, reverberation and echo, scaled to a given loudness without clipping.

use std::collections::HashMap;

use super::super::number::{frames, real, single, whole};
use super::super::random::Random;
use super::loudness::loudness_lufs;
use super::room::{Room, echo};
use super::voice::Voice;

/// One note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Note {
    /// When it starts, in seconds from the beginning of the piece.
    pub(crate) start_s: f64,
    /// Seconds it is held; the release after that depends on the instrument.
    pub(crate) length_s: f32,
    /// Pitch as a MIDI note number (69 is A at 440 Hz); fractions are allowed, 0.01 is a cent.
    pub(crate) pitch: f32,
    /// Peak of the note before the piece is scaled to its loudness.
    pub(crate) gain: f32,
    /// Position from left (-1) to right (1).
    pub(crate) pan: f32,
    /// The instrument.
    pub(crate) voice: Voice,
}

/// The reverberation and the echo of a piece.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Space {
    /// Level of the reverberation, 0 to 1.
    pub(crate) room: f32,
    /// Seconds in which the reverberation decays by 60 dB.
    pub(crate) fade_s: f32,
    /// How much faster high frequencies decay, 0 to 1.
    pub(crate) dark: f32,
    /// Level of the echo, 0 for none.
    pub(crate) echo: f32,
    /// Seconds between echoes.
    pub(crate) echo_s: f64,
}

/// A whole piece, ready to be rendered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Score {
    /// The notes, in any order.
    pub(crate) notes: Vec<Note>,
    /// Length of the piece with its last echo, in seconds; the last 2 s are faded out.
    pub(crate) length_s: f64,
    /// Reverberation and echo.
    pub(crate) space: Space,
    /// Loudness of the result in LUFS.
    pub(crate) loudness_lufs: f32,
}

/// Left and right samples of -1 to 1, equally long.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stereo {
    pub(crate) left: Vec<f32>,
    pub(crate) right: Vec<f32>,
}

/// Seconds of the fade at the end.
const FADE_OUT_S: f64 = 2.0;
/// The cache of rendered notes is emptied beyond this many samples (32 MB).
const KEPT_SAMPLES: usize = 8_000_000;

/// Renders `score` at `rate` frames per second. The same score gives the same samples.
pub(crate) fn render(score: &Score, rate: u32) -> Stereo {
    let total = frames(score.length_s, rate);
    let mut stereo = Stereo { left: vec![0.0; total], right: vec![0.0; total] };
    let mut send = vec![0.0; total];
    let mut notes = Notes { rate, kept: HashMap::new(), samples: 0 };
    for note in &score.notes {
        let start = frames(note.start_s, rate).min(total);
        let samples = notes.get(note);
        // Equal-power panning: a note is as loud at the side as in the middle.
        let angle = (note.pan.clamp(-1.0, 1.0) + 1.0) * std::f32::consts::FRAC_PI_4;
        let (right_gain, left_gain) = (note.gain * angle.sin(), note.gain * angle.cos());
        let room_gain = note.gain * note.voice.room() * score.space.room;
        let places = stereo.left.iter_mut().zip(&mut stereo.right).zip(&mut send).skip(start);
        for (((left, right), send), sample) in places.zip(samples) {
            *left += sample * left_gain;
            *right += sample * right_gain;
            *send += sample * room_gain;
        }
    }
    drop(notes);
    if score.space.echo > 0.0 {
        echo(&send, score.space.echo_s, score.space.echo, rate, &mut stereo.left, &mut stereo.right);
    }
    Room::new(score.space.fade_s, score.space.dark, rate).apply(&send, &mut stereo.left, &mut stereo.right);
    master(&mut stereo, score.loudness_lufs, rate);
    stereo
}

/// Scales a piece to its loudness, compresses peaks that would clip, and fades out the end.
fn master(stereo: &mut Stereo, target_lufs: f32, rate: u32) {
    let gain = 10.0_f32.powf((target_lufs - loudness_lufs(&[&stereo.left, &stereo.right], rate)) / 20.0);
    let fade = frames(FADE_OUT_S, rate).min(stereo.left.len());
    for channel in [&mut stereo.left, &mut stereo.right] {
        for sample in channel.iter_mut() {
            *sample = round_off(*sample * gain);
        }
        for (index, sample) in channel.iter_mut().rev().take(fade).enumerate() {
            let rest = real(index) / real(fade);
            *sample *= rest * rest * (3.0 - 2.0 * rest);
        }
    }
}

/// A soft clipper: quiet samples are unchanged, loud ones approach 0.97 and never reach it.
fn round_off(sample: f32) -> f32 {
    const KNEE: f32 = 0.75;
    const SPACE: f32 = 0.22;
    let over = sample.abs() - KNEE;
    if over <= 0.0 { sample } else { (KNEE + SPACE * (over / SPACE).tanh()).copysign(sample) }
}

/// The cache of rendered notes; music repeats itself, so most notes are found in it.
struct Notes {
    rate: u32,
    kept: HashMap<(Voice, i32, i32), Vec<f32>>,
    samples: usize,
}

impl Notes {
    fn get(&mut self, note: &Note) -> &[f32] {
        let cents = whole(note.pitch * 100.0);
        let length_ms = whole(note.length_s * 1000.0);
        if self.samples > KEPT_SAMPLES {
            self.kept.clear();
            self.samples = 0;
        }
        self.kept.entry((note.voice, cents, length_ms)).or_insert_with(|| {
            // The noise in a note depends only on the note, so that emptying the cache does not change the result.
            let seed = u64::from(cents.unsigned_abs()) << 32 | u64::from(length_ms.unsigned_abs());
            let pitch_hz = 440.0 * ((single(f64::from(cents)) / 100.0 - 69.0) / 12.0).exp2();
            let held_s = single(f64::from(length_ms)) / 1000.0;
            let samples = note.voice.render(pitch_hz, held_s, self.rate, &mut Random::new(seed));
            self.samples += samples.len();
            samples
        })
    }
}
