//! Silent audio files.

use std::path::Path;

/// Writes a WAV file of silence: 8 kHz, 8 bit, mono.
pub(crate) fn silence(path: &Path, length_s: u32) {
    let format =
        hound::WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 8, sample_format: hound::SampleFormat::Int };
    let mut file = hound::WavWriter::create(path, format).expect("a file");
    for _ in 0..length_s * 8_000 {
        file.write_sample(0).expect("a sample");
    }
    file.finalize().expect("a whole file");
}
