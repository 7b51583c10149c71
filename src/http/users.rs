//! Accounts: the user's own, and for admins all of them.

use super::{
    auth::{Credentials, add_user, hashed, within_limits},
    identity::{Admin, AuthUser},
    page::{Page, Paging},
    reads,
    refusals::{self, What, Why},
    user_object::UserObject,
};
use crate::{
    app::App,
    db::users::{self, Changed, Role, User},
    error::{ApiError, Kind},
};
use actix_web::{HttpRequest, HttpResponse, web};
use segue_client::protocol::ids::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/me").route(reads().to(me)))
        .service(web::resource("/v1/me/password").route(web::put().to(set_own_password)))
        .service(web::resource("/v1/users").route(reads().to(list)).route(web::post().to(create)))
        .service(
            web::resource("/v1/users/{id}")
                .route(reads().to(get))
                .route(web::patch().to(change))
                .route(web::delete().to(remove)),
        );
}

/// The user of the token.
#[utoipa::path(get, path = "/v1/me", tag = "accounts", responses((status = 200, body = UserObject)))]
pub(super) async fn me(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
) -> Result<web::Json<UserObject>, ApiError> {
    let user = existing(&app, asker.user).await?;
    Ok(web::Json(UserObject::new(&request, &user)))
}

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewPassword {
    old: String,
    new: String,
}

/// Changes the user's own password and ends all other logins.
#[utoipa::path(put, path = "/v1/me/password", tag = "accounts", request_body = NewPassword,
    responses((status = 204), (status = 403, description = "the old password is wrong")))]
pub(super) async fn set_own_password(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    body: web::Json<NewPassword>,
) -> Result<HttpResponse, ApiError> {
    let user = existing(&app, asker.user).await?;
    within_limits(&app, &request, &user.name, What::Password)?;
    let old = crate::auth::checked_password(&body.old).unwrap_or_default();
    if !app.auth.passwords.verify(old, Some(user.password)).await? {
        refusals::log(&request, &app, What::Password, Why::Wrong, Some(&user.name));
        return Err(ApiError::new(Kind::Forbidden, "the old password is wrong"));
    }
    let hash = hashed(&app, &body.new).await?;
    change_user(&app, move |connection| users::set_password(connection, asker.user, &hash, Some(asker.login))).await
}

/// Lists all users; for admins.
#[utoipa::path(get, path = "/v1/users", tag = "accounts", params(Paging),
    responses((status = 200, body = Page<UserObject>)))]
pub(super) async fn list(
    request: HttpRequest,
    app: web::Data<App>,
    _: Admin,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<UserObject>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let found = app.db.read(move |connection| Ok((users::list(connection, limit, offset)?, users::count(connection)?)));
    let (found, total) = found.await?;
    let items = found.iter().map(|user| UserObject::new(&request, user)).collect();
    Ok(web::Json(Page::new(&request, (limit, offset), items, total)))
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// The user's name; case and spelling of letters do not matter.
    username: String,
    /// The password.
    password: String,
    /// `admin` or `user`; without it `user`.
    role: Option<String>,
}

/// Makes an account; for admins.
#[utoipa::path(post, path = "/v1/users", tag = "accounts", request_body = NewUser,
    responses((status = 201, body = UserObject), (status = 409, description = "the name is taken")))]
pub(super) async fn create(
    request: HttpRequest,
    app: web::Data<App>,
    _: Admin,
    body: web::Json<NewUser>,
) -> Result<HttpResponse, ApiError> {
    let NewUser { username, password, role } = body.into_inner();
    let role = role.map_or(Ok(Role::User), |role| read_role(&role))?;
    let user = add_user(&app, Credentials { username, password }, role).await?;
    Ok(HttpResponse::Created().json(UserObject::new(&request, &user)))
}

/// A user: oneself, for admins anybody.
#[utoipa::path(get, path = "/v1/users/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, body = UserObject), (status = 404)))]
pub(super) async fn get(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<UserId>,
) -> Result<web::Json<UserObject>, ApiError> {
    let id = id.into_inner();
    if id != asker.user && !asker.is_admin(&app).await? {
        return Err(ApiError::not_found("user"));
    }
    let user = existing(&app, id).await?;
    Ok(web::Json(UserObject::new(&request, &user)))
}

/// The fields to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChange {
    /// A new password; it ends all logins of the user.
    password: Option<String>,
    /// `admin` or `user`.
    role: Option<String>,
}

/// Sets a user's password or role; for admins.
#[utoipa::path(patch, path = "/v1/users/{id}", tag = "accounts", params(("id" = String, Path)),
    request_body = UserChange,
    responses((status = 204), (status = 404), (status = 409, description = "there would be no admin")))]
pub(super) async fn change(
    app: web::Data<App>,
    _: Admin,
    id: web::Path<UserId>,
    body: web::Json<UserChange>,
) -> Result<HttpResponse, ApiError> {
    let (id, UserChange { password, role }) = (id.into_inner(), body.into_inner());
    let role = role.map(|role| read_role(&role)).transpose()?;
    let hash = match password {
        Some(password) => Some(hashed(&app, &password).await?),
        None => None,
    };
    if role.is_none() && hash.is_none() {
        return Err(ApiError::invalid("give a password or a role to set"));
    }
    change_user(&app, move |connection| {
        if let Some(role) = role {
            match users::set_role(connection, id, role)? {
                Changed::Done(_) => {}
                refused => return Ok(refused),
            }
        }
        hash.map_or(Ok(Changed::Done(Vec::new())), |hash| users::set_password(connection, id, &hash, None))
    })
    .await
}

/// Removes a user and everything of theirs; for admins.
#[utoipa::path(delete, path = "/v1/users/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "there would be no admin")))]
pub(super) async fn remove(app: web::Data<App>, _: Admin, id: web::Path<UserId>) -> Result<HttpResponse, ApiError> {
    let id = id.into_inner();
    change_user(&app, move |connection| users::remove(connection, id)).await
}

fn read_role(text: &str) -> Result<Role, ApiError> {
    text.parse().map_err(ApiError::invalid)
}

async fn existing(app: &App, id: UserId) -> Result<User, ApiError> {
    let user = app.db.read(move |connection| users::by_id(connection, id)).await?;
    user.ok_or_else(|| ApiError::not_found("user"))
}

async fn change_user(
    app: &App,
    change: impl FnOnce(&mut crate::db::DbConnection) -> Result<Changed, crate::db::DbError> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    match app.db.write(change).await? {
        Changed::Done(ended) => {
            app.auth.revoked.add(ended);
            Ok(HttpResponse::NoContent().finish())
        }
        Changed::NotFound => Err(ApiError::not_found("user")),
        Changed::LastAdmin => Err(ApiError::new(Kind::Conflict, "this is the last admin: make another one first")),
    }
}
