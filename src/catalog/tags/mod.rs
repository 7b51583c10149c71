//! Reads the tags of one file frame by frame, its audio properties with `lofty`, and checks every value.

mod ape;
mod audio;
mod bytes;
mod collect;
mod decode;
mod fallback;
mod fields;
mod genres;
mod id3v1;
mod id3v2;
mod length;
mod mp4;
mod ogg;
mod outer;
mod parse;
mod patient;
mod read;
mod reason;
mod riff;
mod silence;
mod split;
mod text;
mod values;
mod vorbis;

pub use fallback::{Named, name};
pub use read::read;

use crate::values::audio::{AudioProperties, Gain};

/// The version of our tag reader. After an increase every file is read again.
pub(crate) const READER: i64 = 6;

/// The size limit of embedded pictures in bytes; larger ones are ignored.
pub const MAX_PICTURE_BYTES: usize = 10 * 1024 * 1024;

/// The checked tags of a file. Values that are absent, unreadable or impossible are `None` or empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tags {
    /// Title of the track: the first, if there are several.
    pub title: Option<String>,
    /// The titles after the first, in the order of the file.
    pub other_titles: Vec<String>,
    /// The title by which the track is sorted, where it differs.
    pub title_sort: Option<String>,
    /// Artists in the order of the file.
    pub artists: Vec<String>,
    /// The names by which the artists are sorted, in the same order.
    pub artist_sorts: Vec<String>,
    /// Title of the album.
    pub album: Option<String>,
    /// The title by which the album is sorted, where it differs.
    pub album_sort: Option<String>,
    /// Artists of the album in the order of the file.
    pub album_artists: Vec<String>,
    /// The names by which they are sorted, in the same order.
    pub album_artist_sorts: Vec<String>,
    /// Composers in the order of the file.
    pub composers: Vec<String>,
    /// Number of the disc within the album, from 1.
    pub disc: Option<u32>,
    /// Number of discs of the album.
    pub discs: Option<u32>,
    /// Number of the track on its disc, from 1.
    pub track: Option<u32>,
    /// Number of tracks on the disc.
    pub tracks: Option<u32>,
    /// Release date as `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date: Option<String>,
    /// When the recording first came out, in the same form.
    pub original_date: Option<String>,
    /// Genres in the order of the file.
    pub genres: Vec<String>,
    /// Whether the tags mark the album as a compilation of various artists.
    pub compilation: bool,
    /// The id of the release in `MusicBrainz`, in lower case.
    pub release: Option<String>,
    /// Whether the tags mark the words as explicit.
    pub explicit: bool,
    /// ReplayGain 2.0 values.
    pub gain: Gain,
    /// The front cover in the file, as it is stored there (JPEG, PNG…).
    pub picture: Option<Vec<u8>>,
}

/// The content of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Its tags.
    pub tags: Tags,
    /// Properties of its audio.
    pub audio: AudioProperties,
    /// What its tags have that could not be read or is not as it should be, one sentence each.
    pub losses: Vec<String>,
}

/// Why a file could not be read: a text that is shown to the user, without the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}
