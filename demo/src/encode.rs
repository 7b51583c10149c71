//! From samples to the bytes of a tagged audio file.

use std::io::Cursor;

use flacenc::component::BitRepr as _;
use flacenc::error::Verify as _;
use lofty::config::WriteOptions;
use lofty::picture::{MimeType, Picture, PictureType};
use lofty::tag::{ItemKey, ItemValue, Tag, TagExt as _, TagItem, TagType};

use super::library::{DemoAlbum, DemoTrack, Format};
use super::number::whole;
use super::sound::{Stereo, loudness_lufs};

/// Why a track could not be encoded: the error of the encoder or of the tag library.
pub(super) type EncodeError = Box<dyn std::error::Error + Send + Sync>;

/// The reference loudness of ReplayGain 2.0.
const REPLAY_GAIN_LUFS: f32 = -18.0;

/// The bytes of `track`'s file, tags and, in FLAC, the cover included. The same sound gives the same bytes.
///
/// # Errors
/// When the encoder or the tag library returns an error.
pub(super) fn encode(
    album: &DemoAlbum,
    track: &DemoTrack,
    sound: &Stereo,
    cover: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    let samples = interleave(sound, track.channels);
    let (bytes, kind) = match album.format {
        Format::Flac => (flac(&samples, track)?, TagType::VorbisComments),
        Format::Wav => (wav(&samples, track)?, TagType::Id3v2),
    };
    let mut tag = Tag::new(kind);
    for (key, value) in items(album, track, sound) {
        tag.push(TagItem::new(key, ItemValue::Text(value)));
    }
    if album.format == Format::Flac {
        let picture = Picture::unchecked(cover.to_vec()).pic_type(PictureType::CoverFront).mime_type(MimeType::Jpeg);
        tag.push_picture(picture.build());
    }
    let mut file = Cursor::new(bytes);
    tag.save_to(&mut file, WriteOptions::default())?;
    Ok(file.into_inner())
}

/// All tags of the file.
fn items(album: &DemoAlbum, track: &DemoTrack, sound: &Stereo) -> Vec<(ItemKey, String)> {
    let on_disc = album.tracks.iter().filter(|other| other.disc == track.disc).count();
    let discs = album.tracks.iter().map(|other| other.disc).max().unwrap_or(1);
    let loudness = loudness_lufs(&[&sound.left, &sound.right], track.rate);
    let peak = sound.left.iter().chain(&sound.right).fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let mut items = vec![
        (ItemKey::TrackTitle, track.title.to_owned()),
        (ItemKey::AlbumTitle, album.title.to_owned()),
        (ItemKey::AlbumArtist, album.artist.to_owned()),
        (ItemKey::Genre, album.genre.to_owned()),
        (ItemKey::RecordingDate, album.year.to_string()),
        (ItemKey::TrackNumber, track.number.to_string()),
        (ItemKey::TrackTotal, on_disc.to_string()),
        (ItemKey::DiscNumber, track.disc.to_string()),
        (ItemKey::DiscTotal, discs.to_string()),
        (ItemKey::ReplayGainTrackGain, format!("{:+.2} dB", REPLAY_GAIN_LUFS - loudness)),
        (ItemKey::ReplayGainTrackPeak, format!("{peak:.6}")),
    ];
    items.extend(track.artists.iter().map(|artist| (ItemKey::TrackArtist, (*artist).to_owned())));
    if album.compilation {
        items.push((ItemKey::FlagCompilation, "1".to_owned()));
    }
    items
}

/// 16-bit samples, channels interleaved.
fn interleave(sound: &Stereo, channels: u16) -> Vec<i32> {
    let frames = sound.left.iter().zip(&sound.right);
    if channels == 1 {
        frames.map(|(left, right)| whole((left + right) * 0.5 * 32_767.0)).collect()
    } else {
        frames.flat_map(|(left, right)| [whole(left * 32_767.0), whole(right * 32_767.0)]).collect()
    }
}

fn flac(samples: &[i32], track: &DemoTrack) -> Result<Vec<u8>, EncodeError> {
    let mut config = flacenc::config::Encoder::default();
    // `make` encodes several tracks in parallel, so one track needs no threads of its own. Fixed predictors are five
    // times as fast as linear prediction and make the file one seventh larger.
    config.multithread = false;
    config.subframe_coding.use_lpc = false;
    let block_size = config.block_size;
    let config = config.into_verified().map_err(|(_, error)| error.to_string())?;
    let rate = usize::try_from(track.rate)?;
    let source = flacenc::source::MemSource::from_samples(samples, usize::from(track.channels), 16, rate);
    let stream =
        flacenc::encode_with_fixed_block_size(&config, source, block_size).map_err(|error| error.to_string())?;
    let mut sink = flacenc::bitsink::ByteSink::new();
    stream.write(&mut sink).map_err(|error| error.to_string())?;
    Ok(sink.into_inner())
}

fn wav(samples: &[i32], track: &DemoTrack) -> Result<Vec<u8>, EncodeError> {
    let spec = hound::WavSpec {
        channels: track.channels,
        sample_rate: track.rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for &sample in samples {
        writer.write_sample(sample)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}
