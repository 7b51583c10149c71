//! Calls the parser of a file's format for the properties of its audio.

use super::{audio, length, silence};
use crate::values::audio::AudioProperties;
use lofty::{
    aac::AacFile,
    ape::ApeFile,
    config::ParseOptions,
    error::FileParseError,
    file::{AudioFile, FileType},
    flac::FlacFile,
    iff::{aiff::AiffFile, wav::WavFile},
    mp4::Mp4File,
    mpeg::MpegFile,
    musepack::MpcFile,
    ogg::{OpusFile, SpeexFile, VorbisFile},
    probe::Probe,
    properties::FileProperties,
    wavpack::WavPackFile,
};
use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

/// The properties of the audio of `reader`, which begins with it, as a `file_type`.
///
/// # Errors
/// Those of `lofty`.
pub(super) fn parse<R: BufRead + Seek>(
    file_type: FileType,
    reader: &mut R,
    options: ParseOptions,
) -> Result<AudioProperties, FileParseError> {
    // `lofty` does not read these headers, and gets one that it reads.
    let header = match file_type {
        FileType::Flac => length::flac_header(reader)?,
        FileType::Wav => length::plain_header(reader)?,
        FileType::Aiff => length::plain_aiff(reader)?,
        _ => None,
    };
    reader.rewind()?;
    let is_ogg = header.is_some() && file_type == FileType::Flac;
    let found = match header {
        Some(header) => parse_plain(file_type, &mut Cursor::new(header), options)?,
        None => parse_plain(file_type, reader, options)?,
    };
    let measured = match file_type {
        FileType::Flac if is_ogg => length::Measured { container: Some("ogg"), ..length::of_ogg(reader)? },
        FileType::Flac => length::of_flac(reader)?,
        FileType::Vorbis | FileType::Opus | FileType::Speex => length::of_ogg(reader)?,
        FileType::Mp4 => length::of_mp4(reader)?,
        FileType::Aac => length::of_adts(reader)?,
        FileType::Wav => length::of_wav(reader)?,
        FileType::Aiff => length::of_aiff(reader)?,
        FileType::Mpeg => length::of_mpeg(reader)?,
        FileType::WavPack => length::of_wavpack(reader, &found)?,
        _ => return Ok(found),
    };
    let size = reader.seek(SeekFrom::End(0))?;
    Ok(audio::with(found, measured, size))
}

/// The type of a file that `lofty` does not recognise: RF64 and BW64, Ogg FLAC.
///
/// # Errors
/// Those of reading.
pub(super) fn unrecognised(reader: &mut (impl Read + Seek)) -> io::Result<Option<FileType>> {
    let mut start = Vec::new();
    reader.rewind()?;
    reader.by_ref().take(64).read_to_end(&mut start)?;
    reader.rewind()?;
    let is_ogg_flac = start.starts_with(b"OggS") && start.get(28..33) == Some(b"\x7fFLAC");
    Ok(match start.get(..4) {
        Some(b"RF64" | b"BW64") => Some(FileType::Wav),
        _ => is_ogg_flac.then_some(FileType::Flac),
    })
}

fn parse_plain<R: Read + Seek>(
    file_type: FileType,
    reader: &mut R,
    options: ParseOptions,
) -> Result<AudioProperties, FileParseError> {
    let options = { options }.read_tags(false).read_cover_art(false);
    macro_rules! properties {
        ($kind:ty) => {
            FileProperties::from(<$kind>::read_from(reader, options)?.properties().to_owned())
        };
    }
    let properties = match file_type {
        FileType::Flac => properties!(FlacFile),
        FileType::Mp4 => {
            let file = Mp4File::read_from(reader, options)?;
            FileProperties::from(file.properties().clone())
        }
        FileType::Vorbis => properties!(VorbisFile),
        FileType::Opus => properties!(OpusFile),
        FileType::Speex => properties!(SpeexFile),
        FileType::Mpeg => {
            let whole = audio::of(file_type, &properties!(MpegFile));
            return Ok(audio::without(whole, silence::samples(reader)?));
        }
        FileType::Aac => properties!(AacFile),
        FileType::Ape => properties!(ApeFile),
        FileType::Mpc => properties!(MpcFile),
        FileType::WavPack => properties!(WavPackFile),
        FileType::Wav => properties!(WavFile),
        FileType::Aiff => properties!(AiffFile),
        _ => Probe::with_file_type(reader, file_type).options(options).read()?.properties().clone(),
    };
    Ok(audio::of(file_type, &properties))
}
