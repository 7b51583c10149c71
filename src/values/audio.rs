//! Properties of a track's audio.

/// Properties of the audio. Absent and impossible values are `None`; an unknown duration is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AudioProperties {
    /// File format: `mp3`, `flac`, `ogg`, `m4a`, `wav`, `aiff`, …; also the usual file extension.
    pub container: &'static str,
    /// Coding of the samples: `mp3`, `flac`, `vorbis`, `opus`, `aac`, `alac`, `pcm`, ….
    pub codec: &'static str,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Samples per second and channel.
    pub sample_rate_hz: Option<u32>,
    /// Number of channels.
    pub channels: Option<u8>,
    /// Bits per sample.
    pub bit_depth: Option<u8>,
    /// Average bit rate in kbit/s.
    pub bit_rate_kbps: Option<u32>,
}

/// ReplayGain of a track: gains in dB, and peaks as the highest absolute sample (1.0 is full scale).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gain {
    /// Gain when the track is played by itself, in dB.
    pub track_db: Option<f64>,
    /// Peak of the track.
    pub track_peak: Option<f64>,
    /// Gain when the whole album is played, in dB.
    pub album_db: Option<f64>,
    /// Peak of the album.
    pub album_peak: Option<f64>,
}
