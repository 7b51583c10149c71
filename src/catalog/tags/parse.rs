//! Calls the parser of a file's format and collects its results.

use super::{audio, fields::TagFields, length, silence};
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

/// Parses the content of `reader`, from its start, as a `file_type`.
///
/// # Errors
/// Those of `lofty`.
pub(super) fn parse<R: BufRead + Seek>(
    file_type: FileType,
    reader: &mut R,
    options: ParseOptions,
) -> Result<(TagFields, AudioProperties), FileParseError> {
    // `lofty` reads the tags of these from a header that it knows.
    let header = match file_type {
        FileType::Flac => length::flac_header(reader)?,
        FileType::Wav => length::plain_header(reader)?,
        _ => None,
    };
    reader.rewind()?;
    let is_ogg = header.is_some() && file_type == FileType::Flac;
    let (fields, found) = match header {
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
        _ => return Ok((fields, found)),
    };
    let size = reader.seek(SeekFrom::End(0))?;
    Ok((fields, audio::with(found, measured, size)))
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
) -> Result<(TagFields, AudioProperties), FileParseError> {
    let mut fields = TagFields::default();
    // The tag format that the file format's specification prescribes comes first; ID3v1, which cuts texts at 30
    // characters, comes last.
    macro_rules! collect {
        ($kind:ty: $($add:ident($get:ident)),+) => {{
            let file = <$kind>::read_from(reader, options)?;
            $(fields.$add(file.$get());)+
            FileProperties::from(file.properties().to_owned())
        }};
    }
    let properties = match file_type {
        FileType::Flac => {
            let file = FlacFile::read_from(reader, options)?;
            fields.add_vorbis(file.vorbis_comments());
            fields.add_ogg_pictures(&file);
            fields.add_id3v2(file.id3v2());
            FileProperties::from(file.properties().to_owned())
        }
        FileType::Mp4 => {
            let file = Mp4File::read_from(reader, options)?;
            fields.add_common(file.ilst());
            FileProperties::from(file.properties().clone())
        }
        FileType::Vorbis => {
            let file = VorbisFile::read_from(reader, options)?;
            fields.add_vorbis(Some(file.vorbis_comments()));
            FileProperties::from(file.properties().to_owned())
        }
        FileType::Opus => {
            let file = OpusFile::read_from(reader, options)?;
            fields.add_vorbis(Some(file.vorbis_comments()));
            FileProperties::from(file.properties().to_owned())
        }
        FileType::Speex => {
            let file = SpeexFile::read_from(reader, options)?;
            fields.add_vorbis(Some(file.vorbis_comments()));
            FileProperties::from(file.properties().to_owned())
        }
        FileType::Mpeg => {
            let properties = collect!(MpegFile: add_id3v2(id3v2), add_ape(ape), add_common(id3v1));
            let whole = audio::of(file_type, &properties);
            return Ok((fields, audio::without(whole, silence::samples(reader)?)));
        }
        FileType::Aac => collect!(AacFile: add_id3v2(id3v2), add_common(id3v1)),
        FileType::Ape => collect!(ApeFile: add_ape(ape), add_id3v2(id3v2), add_common(id3v1)),
        FileType::Mpc => collect!(MpcFile: add_ape(ape), add_id3v2(id3v2), add_common(id3v1)),
        FileType::WavPack => collect!(WavPackFile: add_ape(ape), add_common(id3v1)),
        FileType::Wav => collect!(WavFile: add_id3v2(id3v2), add_common(riff_info)),
        FileType::Aiff => collect!(AiffFile: add_id3v2(id3v2), add_common(text_chunks)),
        _ => Probe::with_file_type(reader, file_type).options(options).read()?.properties().clone(),
    };
    Ok((fields, audio::of(file_type, &properties)))
}
