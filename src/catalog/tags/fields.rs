//! Maps the texts and pictures of all tag formats to one set of fields, in the order of the file.
//!
//! `lofty` has a common `Tag` too, but its conversion reorders values (0.25.5: `Tag::take_filter` swaps items), and the
//! order matters: the first of several titles is used, and artists are shown in their order.

use lofty::{
    ape::ApeTag,
    id3::v2::{Frame, Id3v2Tag},
    ogg::{OggPictureStorage, tag::VorbisComments},
    picture::Picture,
    tag::{ItemKey, Tag},
};

/// The meaning of a text in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    Artist,
    Artists,
    Album,
    AlbumArtist,
    AlbumArtists,
    Disc,
    Discs,
    Track,
    Tracks,
    Date,
    ReleaseDate,
    OriginalDate,
    Genre,
    Compilation,
    Release,
    TrackGain,
    TrackPeak,
    AlbumGain,
    AlbumPeak,
    TrackR128,
    AlbumR128,
}

use Field as F;

/// The field of a key, compared in upper case. One table for ID3v2.4 frames, `TXXX` descriptions, Vorbis comments and
/// APE keys, because no key has different meanings in two formats. Sources: the ID3v2.4 frame list (section 4) and the
/// field mappings of `MusicBrainz` Picard.
fn field(key: &str) -> Option<Field> {
    Some(match key.to_ascii_uppercase().as_str() {
        "TIT2" | "TITLE" => F::Title,
        "TPE1" | "ARTIST" => F::Artist,
        "ARTISTS" => F::Artists,
        "TALB" | "ALBUM" => F::Album,
        "TPE2" | "ALBUMARTIST" | "ALBUM ARTIST" | "ALBUM_ARTIST" => F::AlbumArtist,
        "ALBUMARTISTS" | "ALBUM ARTISTS" | "ALBUM_ARTISTS" => F::AlbumArtists,
        "TPOS" | "DISCNUMBER" | "DISC" => F::Disc,
        "DISCTOTAL" | "TOTALDISCS" | "DISCC" => F::Discs,
        "TRCK" | "TRACKNUMBER" | "TRACK" => F::Track,
        "TRACKTOTAL" | "TOTALTRACKS" | "TRACKC" => F::Tracks,
        "TDRC" | "TYER" | "DATE" | "YEAR" => F::Date,
        "TDRL" | "RELEASEDATE" => F::ReleaseDate,
        "TDOR" | "TORY" | "ORIGINALDATE" | "ORIGINALYEAR" => F::OriginalDate,
        "TCON" | "GENRE" => F::Genre,
        "TCMP" | "COMPILATION" => F::Compilation,
        "MUSICBRAINZ_ALBUMID" | "MUSICBRAINZ ALBUM ID" => F::Release,
        "REPLAYGAIN_TRACK_GAIN" => F::TrackGain,
        "REPLAYGAIN_TRACK_PEAK" => F::TrackPeak,
        "REPLAYGAIN_ALBUM_GAIN" => F::AlbumGain,
        "REPLAYGAIN_ALBUM_PEAK" => F::AlbumPeak,
        "R128_TRACK_GAIN" => F::TrackR128,
        "R128_ALBUM_GAIN" => F::AlbumR128,
        _ => return None,
    })
}

/// The field of a key of `lofty`'s common tag, which is used for formats where its conversion keeps the order.
const fn common_field(key: ItemKey) -> Option<Field> {
    Some(match key {
        ItemKey::TrackTitle => F::Title,
        ItemKey::TrackArtist => F::Artist,
        ItemKey::TrackArtists => F::Artists,
        ItemKey::AlbumTitle => F::Album,
        ItemKey::AlbumArtist => F::AlbumArtist,
        ItemKey::AlbumArtists => F::AlbumArtists,
        ItemKey::DiscNumber => F::Disc,
        ItemKey::DiscTotal => F::Discs,
        ItemKey::TrackNumber => F::Track,
        ItemKey::TrackTotal => F::Tracks,
        ItemKey::RecordingDate | ItemKey::Year => F::Date,
        ItemKey::ReleaseDate => F::ReleaseDate,
        ItemKey::OriginalReleaseDate => F::OriginalDate,
        ItemKey::Genre => F::Genre,
        ItemKey::FlagCompilation => F::Compilation,
        ItemKey::MusicBrainzReleaseId => F::Release,
        ItemKey::ReplayGainTrackGain => F::TrackGain,
        ItemKey::ReplayGainTrackPeak => F::TrackPeak,
        ItemKey::ReplayGainAlbumGain => F::AlbumGain,
        ItemKey::ReplayGainAlbumPeak => F::AlbumPeak,
        _ => return None,
    })
}

/// Everything that was collected of one file, the most trusted tag first.
#[derive(Default)]
pub(super) struct TagFields {
    /// One list for each tag. When several tags have a field, the first tag's texts are used.
    tags: Vec<Vec<(Field, String)>>,
    pictures: Vec<Picture>,
}

impl TagFields {
    pub(super) fn add_vorbis(&mut self, tag: Option<&VorbisComments>) {
        let Some(tag) = tag else { return };
        self.tags.push(tag.items().filter_map(|(key, text)| Some((field(key)?, text.to_owned()))).collect());
        self.add_ogg_pictures(tag);
    }

    pub(super) fn add_ogg_pictures(&mut self, storage: &impl OggPictureStorage) {
        self.pictures.extend(storage.pictures().iter().map(|(picture, _)| picture.clone()));
    }

    pub(super) fn add_id3v2(&mut self, tag: Option<&Id3v2Tag>) {
        let Some(tag) = tag else { return };
        // `genres` also converts genre numbers to names.
        let mut texts: Vec<_> = tag.genres().into_iter().flatten().map(|genre| (F::Genre, genre.to_owned())).collect();
        for frame in tag {
            match frame {
                Frame::Text(text) if text.id().as_str() != "TCON" => {
                    texts.extend(field(frame.id().as_str()).map(|field| (field, text.value.to_string())));
                }
                Frame::Timestamp(time) => {
                    texts.extend(field(frame.id().as_str()).map(|field| (field, time.timestamp.to_string())));
                }
                Frame::UserText(text) => {
                    texts.extend(field(&text.description).map(|field| (field, text.content.to_string())));
                }
                Frame::Picture(picture) => self.pictures.push(picture.picture.clone().into_owned()),
                _ => {}
            }
        }
        self.tags.push(texts);
    }

    pub(super) fn add_ape(&mut self, tag: Option<&ApeTag>) {
        let Some(tag) = tag else { return };
        let items = tag.into_iter().filter_map(|item| Some((field(item.key())?, item.text_values()?)));
        self.tags.push(items.flat_map(|(field, texts)| texts.map(move |text| (field, text.to_owned()))).collect());
        self.pictures.extend(Tag::from(tag.clone()).pictures().iter().cloned());
    }

    pub(super) fn add_common<T: Clone>(&mut self, tag: Option<&T>)
    where
        Tag: From<T>,
    {
        let Some(tag) = tag else { return };
        let tag = Tag::from(tag.clone());
        let texts = tag.items().filter_map(|item| Some((common_field(item.key())?, item.value().text()?.to_owned())));
        self.tags.push(texts.collect());
        self.pictures.extend(tag.pictures().iter().cloned());
    }

    /// The first text of `field`, over all tags, that `parse` accepts.
    pub(super) fn first<T>(&self, field: Field, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.tags.iter().flat_map(|tag| texts(tag, field)).flat_map(|text| text.split('\0')).find_map(parse)
    }

    /// All texts of the first of `fields` that has any, from the first tag that has any.
    pub(super) fn all(&self, fields: &[Field], clean: impl Fn(Vec<&str>) -> Vec<String>) -> Vec<String> {
        let lists = self.tags.iter().flat_map(|tag| fields.iter().map(|field| texts(tag, *field).collect()));
        lists.map(clean).find(|values| !values.is_empty()).unwrap_or_default()
    }

    /// All pictures, in order.
    pub(super) fn pictures(&self) -> &[Picture] {
        &self.pictures
    }
}

fn texts(tag: &[(Field, String)], field: Field) -> impl Iterator<Item = &str> {
    tag.iter().filter(move |(found, _)| *found == field).map(|(_, text)| text.as_str())
}
