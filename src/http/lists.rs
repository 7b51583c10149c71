//! Lists of tracks, albums and artists: all of them in pages, those with given ids, and pages of what belongs to something
//! (the albums of an artist).

use super::{
    Page, Paging,
    ids::IdsQuery,
    objects::{AlbumObject, ArtistObject, Objects, TrackObject},
    uris::Noun,
};
use crate::{
    app::App,
    db::{
        DbConnection, DbError,
        albums::{self, Album},
        artists::{self, Artist},
        lists::List,
        tracks::{self, Track},
    },
    error::ApiError,
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A kind of thing that such lists hold.
pub(super) trait Listed: Sized + Send + 'static {
    /// Its JSON object.
    type Object: Serialize;
    /// Its name in the plural: the key in an answer to `ids`.
    const NAME: &'static str;
    /// What its URIs name.
    const NOUN: Noun;
    /// The list of all by name.
    const BY_NAME: List;
    /// The list of all, the newest first.
    const NEWEST: List;
    /// Those with these ids, in the order of the ids; unknown ids are left out.
    fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Self>, DbError>;
    fn id(&self) -> i64;
    fn show(&self, objects: Objects<'_>) -> Self::Object;
}

impl Listed for Track {
    type Object = TrackObject;
    const NAME: &'static str = "tracks";
    const NOUN: Noun = Noun::Track;
    const BY_NAME: List = List::TracksByName;
    const NEWEST: List = List::NewestTracks;

    fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Self>, DbError> {
        tracks::load(connection, ids)
    }

    fn id(&self) -> i64 {
        self.row.id
    }

    fn show(&self, objects: Objects<'_>) -> TrackObject {
        objects.track(self)
    }
}

impl Listed for Album {
    type Object = AlbumObject;
    const NAME: &'static str = "albums";
    const NOUN: Noun = Noun::Album;
    const BY_NAME: List = List::AlbumsByName;
    const NEWEST: List = List::NewestAlbums;

    fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Self>, DbError> {
        albums::load(connection, ids)
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn show(&self, objects: Objects<'_>) -> AlbumObject {
        objects.album(self)
    }
}

impl Listed for Artist {
    type Object = ArtistObject;
    const NAME: &'static str = "artists";
    const NOUN: Noun = Noun::Artist;
    const BY_NAME: List = List::ArtistsByName;
    const NEWEST: List = List::NewestArtists;

    fn load(connection: &mut DbConnection, ids: &[i64]) -> Result<Vec<Self>, DbError> {
        artists::load(connection, ids)
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn show(&self, objects: Objects<'_>) -> ArtistObject {
        objects.artist(self)
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SortQuery {
    /// `name` or `newest`.
    #[param(default = "name")]
    sort: Option<Sort>,
}

/// How a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    /// By name, without accents, case and leading articles.
    Name,
    /// By when it was first scanned, the newest first.
    Newest,
}

/// With `ids`: the things with these ids, `null` for an unknown id. Without: a page of all of them.
pub(super) async fn all<T: Listed>(
    request: &HttpRequest,
    app: &App,
    ids: &IdsQuery,
    sort: SortQuery,
    paging: Paging,
) -> Result<HttpResponse, ApiError> {
    if let Some(ids) = ids.given(T::NOUN)? {
        let objects = Objects { request, app };
        let asked = ids.clone();
        let found = app.db.read(move |connection| T::load(connection, &asked)).await?;
        let find = |id: &i64| found.iter().find(|item| item.id() == *id).map(|item| item.show(objects));
        let items: Vec<_> = ids.iter().map(find).collect();
        return Ok(HttpResponse::Ok().json(BTreeMap::from([(T::NAME, items)])));
    }
    let list = if sort.sort == Some(Sort::Newest) { T::NEWEST } else { T::BY_NAME };
    let lists = app.lists.clone();
    let ids = move |connection: &mut DbConnection, limit, offset| lists.page(connection, list, limit, offset);
    Ok(HttpResponse::Ok().json(page::<T>(request, app, paging, ids).await?))
}

/// A page of what belongs to the thing with this id. `ids` finds, for that id, a limit and an offset, the ids on the page
/// and how many there are in all.
pub(super) async fn of<T: Listed>(
    request: &HttpRequest,
    app: &App,
    paging: Paging,
    id: i64,
    ids: impl FnOnce(&mut DbConnection, i64, i64, i64) -> Result<(Vec<i64>, i64), DbError> + Send + 'static,
) -> Result<web::Json<Page<T::Object>>, ApiError> {
    let page = page::<T>(request, app, paging, move |connection, limit, offset| ids(connection, id, limit, offset));
    Ok(web::Json(page.await?))
}

/// A page. `ids` finds, for a limit and an offset, the ids on the page and how many there are in all.
pub(super) async fn page<T: Listed>(
    request: &HttpRequest,
    app: &App,
    paging: Paging,
    ids: impl FnOnce(&mut DbConnection, i64, i64) -> Result<(Vec<i64>, i64), DbError> + Send + 'static,
) -> Result<Page<T::Object>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let found = app.db.read(move |connection| {
        let (ids, total) = ids(connection, limit, offset)?;
        Ok((T::load(connection, &ids)?, total))
    });
    let (found, total) = found.await?;
    let objects = Objects { request, app };
    let items = found.iter().map(|item| item.show(objects)).collect();
    Ok(Page::new(request, (limit, offset), items, total))
}
