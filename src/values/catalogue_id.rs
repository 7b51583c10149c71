//! Ids of artists, albums, genres, covers and playlists as text.

use segue_client::protocol::ids::{BadId, parse_hex};
use std::{fmt, str::FromStr};

/// An id of the catalogue: a 64-bit integer in SQL, 16 hex digits as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueId(pub i64);

impl fmt::Display for CatalogueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.cast_unsigned())
    }
}

impl FromStr for CatalogueId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        parse_hex(text).map(|bits| Self(bits.cast_signed()))
    }
}
