//! Logging in and out, the list of logins, and the first account.

use super::{
    client,
    identity::AuthUser,
    reads,
    refusals::{self, What, Why},
    requests::RequestUser,
    user_object::UserObject,
};
use crate::{
    app::App,
    auth::{PasswordError, checked_name, checked_password, new_login},
    db::{
        DbConnection, DbError, login_networks,
        logins::{self, Login},
        users::{self, Role, User},
    },
    error::{ApiError, Kind},
    time,
    values::{
        login::{LoginId, Revocation},
        user_name::name_key,
    },
};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, http::header, web};
use segue_client::protocol::ids::Micros;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of the `User-Agent` header is stored with a login, in characters.
const AGENT_CHARS: usize = 200;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/auth/setup").route(web::post().to(set_up)))
        .service(web::resource("/v1/auth/sign-up").route(web::post().to(sign_up)))
        .service(web::resource("/v1/auth/login").route(web::post().to(log_in)))
        .service(web::resource("/v1/auth/logout").route(web::post().to(log_out)))
        .service(web::resource("/v1/auth/logins").route(reads().to(list)).route(web::delete().to(revoke_others)))
        .service(web::resource("/v1/auth/logins/{id}").route(web::delete().to(revoke)));
}

/// A name and a password.
#[derive(Deserialize, ToSchema)]
pub(super) struct Credentials {
    /// The user's name; case and spelling of letters do not matter.
    pub(super) username: String,
    /// The password.
    pub(super) password: String,
}

/// Name and password of the first account, and the secret of the set-up link.
#[derive(Deserialize, ToSchema)]
pub(super) struct FirstAccount {
    /// The part of the set-up link after the `#`.
    secret: String,
    #[serde(flatten)]
    credentials: Credentials,
}

/// A new login.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn {
    /// To be sent as `Authorization: Bearer TOKEN`.
    token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the token ends.
    expires_in: u64,
    /// The login's id.
    #[schema(value_type = String)]
    login_id: LoginId,
    /// Who logged in.
    user: UserObject,
}

/// Logs in.
#[utoipa::path(post, path = "/v1/auth/login", tag = "accounts", request_body = Credentials, responses(
    (status = 200, body = LoggedIn), (status = 401, description = "wrong name or password"),
    (status = 429, description = "too many tries; Retry-After says when to try again")))]
pub(super) async fn log_in(
    request: HttpRequest,
    app: web::Data<App>,
    body: web::Json<Credentials>,
) -> Result<web::Json<LoggedIn>, ApiError> {
    let Credentials { username, password } = body.into_inner();
    within_limits(&app, &request, &username, What::LogIn)?;
    let name = username.clone();
    let user = app.db.read(move |connection| users::by_name(connection, &name)).await?;
    let hash = user.as_ref().map(|user| user.password.clone());
    // A password that cannot be set is wrong too. It is hashed like any other, so that the time of the answer is the same.
    let password = checked_password(&password).unwrap_or_default();
    let right = app.auth.passwords.verify(password, hash).await?;
    let Some(user) = user.filter(|_| right) else {
        refusals::log(&request, &app, What::LogIn, Why::Wrong, Some(&username));
        return Err(ApiError::new(Kind::Unauthorized, "the name or the password is wrong"));
    };
    open_login(&request, &app, &user).await
}

/// Makes the first account, an admin, with the secret of the set-up link.
#[utoipa::path(post, path = "/v1/auth/setup", tag = "accounts", request_body = FirstAccount, responses(
    (status = 200, body = LoggedIn), (status = 403, description = "the link was used, is old, or there are accounts")))]
pub(super) async fn set_up(
    request: HttpRequest,
    app: web::Data<App>,
    body: web::Json<FirstAccount>,
) -> Result<web::Json<LoggedIn>, ApiError> {
    let FirstAccount { secret, credentials } = body.into_inner();
    within_limits(&app, &request, &credentials.username, What::SetUpLink)?;
    if !app.auth.setup.is_open_to(&secret) {
        refusals::log(&request, &app, What::SetUpLink, Why::Wrong, Some(&credentials.username));
        return Err(match app.db.read(users::count).await? {
            0 => ApiError::new(
                Kind::Forbidden,
                "this set-up link is not the newest: take the one that the server printed last",
            ),
            _ => used(),
        });
    }
    let user = new_user(&app, credentials, Role::Admin).await?;
    let first = user.clone();
    if !app.db.write(move |connection| users::add_first(connection, &first)).await? {
        return Err(used());
    }
    app.auth.setup.close();
    open_login(&request, &app, &user).await
}

/// The set-up link is of no use any more.
fn used() -> ApiError {
    ApiError::new(Kind::Forbidden, "this set-up link works no more: the server has an account now, so log in with it")
}

/// Makes an account for oneself, where the settings allow it and there is an account already: the first one is an admin's,
/// and is made with the set-up link.
#[utoipa::path(post, path = "/v1/auth/sign-up", tag = "accounts", request_body = Credentials, responses(
    (status = 200, body = LoggedIn), (status = 403, description = "this server does not let people sign up, or has no account yet"),
    (status = 409, description = "the name is taken")))]
pub(super) async fn sign_up(
    request: HttpRequest,
    app: web::Data<App>,
    body: web::Json<Credentials>,
) -> Result<web::Json<LoggedIn>, ApiError> {
    if !app.settings.sign_up {
        return Err(ApiError::new(Kind::Forbidden, "this server does not let people sign up: ask its admin"));
    }
    within_limits(&app, &request, &body.username, What::SignUp)?;
    if app.db.read(users::count).await? == 0 {
        let message =
            "this server has no account yet: open its set-up link first, which the server printed at its start";
        return Err(ApiError::new(Kind::Forbidden, message));
    }
    let user = add_user(&app, body.into_inner(), Role::User).await?;
    open_login(&request, &app, &user).await
}

/// Ends this login.
#[utoipa::path(post, path = "/v1/auth/logout", tag = "accounts", responses((status = 204)))]
pub(super) async fn log_out(app: web::Data<App>, asker: AuthUser) -> Result<HttpResponse, ApiError> {
    end(&app, move |connection| logins::revoke(connection, asker.user, asker.login)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// One login of the user who asks.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginObject {
    #[schema(value_type = String)]
    id: LoginId,
    /// What the program called itself that logged in.
    agent: String,
    created_at: String,
    expires_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// All logins of the user who asks; there are at most 100.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginList {
    /// The newest first.
    items: Vec<LoginObject>,
}

/// Lists the logins of the user who asks.
#[utoipa::path(get, path = "/v1/auth/logins", tag = "accounts", responses((status = 200, body = LoginList)))]
pub(super) async fn list(app: web::Data<App>, asker: AuthUser) -> Result<web::Json<LoginList>, ApiError> {
    let found = app.db.read(move |connection| logins::of_user(connection, asker.user, time::now())).await?;
    let object = |login: Login| LoginObject {
        id: LoginId::from_sql(login.id),
        agent: login.agent,
        created_at: time::rfc3339(Micros(login.created_us)),
        expires_at: time::rfc3339(Micros(login.expires_us)),
        current: LoginId::from_sql(login.id) == asker.login,
    };
    Ok(web::Json(LoginList { items: found.into_iter().map(object).collect() }))
}

/// Ends one login of the user who asks.
#[utoipa::path(delete, path = "/v1/auth/logins/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(super) async fn revoke(
    app: web::Data<App>,
    asker: AuthUser,
    id: web::Path<LoginId>,
) -> Result<HttpResponse, ApiError> {
    let login = id.into_inner();
    let ended = end(&app, move |connection| logins::revoke(connection, asker.user, login)).await?;
    if ended == 0 { Err(ApiError::not_found("login")) } else { Ok(HttpResponse::NoContent().finish()) }
}

/// Ends every login of the user who asks but the one that asks.
#[utoipa::path(delete, path = "/v1/auth/logins", tag = "accounts", responses((status = 204)))]
pub(super) async fn revoke_others(app: web::Data<App>, asker: AuthUser) -> Result<HttpResponse, ApiError> {
    end(&app, move |connection| logins::revoke_others(connection, asker.user, Some(asker.login))).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Checks the name and the password, and adds an account with them.
pub(super) async fn add_user(app: &App, credentials: Credentials, role: Role) -> Result<User, ApiError> {
    let user = new_user(app, credentials, role).await?;
    let added = user.clone();
    match app.db.write(move |connection| users::add(connection, &added)).await {
        Ok(()) => Ok(user),
        Err(error) if error.is_duplicate() => {
            Err(ApiError::new(Kind::Conflict, "this name is taken: choose another one"))
        }
        Err(error) => Err(error.into()),
    }
}

async fn new_user(app: &App, credentials: Credentials, role: Role) -> Result<User, ApiError> {
    let name = checked_name(&credentials.username).map_err(ApiError::invalid)?;
    let hash = hashed(app, &credentials.password).await?;
    Ok(User::new(name, hash, role))
}

/// The hash of a new password.
pub(super) async fn hashed(app: &App, password: &str) -> Result<String, ApiError> {
    let password = checked_password(password).map_err(ApiError::invalid)?;
    Ok(app.auth.passwords.hash(password).await?)
}

/// Counts a try of the client's address for this name, or for this login code.
///
/// # Errors
/// `rate_limited` when the address or the name had too many tries in this minute.
pub(super) fn within_limits(app: &App, request: &HttpRequest, name: &str, what: What) -> Result<(), ApiError> {
    let (address, limits) = (client::address(request, &app.settings.trusted_proxies), &app.auth.limits);
    let of_address = limits.address(address).map_err(|wait_s| (Why::TooManyFromAddress, wait_s));
    let counted =
        of_address.and_then(|()| limits.user(&name_key(name), address).map_err(|wait_s| (Why::TooManyForName, wait_s)));
    counted.map_err(|(why, wait_s)| {
        // A login code is a secret as long as it works.
        refusals::log(request, app, what, why, (what != What::LoginCode).then_some(name));
        let message = format!("too many tries: wait {wait_s} s");
        ApiError { retry_after_s: Some(wait_s), ..ApiError::new(Kind::RateLimited, message) }
    })
}

/// Ends logins in the database, then in the memory of this process. Returns how many.
pub(super) async fn end(
    app: &App,
    revoke: impl FnOnce(&mut DbConnection) -> Result<Vec<Revocation>, DbError> + Send + 'static,
) -> Result<usize, ApiError> {
    let ended = app.db.write(revoke).await?;
    let count = ended.len();
    app.auth.revoked.add(ended);
    Ok(count)
}

/// Makes a new login of the user, with its token.
pub(super) async fn open_login(request: &HttpRequest, app: &App, user: &User) -> Result<web::Json<LoggedIn>, ApiError> {
    request.extensions_mut().insert(RequestUser(user.id));
    let expires_in = app.settings.token_lifetime_s;
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (claims, login) = new_login(user.id, agent.chars().take(AGENT_CHARS).collect(), expires_in);
    let (id, address) = (user.id, client::address(request, &app.settings.trusted_proxies));
    let add = move |connection: &mut DbConnection| {
        let revoked = logins::add(connection, &login)?;
        login_networks::note(connection, id, address, time::now())?;
        Ok(revoked)
    };
    end(app, add).await?;
    app.auth.limits.logged_in(&name_key(&user.name), address);
    Ok(web::Json(LoggedIn {
        token: claims.sign(&app.auth.key()),
        token_type: "Bearer",
        expires_in,
        login_id: claims.login,
        user: UserObject::new(request, user),
    }))
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::unavailable("logging in", error),
            PasswordError::Broken(_) => Self::internal(error),
        }
    }
}
