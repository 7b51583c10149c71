//! What a scan writes: files that were read, files that are gone, and the sums that follow from both.

mod gone;
mod identify;
mod lock;
mod names;
mod record;
mod refresh;
mod write;

pub use gone::{Gone, folders_after, forget_folders, has_files_below, inhabited, mark_missing};
pub use lock::ScanLock;
pub use record::{Recorded, add_folders, record};
pub use refresh::refresh;

use crate::{
    media::{
        digest::Digest,
        version::{Stat, Version},
    },
    values::audio::{Audio, Gain},
};
use segue_client::protocol::ids::MediaId;

/// A folder that holds files or a cover.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Folder {
    /// A hash of the path.
    pub id: i64,
    /// The absolute path, as the system spells it.
    pub path: Vec<u8>,
}

/// What recording a file may have to ask of the disk. Places are given as a folder's path and a name in it.
pub trait Disk {
    /// Whether a place that may be looked at holds a file that the system describes so.
    fn holds(&self, folder: &[u8], name: &[u8], stat: Stat) -> bool;
    /// The SHA-256 of that file, read whole; `None` when it cannot be had.
    fn sum(&self, folder: &[u8], name: &[u8], stat: Stat) -> Option<Digest>;
}

/// A file that was looked at.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it lies.
    pub folder: std::sync::Arc<Folder>,
    /// Its name in the folder, as the system spells it.
    pub name: Vec<u8>,
    /// What the file system said about it.
    pub stat: Stat,
    /// The names of its bytes; `None` when it could not be opened.
    pub version: Option<Version>,
    /// What is in it, or why that could not be read.
    pub content: Result<Box<Content>, String>,
}

/// What the catalogue keeps of a readable file.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Title; never empty.
    pub title: String,
    /// Further titles, by which the track is found; without line breaks.
    pub other_titles: Vec<String>,
    /// Artists in order; at least one.
    pub artists: Vec<String>,
    /// Genres in order.
    pub genres: Vec<String>,
    /// The album it belongs to.
    pub album: AlbumOf,
    /// Disc number, from 1.
    pub disc: i64,
    /// Track number, from 1.
    pub number: Option<i64>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date: Option<String>,
    /// What the audio is.
    pub audio: Audio,
    /// `ReplayGain`.
    pub gain: Gain,
    /// The picture in the file.
    pub cover_id: Option<i64>,
    /// A hash of what the tags call this recording; `None` when they do not say enough.
    pub tag_key: Option<i64>,
}

/// Which album a track belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlbumOf {
    /// Equal for tracks of one album.
    pub identity: String,
    /// Its title.
    pub title: String,
    /// Its artists as tagged; empty where they follow from the tracks.
    pub artists: Vec<String>,
    /// The tags call it a compilation.
    pub compilation: bool,
}

/// A file's row, as far as a scan compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The file and its track.
    pub id: MediaId,
    /// The folder it was seen in last.
    pub folder_id: i64,
    /// Its name there.
    pub name: Vec<u8>,
    /// What the file system said then.
    pub stat: Stat,
    /// Which version of our tag reading read it.
    pub reader: i64,
    /// It was not there at a later look.
    pub missing: bool,
}
