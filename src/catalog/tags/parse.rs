//! Calls the parser of a file's format and collects its results.

use super::{audio, fields::TagFields, silence};
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
use std::io::{Read, Seek};

/// Parses the content of `reader`, from its start, as a `file_type`.
///
/// # Errors
/// Those of `lofty`.
pub(super) fn parse<R: Read + Seek>(
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
            let properties = file.properties().clone();
            let codec = audio::mp4_codec(&properties);
            return Ok((fields, AudioProperties { codec, ..audio::of(file_type, &FileProperties::from(properties)) }));
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
