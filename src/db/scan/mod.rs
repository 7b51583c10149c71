//! The writes of a scan: read files, files that are gone, and the sums over them.

mod doubts;
mod gone;
mod identify;
mod lock;
mod names;
mod record;
mod refresh;
mod refused;
mod regroup;
mod renamed;
mod sorting;
mod twins;
mod write;

pub use doubts::{Doubt, doubts};
pub use gone::{Gone, folders_after, forget_folders, has_files_below, mark_missing, missing_tracks, remove_file};
pub use lock::ScanLock;
pub use record::{Recorded, add_folders, record};
pub use refresh::refresh;
pub use refused::{Untried, refuse};
pub use renamed::follow;
pub use twins::reunite;

use crate::{
    db::unscaled::Cover,
    media::{
        digest::Digest,
        version::{Stat, Version},
    },
    values::audio::{AudioProperties, Gain},
};
use segue_client::protocol::ids::MediaId;

/// A folder with files or a cover.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Folder {
    /// A hash of the path.
    pub id: i64,
    /// The bytes of the absolute path.
    pub path: Vec<u8>,
}

/// Access to the disk while files are recorded. A path is given as the path of a folder and a name in it.
pub trait Disk {
    /// Whether the path is within the music folders and has a file with this size, modification time and inode, or that
    /// cannot be known now.
    fn holds(&self, folder: &[u8], name: &[u8], stat: Stat) -> bool;
    /// The SHA-256 of that file, which is read as a whole; `None` when it cannot be read.
    fn sum(&self, folder: &[u8], name: &[u8], stat: Stat) -> Option<Digest>;
}

/// A file that a scan found.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// Its folder.
    pub folder: std::sync::Arc<Folder>,
    /// The bytes of its name in the folder.
    pub name: Vec<u8>,
    /// Size, times and inode.
    pub stat: Stat,
    /// The entity tag of an object in a bucket; `None` for a file on a disk.
    pub etag: Option<String>,
    /// The names of its bytes; `None` when it could not be opened or looked at, which is to be tried again.
    pub version: Option<Version>,
    /// The SHA-256 of the whole file, where it was read as [`doubts`] asks.
    pub sha256: Option<Digest>,
    /// Its content, or why it could not be read.
    pub content: Result<Box<Content>, String>,
}

/// What the catalogue stores of a readable file.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Title; never empty.
    pub title: String,
    /// Further titles, by which the track is found; without line breaks.
    pub other_titles: Vec<String>,
    /// The title by which it is sorted, where it differs.
    pub title_sort: Option<String>,
    /// Artists in order; at least one.
    pub artists: Vec<String>,
    /// Genres in order.
    pub genres: Vec<String>,
    /// The album it belongs to.
    pub album: AlbumOf,
    /// Disc number, from 1.
    pub disc: i64,
    /// Whether tags or path have a disc number.
    pub disc_known: bool,
    /// Track number, from 1.
    pub number: Option<i64>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date: Option<String>,
    /// When the recording first came out, in the same form.
    pub original_date: Option<String>,
    /// Composers in order; without line breaks.
    pub composers: Vec<String>,
    /// Whether the words are explicit.
    pub explicit: bool,
    /// The names by which artists and album are sorted.
    pub sorts: SortNames,
    /// Properties of the audio.
    pub audio: AudioProperties,
    /// `ReplayGain`.
    pub gain: Gain,
    /// The picture in the file.
    pub cover: Option<Cover>,
    /// A hash of artists, album and title; `None` when the tags lack artists or title.
    pub tag_key: Option<i64>,
    /// What the tags have that could not be read; without line breaks.
    pub losses: Vec<String>,
}

/// The names by which the artists and the album of a track are sorted; without line breaks, empty where the tags have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortNames {
    /// Those of the artists, in the same order.
    pub artists: Vec<String>,
    /// That of the album.
    pub album: String,
    /// Those of the artists of the album, in the same order.
    pub album_artists: Vec<String>,
}

/// What the file of a track says of its album.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlbumOf {
    /// Its title.
    pub title: String,
    /// Its artists as tagged; empty when they are derived from the tracks.
    pub artists: Vec<String>,
    /// The id of the release in `MusicBrainz`.
    pub release: Option<String>,
    /// Whether the tags mark it as a compilation.
    pub compilation: bool,
    /// The id of its folder; folders of its discs count as one.
    pub place: i64,
    /// The id of the folder above when that one has the title of the album, else `place`.
    pub home: i64,
}

/// The columns of a file's row that a scan compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// The file and its track.
    pub id: MediaId,
    /// The folder of its path.
    pub folder_id: i64,
    /// Its name in the folder.
    pub name: Vec<u8>,
    /// Size, times and inode at the last scan.
    pub stat: Stat,
    /// The entity tag of an object in a bucket; `None` for a file on a disk.
    pub etag: Option<String>,
    /// The version of our tag reading that read it.
    pub reader: i64,
    /// Whether it is marked as missing.
    pub missing: bool,
}
