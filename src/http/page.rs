//! Lists in pages: the paging object of the Spotify Web API.

use super::reached;
use crate::error::ApiError;
use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The most items of one page.
const MOST: u32 = 50;
/// The most items of one page of a playlist.
const MOST_LONG: u32 = 100;

/// The page that is asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many items, 1 to 50.
    #[param(default = 20, minimum = 1, maximum = 50)]
    limit: Option<u32>,
    /// Index of the first item, from 0.
    #[param(default = 0)]
    offset: Option<u32>,
}

impl Paging {
    /// A page from the first item on, with at most `limit` items.
    #[must_use]
    pub const fn first(limit: Option<u32>) -> Self {
        Self { limit, offset: None }
    }

    /// Limit and offset for SQL.
    ///
    /// # Errors
    /// `invalid` for a limit of 0 or more than 50.
    pub fn checked(self) -> Result<(i64, i64), ApiError> {
        bounded(self.limit, self.offset, MOST)
    }
}

/// A page of a list whose pages may be longer.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LongPaging {
    /// How many items, 1 to 100.
    #[param(default = 20, minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Index of the first item, from 0.
    #[param(default = 0)]
    offset: Option<u32>,
}

impl LongPaging {
    /// Limit and offset for SQL.
    ///
    /// # Errors
    /// `invalid` for a limit of 0 or more than 100.
    pub(super) fn checked(self) -> Result<(i64, i64), ApiError> {
        bounded(self.limit, self.offset, MOST_LONG)
    }
}

fn bounded(limit: Option<u32>, offset: Option<u32>, most: u32) -> Result<(i64, i64), ApiError> {
    match limit.unwrap_or(20) {
        limit if (1..=most).contains(&limit) => Ok((limit.into(), offset.unwrap_or(0).into())),
        other => Err(ApiError::invalid(format!("limit is from 1 to {most}, not {other}"))),
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The address of this page.
    pub href: String,
    /// The items on it.
    pub items: Vec<T>,
    /// The limit it was asked for with.
    pub limit: i64,
    /// The address of the next page.
    pub next: Option<String>,
    /// Index of its first item, from 0.
    pub offset: i64,
    /// The address of the page before.
    pub previous: Option<String>,
    /// How many items the whole list has.
    pub total: i64,
}

impl<T> Page<T> {
    /// A page of a list of `total` items; the addresses of its neighbours have the path and the query of the request.
    #[must_use]
    pub fn new(request: &HttpRequest, (limit, offset): (i64, i64), items: Vec<T>, total: i64) -> Self {
        let others = request.query_string().split('&').filter(|pair| !pair.is_empty());
        let others = others.filter(|pair| !pair.starts_with("limit=") && !pair.starts_with("offset="));
        let query: String = others.flat_map(|pair| [pair, "&"]).collect();
        Self::of(request, &format!("{}?{query}", request.path()), (limit, offset), items, total)
    }

    /// The same for a list with another path than the request, without the request's query.
    #[must_use]
    pub fn at(request: &HttpRequest, path: &str, page: (i64, i64), items: Vec<T>, total: i64) -> Self {
        Self::of(request, &format!("{path}?"), page, items, total)
    }

    /// The same page with other items.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let Self { href, items, limit, next, offset, previous, total } = self;
        Page { href, items: items.into_iter().map(change).collect(), limit, next, offset, previous, total }
    }

    fn of(request: &HttpRequest, start: &str, (limit, offset): (i64, i64), items: Vec<T>, total: i64) -> Self {
        let href = |offset| address(request, &format!("{start}limit={limit}&offset={offset}"));
        let next = offset.saturating_add(limit);
        Self {
            href: href(offset),
            limit,
            next: (next < total).then(|| href(next)),
            offset,
            previous: (offset > 0).then(|| href((offset - limit).max(0))),
            total,
            items,
        }
    }
}

/// The whole address of a path on this server: below `public_url`, or without it, as the request reached the server.
#[must_use]
pub fn address(request: &HttpRequest, path: &str) -> String {
    format!("{}{path}", reached::base(request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn pages_lead_to_their_neighbours() {
        let request = TestRequest::with_uri("/v1/users?limit=2&a=b%26c&offset=3").to_http_request();
        let page = Page::new(&request, (2, 3), vec!['d', 'e'], 6);
        assert_eq!(page.href, "http://localhost/v1/users?a=b%26c&limit=2&offset=3");
        assert_eq!(page.next.as_deref(), Some("http://localhost/v1/users?a=b%26c&limit=2&offset=5"));
        assert_eq!(page.previous.as_deref(), Some("http://localhost/v1/users?a=b%26c&limit=2&offset=1"));
        assert_eq!(Page::new(&request, (2, 4), vec!['e', 'f'], 6).next, None);
        assert_eq!(Page::new(&request, (2, 0), vec!['a', 'b'], 6).previous, None);
    }

    #[test]
    fn a_page_has_a_bounded_size() {
        let asked = |limit| Paging { limit, offset: Some(7) }.checked();
        assert_eq!((asked(None), asked(Some(50))), (Ok((20, 7)), Ok((50, 7))));
        assert!(asked(Some(0)).is_err() && asked(Some(51)).is_err());
    }
}
