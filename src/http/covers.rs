//! Covers. They need no token, because `<img>` cannot send one. Ids cannot be guessed: they are hashes of the pictures with a
//! secret of this server.

use super::{ids::PathId, reads};
use crate::{app::App, catalog::cover::SIZES, db::covers, error::ApiError, values::catalogue_id::CatalogueId};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header as _, IfNoneMatch},
    web,
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

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
    /// is sent as it is in the file.
    size: Option<u32>,
}

/// A cover: a JPEG of about the size asked for, or the picture as it is in the file.
#[utoipa::path(get, path = "/v1/covers/{id}", tag = "catalogue", params(("id" = String, Path), CoverQuery),
    responses((status = 200, content_type = "image/jpeg"), (status = 304), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    id: web::Path<PathId>,
    query: web::Query<CoverQuery>,
) -> Result<HttpResponse, ApiError> {
    let PathId(id) = id.into_inner();
    let largest = SIZES.iter().copied().max();
    let size = query.size.and_then(|wanted| SIZES.into_iter().find(|size| *size >= wanted).or(largest));
    let tag = size.map_or_else(|| CatalogueId(id).to_string(), |size| format!("{}-{size}", CatalogueId(id)));
    let tag = EntityTag::new_strong(tag);
    let mut response = HttpResponse::Ok();
    // The id is a hash of the picture, so the picture of an id never changes.
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header(header::ETag(tag.clone()));
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
        return Ok(response.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    let covers = Arc::clone(&app.covers);
    let made = web::block(move || covers.get(id, size, salt, &sources)).await.map_err(ApiError::internal)?;
    let cover = made.ok_or_else(|| ApiError::not_found("cover"))?;
    Ok(response
        .content_type(cover.media_type)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(cover.bytes))
}
