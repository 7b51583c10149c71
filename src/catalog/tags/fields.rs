//! Maps the texts and pictures of all tag formats to one set of fields, in the order of the file, and notes what a tag
//! has that could not be read.

use super::text;

/// The most losses of one file that are named; all are counted.
const MAX_LOSSES: usize = 20;

/// The most bytes of all texts of one file together.
const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;

/// The meaning of a text in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    TitleSort,
    Artist,
    Artists,
    ArtistSort,
    Album,
    AlbumSort,
    AlbumArtist,
    AlbumArtists,
    AlbumArtistSort,
    Composer,
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
    Explicit,
    TrackGain,
    TrackPeak,
    AlbumGain,
    AlbumPeak,
    TrackR128,
    AlbumR128,
}

use Field as F;

/// The field of a key, compared in upper case. One table for ID3v2.4 frames, `TXXX` descriptions, Vorbis comments, APE
/// keys, and the free keys of MP4, because no key has different meanings in two formats. Sources: the ID3v2.4 frame list
/// (section 4) and the field mappings of `MusicBrainz` Picard.
pub(super) fn field(key: &str) -> Option<Field> {
    Some(match key.to_ascii_uppercase().as_str() {
        "TIT2" | "TITLE" => F::Title,
        "TSOT" | "TITLESORT" => F::TitleSort,
        "TPE1" | "ARTIST" => F::Artist,
        "ARTISTS" => F::Artists,
        "TSOP" | "ARTISTSORT" => F::ArtistSort,
        "TALB" | "ALBUM" => F::Album,
        "TSOA" | "ALBUMSORT" => F::AlbumSort,
        "TPE2" | "ALBUMARTIST" | "ALBUM ARTIST" | "ALBUM_ARTIST" => F::AlbumArtist,
        "ALBUMARTISTS" | "ALBUM ARTISTS" | "ALBUM_ARTISTS" => F::AlbumArtists,
        "TSO2" | "ALBUMARTISTSORT" => F::AlbumArtistSort,
        "TCOM" | "COMPOSER" => F::Composer,
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
        "ITUNESADVISORY" => F::Explicit,
        "REPLAYGAIN_TRACK_GAIN" => F::TrackGain,
        "REPLAYGAIN_TRACK_PEAK" => F::TrackPeak,
        "REPLAYGAIN_ALBUM_GAIN" => F::AlbumGain,
        "REPLAYGAIN_ALBUM_PEAK" => F::AlbumPeak,
        "R128_TRACK_GAIN" => F::TrackR128,
        "R128_ALBUM_GAIN" => F::AlbumR128,
        _ => return None,
    })
}

/// A picture, and what it shows: the numbers of `APIC` (id3.org, "ID3v2.4.0 frames", 4.14).
struct Picture {
    kind: u32,
    data: Vec<u8>,
}

/// The kinds of pictures that are icons of the file.
const ICONS: [u32; 2] = [1, 2];
/// The kind of the front cover.
pub(super) const FRONT: u32 = 3;

/// Everything that was collected of one file, the most trusted tag first.
#[derive(Default)]
pub(super) struct TagFields {
    /// One list for each tag. When several tags have a field, the first tag's texts are used.
    tags: Vec<Vec<(Field, String)>>,
    /// The name of the last tag.
    name: String,
    text_bytes: usize,
    picture: Option<Picture>,
    losses: Vec<String>,
    loss_count: usize,
}

impl TagFields {
    /// Begins another tag, which is called `name` where something of it is lost.
    pub(super) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.tags.push(Vec::new());
    }

    /// Adds a text of the tag that was begun last.
    pub(super) fn text(&mut self, field: Field, text: String) {
        let was_full = self.text_bytes > MAX_TEXT_BYTES;
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        match self.tags.last_mut() {
            Some(tag) if self.text_bytes <= MAX_TEXT_BYTES => tag.push((field, text)),
            _ if !was_full => self.lose("", "the texts are larger than 8 MiB; the rest is not kept"),
            _ => {}
        }
    }

    /// Adds a picture. The first is kept, or the first front cover.
    pub(super) fn picture(&mut self, kind: u32, data: Vec<u8>) {
        let is_better = self.picture.as_ref().is_none_or(|kept| kind == FRONT && kept.kind != FRONT);
        if is_better && !ICONS.contains(&kind) && !data.is_empty() {
            self.picture = Some(Picture { kind, data });
        }
    }

    /// Notes that `what`, a part of the tag that was begun last, is lost or was not as it should be.
    pub(super) fn lose(&mut self, what: &str, reason: &str) {
        let text = if what.is_empty() {
            format!("{}: {reason}", self.name)
        } else {
            format!("{} {what}: {reason}", self.name)
        };
        self.lose_value(&text);
    }

    /// Notes that a value of any tag is lost.
    pub(super) fn lose_value(&mut self, reason: &str) {
        self.loss_count = self.loss_count.saturating_add(1);
        if let Some(reason) = text::clean(reason).filter(|_| self.losses.len() < MAX_LOSSES) {
            self.losses.push(reason);
        }
    }

    /// What was lost, one sentence each.
    pub(super) fn losses(&self) -> Vec<String> {
        let more = self.loss_count.saturating_sub(self.losses.len());
        let more = (more > 0).then(|| format!("and {more} more"));
        self.losses.iter().cloned().chain(more).collect()
    }

    /// All texts of `field`, over all tags, single ones.
    pub(super) fn each(&self, field: Field) -> impl Iterator<Item = &str> {
        self.tags.iter().flat_map(move |tag| texts(tag, field)).flat_map(|text| text.split('\0'))
    }

    /// The first text of `field`, over all tags, that `parse` accepts.
    pub(super) fn first<T>(&self, field: Field, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.each(field).find_map(parse)
    }

    /// All texts of the first of `fields` that has any, from the first tag that has any.
    pub(super) fn all(&self, fields: &[Field], clean: impl Fn(Vec<&str>) -> Vec<String>) -> Vec<String> {
        let lists = self.tags.iter().flat_map(|tag| fields.iter().map(|field| texts(tag, *field).collect()));
        lists.map(clean).find(|values| !values.is_empty()).unwrap_or_default()
    }

    /// The picture that is kept.
    pub(super) fn into_picture(self) -> Option<Vec<u8>> {
        self.picture.map(|picture| picture.data)
    }
}

fn texts(tag: &[(Field, String)], field: Field) -> impl Iterator<Item = &str> {
    tag.iter().filter(move |(found, _)| *found == field).map(|(_, text)| text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_cover_is_kept_and_icons_are_not() {
        let mut fields = TagFields::default();
        for (kind, data) in [(1, vec![1]), (3, vec![]), (4, vec![4]), (0, vec![5]), (3, vec![3]), (3, vec![6])] {
            fields.picture(kind, data);
        }
        assert_eq!(fields.into_picture(), Some(vec![3]));
    }

    #[test]
    fn losses_are_named_up_to_a_limit_and_counted() {
        let mut fields = TagFields::default();
        fields.begin("APE");
        for _ in 0..25 {
            fields.lose("Title", "broken");
        }
        let losses = fields.losses();
        assert_eq!(losses.first().map(String::as_str), Some("APE Title: broken"));
        assert_eq!(losses.last().map(String::as_str), Some("and 5 more"));
        assert_eq!(losses.len(), MAX_LOSSES + 1);
    }
}
