//! Health checks for monitoring.

use super::reads;
use crate::{app::App, error::ApiError};
use actix_web::{HttpResponse, web};
use serde_json::json;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/healthz").route(reads().to(lives)))
        .service(web::resource("/readyz").route(reads().to(is_ready)));
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200)))]
pub(super) async fn lives() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// Whether the database answers.
#[utoipa::path(get, path = "/readyz", tag = "server", responses((status = 200), (status = 503, description = "the database does not answer")))]
pub(super) async fn is_ready(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    app.db.ping().await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok"})))
}
