//! Covers. They need no token, because `<img>` cannot send one. Ids cannot be guessed: they are hashes of the pictures with a
//! secret of this server.

use super::{ids::PathId, reads};
use crate::{
    app::App,
    catalog::cover::{Busy, CoverImage, CoverRequest, Covers, SIZES},
    db::covers,
    error::{ApiError, Kind},
    values::catalogue_id::CatalogueId,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header as _, IfNoneMatch},
    web,
};
use serde::Deserialize;
use utoipa::IntoParams;

/// How long the cover of an id and size holds: the id is a hash of the picture, so the picture of an id never changes.
const SCALED: &str = "public, max-age=31536000, immutable";
/// In the place of a size that cannot be made: a later version may be able to.
const IN_PLACE: &str = "public, max-age=86400";
/// After how many seconds to ask again while too many covers are being made.
const RETRY_AFTER_S: u64 = 2;
/// How many of the files that hold the same cover are tried until one can be read.
const MAX_SOURCES: i64 = 5;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/v1/covers/{id}").route(reads().to(get)));
}

/// The size of a cover.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CoverQuery {
    /// The least width and height in pixels: the answer has the next of 64, 128, 300, 640 and 1200. Without it the picture
    /// is sent as it is in the file; so is one that cannot be scaled.
    size: Option<u32>,
}

/// A cover: a JPEG of about the size asked for, or the picture as it is in the file.
#[utoipa::path(get, path = "/v1/covers/{id}", tag = "catalogue", params(("id" = String, Path), CoverQuery),
    responses((status = 200, content_type = "image/jpeg"), (status = 304), (status = 404),
        (status = 503, description = "`busy`: too many covers are being made; try again")))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<PathId>,
    query: web::Query<CoverQuery>,
) -> Result<HttpResponse, ApiError> {
    let PathId(id) = id.into_inner();
    let largest = SIZES.iter().copied().max();
    let size = query.size.and_then(|wanted| SIZES.into_iter().find(|size| *size >= wanted).or(largest));
    let original = EntityTag::new_strong(CatalogueId(id).to_string());
    let tag = size.map_or_else(|| original.clone(), |size| EntityTag::new_strong(Covers::tag(id, size)));
    let known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let sources = app.db.read(move |connection| {
        let salt = covers::known_salt(connection)?;
        Ok((salt, covers::sources(connection, id, MAX_SOURCES)?))
    });
    let (salt, sources) = sources.await?;
    if sources.is_empty() {
        return Err(ApiError::not_found("cover"));
    }
    if known {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::CACHE_CONTROL, SCALED))
            .insert_header(header::ETag(tag))
            .finish());
    }
    let made = app.covers.get(CoverRequest { id, size, salt, sources }).await.map_err(|Busy| ApiError {
        retry_after_s: Some(RETRY_AFTER_S),
        ..ApiError::new(Kind::Busy, "too many covers are being made: try again in two seconds")
    })?;
    let CoverImage { bytes, media_type, is_original } = made.ok_or_else(|| ApiError::not_found("cover"))?;
    let is_in_place = is_original && size.is_some();
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, if is_in_place { IN_PLACE } else { SCALED }))
        .insert_header(header::ETag(if is_in_place { original } else { tag }))
        .content_type(media_type)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes))
}
