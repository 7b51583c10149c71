//! The documents of the index: plain values, independent of the database.

use segue_client::protocol::ids::UserId;
use std::{fmt, str::FromStr};

/// The kind of object that a document describes. Each kind has its own list of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A track.
    Track,
    /// An album.
    Album,
    /// An artist.
    Artist,
    /// A playlist.
    Playlist,
}

impl ItemKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Track, Self::Album, Self::Artist, Self::Playlist];

    /// The number of the kind in the index and in the database: its index in [`ItemKind::ALL`].
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Track => 0,
            Self::Album => 1,
            Self::Artist => 2,
            Self::Playlist => 3,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The name used in the HTTP API's `type` parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Album => "album",
            Self::Artist => "artist",
            Self::Playlist => "playlist",
        }
    }
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the name of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKind;

impl FromStr for ItemKind {
    type Err = BadKind;

    fn from_str(text: &str) -> Result<Self, BadKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(BadKind)
    }
}

/// The highest popularity, as in the Spotify Web API.
pub const POPULARITY_MAX: u8 = 100;

/// One object that can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its kind.
    pub kind: ItemKind,
    /// Its id; unique within the kind.
    pub id: u64,
    /// Its own name; matches in it rank higher than those in `others`.
    pub name: String,
    /// Other names by which it is found: a track's further titles, artists, album and album artists; an album's artists; a
    /// playlist's owner.
    pub others: Vec<String>,
    /// Its popularity, from 0 to [`POPULARITY_MAX`].
    pub popularity: u8,
    /// The only user who may find it; `None` for everybody.
    pub private_to: Option<UserId>,
}

/// A change of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentChange {
    /// Adds the document, or replaces the one of the same kind and id.
    Put(Document),
    /// Removes the document of this kind and id.
    Remove(ItemKind, u64),
}
