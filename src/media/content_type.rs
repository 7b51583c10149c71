//! The kinds of audio file: what each is called in HTTP and by what ending.

use std::fmt;

/// A container and codec that the server plays; the text of its `Display` is what the database stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioFormat {
    /// MPEG audio layer III.
    Mp3,
    /// Native FLAC.
    Flac,
    /// Vorbis in Ogg.
    Vorbis,
    /// Opus in Ogg.
    Opus,
    /// AAC in MPEG-4.
    Aac,
    /// AAC in bare ADTS frames.
    Adts,
    /// Apple Lossless in MPEG-4.
    Alac,
    /// RIFF WAVE.
    Wav,
    /// Apple's AIFF and AIFF-C.
    Aiff,
}

impl AudioFormat {
    /// Every format.
    pub const ALL: [Self; 9] =
        [Self::Mp3, Self::Flac, Self::Vorbis, Self::Opus, Self::Aac, Self::Adts, Self::Alac, Self::Wav, Self::Aiff];

    /// The name that the database and the API use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Vorbis => "vorbis",
            Self::Opus => "opus",
            Self::Aac => "aac",
            Self::Adts => "adts",
            Self::Alac => "alac",
            Self::Wav => "wav",
            Self::Aiff => "aiff",
        }
    }

    /// The format with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The value of `Content-Type`.
    ///
    /// Sources: RFC 3003 (`audio/mpeg`), RFC 9639 (`audio/flac`), RFC 5334 and RFC 7845 (`audio/ogg` and its codecs),
    /// RFC 4337 and RFC 6381 (`audio/mp4` and its codecs; `mp4a.40.2` is AAC-LC, which every HE-AAC decoder and stream
    /// also answers to), the IANA registry (`audio/aac`). `audio/wav` and `audio/aiff` are not registered; they are what browsers know (WHATWG MIME
    /// Sniffing, 6.2).
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::Flac => "audio/flac",
            Self::Vorbis => "audio/ogg; codecs=vorbis",
            Self::Opus => "audio/ogg; codecs=opus",
            Self::Aac => "audio/mp4; codecs=\"mp4a.40.2\"",
            Self::Adts => "audio/aac",
            Self::Alac => "audio/mp4; codecs=alac",
            Self::Wav => "audio/wav",
            Self::Aiff => "audio/aiff",
        }
    }

    /// The ending of media URLs, without a dot; Safari wants one that fits the type.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Flac => "flac",
            Self::Vorbis => "ogg",
            Self::Opus => "opus",
            Self::Aac | Self::Alac => "m4a",
            Self::Adts => "aac",
            Self::Wav => "wav",
            Self::Aiff => "aiff",
        }
    }
}

impl fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn every_format_has_its_type_and_ending() {
        let mut table = String::new();
        for format in AudioFormat::ALL {
            writeln!(table, "{format} .{} {}", format.extension(), format.content_type()).unwrap();
            assert_eq!(AudioFormat::from_name(format.name()), Some(format));
        }
        expect_test::expect![[r#"
            mp3 .mp3 audio/mpeg
            flac .flac audio/flac
            vorbis .ogg audio/ogg; codecs=vorbis
            opus .opus audio/ogg; codecs=opus
            aac .m4a audio/mp4; codecs="mp4a.40.2"
            adts .aac audio/aac
            alac .m4a audio/mp4; codecs=alac
            wav .wav audio/wav
            aiff .aiff audio/aiff
        "#]]
        .assert_eq(&table);
        assert_eq!(AudioFormat::from_name("exe"), None);
    }
}
