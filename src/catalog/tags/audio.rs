//! Properties of the audio of a file: container, codec, duration, rates.

use super::length::Measured;
use crate::values::audio::AudioProperties;
use lofty::{file::FileType, properties::FileProperties};

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

/// The same with what was measured; `size` is that of the file in bytes.
pub(super) fn with(audio: AudioProperties, measured: Measured, size: u64) -> AudioProperties {
    let duration_ms = measured.duration_ms.filter(|ms| u128::from(*ms) <= MAX_DURATION_MS).unwrap_or(audio.duration_ms);
    // A bit rate that was computed from another length is wrong.
    let is_close = duration_ms.abs_diff(audio.duration_ms) <= duration_ms / 16;
    let of_size = || size.checked_mul(8)?.checked_div(duration_ms).and_then(|kbps| u32::try_from(kbps).ok());
    let bit_rate_kbps = audio.bit_rate_kbps.filter(|_| is_close).or_else(of_size);
    AudioProperties {
        container: measured.container.unwrap_or(audio.container),
        codec: measured.codec.unwrap_or(audio.codec),
        duration_ms,
        channels: measured.channels.filter(|channels| *channels <= MAX_CHANNELS).or(audio.channels),
        bit_rate_kbps: bit_rate_kbps.filter(|rate| (1..=MAX_BIT_RATE_KBPS).contains(rate)),
        ..audio
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
    fn what_was_measured_replaces_what_was_found() {
        let found = AudioProperties { duration_ms: 10, channels: Some(7), bit_rate_kbps: Some(9), ..of_nothing() };
        let measured = Measured { duration_ms: Some(2_000), channels: Some(8), codec: Some("opus"), container: None };
        let audio = with(found, measured, 32_000);
        assert_eq!((audio.duration_ms, audio.channels, audio.codec), (2_000, Some(8), "opus"));
        assert_eq!(audio.bit_rate_kbps, Some(128));
        assert_eq!(with(found, Measured::default(), 1), found);
    }

    fn of_nothing() -> AudioProperties {
        AudioProperties { container: "mp3", codec: "mp3", ..AudioProperties::default() }
    }

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
