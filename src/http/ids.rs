//! Ids in paths, queries and bodies.

use crate::{catalog::fold::Id, error::ApiError};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

/// The most ids of one request.
const MOST: usize = 50;

/// Ids in a query: `?ids=a,b`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct IdsQuery {
    /// Up to 50 ids, with commas between them.
    ids: Option<String>,
}

impl IdsQuery {
    /// The ids, at least one; `None` in the query alone when it has none at all.
    pub(super) fn given(&self) -> Result<Option<Vec<i64>>, ApiError> {
        let Some(text) = &self.ids else { return Ok(None) };
        let ids: Result<Vec<i64>, ApiError> = text.split(',').map(|id| read(id.trim())).collect();
        checked(ids?).map(Some)
    }
}

/// Between 1 and 50 ids.
pub(super) fn checked(ids: Vec<i64>) -> Result<Vec<i64>, ApiError> {
    if (1..=MOST).contains(&ids.len()) { Ok(ids) } else { Err(ApiError::invalid(format!("give 1 to {MOST} ids"))) }
}

/// An id alone, or as the address of a track (`segue:track:…`).
pub(super) fn read(text: &str) -> Result<i64, ApiError> {
    let id = text.strip_prefix("segue:track:").unwrap_or(text);
    id.parse().map(|Id(id)| id).map_err(|_| ApiError::invalid(format!("{id:?} is not an id: an id is 16 hex digits")))
}

/// An id in a path; any other text names nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathId(pub(super) i64);

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(|Id(id)| Self(id)).map_err(serde::de::Error::custom)
    }
}
