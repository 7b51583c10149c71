//! API keys of the user who asks: for programs, beside the logins of people.

use super::{auth::end, identity::AuthUser, reads};
use crate::{
    app::App,
    auth::{api_key_hash, checked_key_name, new_api_key, used_on},
    db::api_keys::{self, ApiKey, MOST_PER_USER},
    error::{ApiError, Kind},
    time,
    values::{login::LoginId, scope::KeyScope},
};
use actix_web::{HttpResponse, web};
use segue_client::protocol::ids::Micros;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/auth/keys").route(reads().to(list)).route(web::post().to(create)))
        .service(web::resource("/v1/auth/keys/{id}").route(web::delete().to(remove)));
}

/// An API key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// What the user calls it: 1 to 64 characters, another name than those of the user's other keys.
    name: String,
    /// `read`, `control` or, for admins, `admin`.
    scope: String,
}

/// An API key.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyObject {
    #[schema(value_type = String)]
    id: LoginId,
    name: String,
    /// `read`, `control` or `admin`.
    scope: String,
    created_at: String,
    /// The day on which it was last used, in UTC, such as `2026-01-31`.
    last_used: Option<String>,
}

/// A new API key, and the only answer that holds it.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeKey {
    /// To be sent as `Authorization: Bearer KEY`.
    key: String,
    #[serde(flatten)]
    about: KeyObject,
}

/// All API keys of the user who asks; there are at most 50.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyList {
    /// The newest first.
    items: Vec<KeyObject>,
}

impl From<ApiKey> for KeyObject {
    fn from(key: ApiKey) -> Self {
        Self {
            id: LoginId::from_sql(key.id),
            name: key.name,
            scope: key.scope,
            created_at: time::rfc3339(Micros(key.created_us)),
            last_used: key.used_day.map(used_on),
        }
    }
}

/// Lists the API keys of the user who asks.
#[utoipa::path(get, path = "/v1/auth/keys", tag = "accounts", responses((status = 200, body = KeyList)))]
pub(super) async fn list(app: web::Data<App>, asker: AuthUser) -> Result<web::Json<KeyList>, ApiError> {
    let found = app.db.read(move |connection| api_keys::of_user(connection, asker.user)).await?;
    Ok(web::Json(KeyList { items: found.into_iter().map(KeyObject::from).collect() }))
}

/// Makes an API key for a program. It is shown in this answer and never again.
#[utoipa::path(post, path = "/v1/auth/keys", tag = "accounts", request_body = NewKey, responses(
    (status = 201, body = MadeKey), (status = 403, description = "the scope `admin` is for admins"),
    (status = 409, description = "the name is taken, or there are 50 keys")))]
pub(super) async fn create(
    app: web::Data<App>,
    asker: AuthUser,
    body: web::Json<NewKey>,
) -> Result<HttpResponse, ApiError> {
    let NewKey { name, scope } = body.into_inner();
    let name = checked_key_name(&name).map_err(ApiError::invalid)?;
    let scope: KeyScope = scope.parse().map_err(ApiError::invalid)?;
    if scope == KeyScope::Admin && !asker.is_admin(&app).await? {
        return Err(ApiError::new(Kind::Forbidden, "only an admin may have a key of the scope admin"));
    }
    let text = new_api_key();
    let key = ApiKey {
        id: LoginId(rand::random()).to_sql(),
        user_id: asker.user.to_sql(),
        name,
        scope: scope.to_string(),
        hash: api_key_hash(&text),
        created_us: time::now().0,
        used_day: None,
    };
    let row = key.clone();
    match app.db.write(move |connection| api_keys::add(connection, &row)).await {
        Ok(true) => {}
        Ok(false) => {
            let message = format!("you have {MOST_PER_USER} API keys, which is the most: remove one first");
            return Err(ApiError::new(Kind::Conflict, message));
        }
        Err(error) if error.is_duplicate() => {
            return Err(ApiError::new(Kind::Conflict, "you have an API key of this name: choose another one"));
        }
        Err(error) => return Err(error.into()),
    }
    app.auth.keys.add(vec![key.clone()])?;
    log::info!(user:% = asker.user, key = key.name.as_str(), scope:%; "an API key was made");
    Ok(HttpResponse::Created().json(MadeKey { key: text, about: key.into() }))
}

/// Removes an API key of the user who asks, and ends its sockets and answers.
#[utoipa::path(delete, path = "/v1/auth/keys/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(super) async fn remove(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<LoginId>,
) -> Result<HttpResponse, ApiError> {
    let key = id.into_inner();
    let ended = end(&app, move |connection| api_keys::remove(connection, asker.user, key)).await?;
    if ended == 0 { Err(ApiError::not_found("API key")) } else { Ok(HttpResponse::NoContent().finish()) }
}
