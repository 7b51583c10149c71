//! The ids of covers.

use super::picture;
use crate::{catalog::tags::MAX_PICTURE_BYTES, db::unscaled::Cover, values::spelling::short_hash};

/// A picture as a cover; `None` when it is too large or its format is not known.
#[must_use]
pub fn cover_of(salt: i64, picture: &[u8]) -> Option<Cover> {
    cover_id(salt, picture).map(|id| Cover { id, unscaled: picture::facts(picture) })
}

/// The id of a picture: a hash of its bytes with the secret `salt` of this server, so that it cannot be guessed and
/// does not reveal which picture it is. `None` when the picture is too large or its format is not known.
#[must_use]
pub fn cover_id(salt: i64, picture: &[u8]) -> Option<i64> {
    let known = picture.len() <= MAX_PICTURE_BYTES && picture::media_type(picture).is_some();
    known.then(|| short_hash(&[&salt.to_le_bytes(), picture]))
}
