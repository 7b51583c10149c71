//! What a person who is not logged in has to know: which ways lead in.

use super::reads;
use crate::{app::App, db::users, error::ApiError};
use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/v1/auth/ways").route(reads().to(list)));
}

/// Which ways lead in, beside name and password.
#[derive(Serialize, ToSchema)]
pub(super) struct WaysIn {
    /// Whether anybody has an account. Before that the set-up link, which the server prints at its start, makes the first.
    has_accounts: bool,
    /// Whether people may make an account for themselves.
    sign_up: bool,
}

/// Says whether there are accounts and whether people may sign up.
#[utoipa::path(get, path = "/v1/auth/ways", tag = "accounts", responses((status = 200, body = WaysIn)))]
pub(super) async fn list(app: web::Data<App>) -> Result<web::Json<WaysIn>, ApiError> {
    let has_accounts = app.db.read(users::count).await? > 0;
    Ok(web::Json(WaysIn { has_accounts, sign_up: app.settings.sign_up }))
}
