//! Properties of the audio of a file: container, codec, duration, rates.

use crate::values::audio::AudioProperties;
use lofty::{
    file::FileType,
    mp4::{Mp4Codec, Mp4Properties},
    properties::FileProperties,
};

/// Longer durations are taken for errors: one week.
const MAX_DURATION_MS: u128 = 7 * 24 * 3600 * 1000;
/// Higher sample rates in Hz are taken for errors: DSD1024 has the highest that is in use.
const MAX_SAMPLE_RATE_HZ: u32 = 45_158_400;
/// Higher bit rates in kbit/s are taken for errors: 32 channels of 768 kHz and 32 bits have less.
const MAX_BIT_RATE_KBPS: u32 = 1_000_000;
/// Higher numbers of channels are taken for errors.
const MAX_CHANNELS: u8 = 64;

/// The properties that `lofty` found; impossible values are absent.
pub(super) fn of(file_type: FileType, properties: &FileProperties) -> AudioProperties {
    let (container, codec) = names(file_type);
    let duration_ms = properties.duration().as_millis();
    AudioProperties {
        container,
        codec,
        duration_ms: if duration_ms <= MAX_DURATION_MS { u64::try_from(duration_ms).unwrap_or(0) } else { 0 },
        sample_rate_hz: properties.sample_rate().filter(|rate| (1..=MAX_SAMPLE_RATE_HZ).contains(rate)),
        channels: properties.channels().filter(|channels| (1..=MAX_CHANNELS).contains(channels)),
        bit_depth: properties.bit_depth().filter(|bits| (1..=64).contains(bits)),
        bit_rate_kbps: properties
            .audio_bitrate()
            .or(properties.overall_bitrate())
            .filter(|rate| (1..=MAX_BIT_RATE_KBPS).contains(rate)),
    }
}

/// The same with the duration reduced by this many samples; unchanged when the duration would become 0.
pub(super) fn without(audio: AudioProperties, samples: u32) -> AudioProperties {
    let silence_ms = audio.sample_rate_hz.and_then(|rate| (u64::from(samples) * 1_000).checked_div(u64::from(rate)));
    match audio.duration_ms.checked_sub(silence_ms.unwrap_or(0)) {
        Some(duration_ms) if duration_ms > 0 => AudioProperties { duration_ms, ..audio },
        _ => audio,
    }
}

/// The codec within an MP4 file.
pub(super) fn mp4_codec(properties: &Mp4Properties) -> &'static str {
    match properties.codec() {
        Some(Mp4Codec::ALAC) => "alac",
        Some(Mp4Codec::FLAC) => "flac",
        Some(Mp4Codec::MP3) => "mp3",
        _ => "aac",
    }
}

/// Container and codec of a file type of `lofty`.
const fn names(file_type: FileType) -> (&'static str, &'static str) {
    match file_type {
        FileType::Aac => ("aac", "aac"),
        FileType::Aiff => ("aiff", "pcm"),
        FileType::Ape => ("ape", "ape"),
        FileType::Flac => ("flac", "flac"),
        FileType::Mpeg => ("mp3", "mp3"),
        FileType::Mp4 => ("m4a", "aac"),
        FileType::Mpc => ("mpc", "musepack"),
        FileType::Opus => ("opus", "opus"),
        FileType::Vorbis => ("ogg", "vorbis"),
        FileType::Speex => ("spx", "speex"),
        FileType::Wav => ("wav", "pcm"),
        FileType::WavPack => ("wv", "wavpack"),
        _ => ("bin", "unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn impossible_properties_are_absent() {
        let properties = FileProperties::new(
            Duration::from_secs(10_000_000),
            Some(4_000_000_000),
            None,
            Some(0),
            None,
            Some(0),
            None,
        );
        assert_eq!(
            of(FileType::Mpeg, &properties),
            AudioProperties { container: "mp3", codec: "mp3", ..AudioProperties::default() }
        );
    }
}
