//! Ids in paths, queries and bodies.

use super::uris::{self, Noun};
use crate::{error::ApiError, values::catalogue_id::CatalogueId};
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
    /// The ids; `None` when the query has no `ids`.
    ///
    /// # Errors
    /// `invalid` for a text that is no id of such a thing, and for none or more than 50 of them.
    pub(super) fn given(&self, noun: Noun) -> Result<Option<Vec<i64>>, ApiError> {
        let Some(text) = &self.ids else { return Ok(None) };
        let ids: Result<Vec<i64>, ApiError> = text.split(',').map(|id| uris::id(id.trim(), noun)).collect();
        checked(ids?).map(Some)
    }
}

/// The ids, of which there must be 1 to 50.
pub(super) fn checked(ids: Vec<i64>) -> Result<Vec<i64>, ApiError> {
    if (1..=MOST).contains(&ids.len()) { Ok(ids) } else { Err(ApiError::invalid(format!("give 1 to {MOST} ids"))) }
}

/// An id in a path. A text that is no id is answered with 404, as an unknown id is.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathId(pub(super) i64);

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(|CatalogueId(id)| Self(id)).map_err(serde::de::Error::custom)
    }
}
