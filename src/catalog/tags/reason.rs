//! Why a file cannot be read, in a sentence for people.

use super::{Unreadable, patient::TOO_LONG, text};
use std::{error::Error, path::Path};

/// MPEG audio that is shorter than this has no two frames in a usual format, and a parser needs two.
const TWO_FRAMES: u64 = 1_024;
/// The first bytes of formats of audio that are not read, and what they are called.
const FOREIGN: [(&[u8], &str); 3] =
    [(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"), (b"\x1a\x45\xdf\xa3", "Matroska (MKA, WebM)"), (b"#!AMR", "AMR")];

/// What is known of a file whose audio no parser could read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Its path.
    pub(super) path: &'a Path,
    /// The first bytes of its audio.
    pub(super) start: &'a [u8],
    /// How long its audio is, in bytes.
    pub(super) length: u64,
    /// Whether the content is of a format that is read.
    pub(super) is_known: bool,
    /// Whether the content or the name is that of MPEG audio.
    pub(super) is_mpeg: bool,
}

impl Seen<'_> {
    /// The reason, where neither content nor name is of a format that is read.
    pub(super) fn is_foreign(self) -> Unreadable {
        match (self.foreign(), self.ending()) {
            (Some(format), _) => convert(format),
            (None, Some(ending)) => convert(&ending),
            (None, None) => Unreadable("no audio format that can be read".to_owned()),
        }
    }

    /// The reason, where the parser of the format gave this error.
    pub(super) fn failed(self, error: &(dyn Error + 'static)) -> Unreadable {
        let said = chain(error);
        // Trouble of the system is no trouble of the file.
        if said.contains("(os error ") || said.contains(TOO_LONG) {
            return Unreadable(said);
        }
        let ending = self.ending();
        if let Some(format) = self.foreign().filter(|_| !self.is_known) {
            return convert(format);
        }
        match ending {
            Some(ending) if self.is_mpeg && self.length < TWO_FRAMES => {
                Unreadable(format!("no {ending}: too short to be one"))
            }
            Some(ending) if !self.is_known => Unreadable(format!("no {ending} file, in spite of its name")),
            _ if said.ends_with("failed to fill whole buffer") => {
                Unreadable("cut off, or damaged: copy it again".to_owned())
            }
            _ => Unreadable(format!("cut off, or damaged: copy it again ({said})")),
        }
    }

    fn foreign(self) -> Option<&'static str> {
        FOREIGN.iter().find(|(mark, _)| self.start.starts_with(mark)).map(|(_, format)| *format)
    }

    /// The ending of the name, in upper case.
    fn ending(self) -> Option<String> {
        self.path.extension().and_then(|ending| text::clean(&ending.to_string_lossy().to_uppercase()))
    }
}

fn convert(format: &str) -> Unreadable {
    Unreadable(format!("{format} cannot be read; convert it, for example to FLAC"))
}

/// An error with all its causes in one line.
pub(super) fn because(error: &(dyn Error + 'static)) -> Unreadable {
    Unreadable(chain(error))
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.dedup();
    text::clean(&texts.join(": ")).unwrap_or_else(|| "unknown error".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use std::{fs, io::Cursor, time::Duration};

    /// A FLAC file without a block of audio: its header says 16-bit stereo with 44,100 samples a second.
    fn flac() -> Vec<u8> {
        let rate_and_more: u64 = (0xac44 << 44) | (1 << 41) | (15 << 36) | 0xac44;
        let mut info = vec![0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0];
        info.extend(rate_and_more.to_be_bytes());
        info.extend([0; 16]);
        [b"fLaC\x80\0\0\x22".to_vec(), info].concat()
    }

    fn wav() -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        (0..800_i16).for_each(|sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    /// The reason for which a file of this name and content cannot be read.
    fn reason(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let file = fs::File::open(&path).unwrap();
        read(&path, &file, Duration::from_mins(10)).map_or_else(|reason| reason.0, |reading| format!("{reading:?}"))
    }

    #[test]
    fn files_that_cannot_be_read_say_why_in_words() {
        let frame = [b"\xff\xfb\x90\x64".as_slice(), &[0; 96]].concat();
        let noise = [0x5a; 5_000];
        let asf = [b"\x30\x26\xb2\x75\x8e\x66\xcf\x11".as_slice(), &noise].concat();
        let matroska = [b"\x1a\x45\xdf\xa3".as_slice(), &noise].concat();
        let cut = "cut off, or damaged: copy it again";
        let cases: [(&str, &[u8], &str); 16] = [
            ("empty.ogg", b"", "the file is empty"),
            ("empty.wma", b"", "the file is empty"),
            ("short.mp3", &frame, "no MP3: too short to be one"),
            ("short.mp3", b"ID3\x03\0\0\0\0\0\0", "no MP3: too short to be one"),
            ("noise.flac", &noise, "no FLAC file, in spite of its name"),
            ("noise.m4a", &noise, "no M4A file, in spite of its name"),
            ("noise.mp3", &noise, "no MP3 file, in spite of its name"),
            ("text.flac", b"words", "no FLAC file, in spite of its name"),
            ("cut.flac", &flac()[..20], cut),
            ("cut.wav", &wav()[..30], cut),
            ("a.wma", &asf, "WMA cannot be read; convert it, for example to FLAC"),
            ("a.mp3", &asf, "WMA cannot be read; convert it, for example to FLAC"),
            ("a.mka", &matroska, "Matroska (MKA, WebM) cannot be read; convert it, for example to FLAC"),
            ("a.flac", &matroska, "Matroska (MKA, WebM) cannot be read; convert it, for example to FLAC"),
            ("a.dts", &noise, "DTS cannot be read; convert it, for example to FLAC"),
            ("a", &noise, "no audio format that can be read"),
        ];
        let told: Vec<_> = cases.iter().map(|(name, content, _)| (*name, reason(name, content))).collect();
        let expected: Vec<_> = cases.iter().map(|(name, _, reason)| (*name, (*reason).to_owned())).collect();
        assert_eq!(told, expected);
    }
}
