//! Extractors of the user whose token a request carries. A handler that takes none of them needs no token.

use super::{
    refusals::{self, What},
    requests::{RequestKey, RequestUser},
    scopes, strangers,
};
use crate::{
    app::App,
    auth::Claims,
    db::users::{self, Role},
    error::{ApiError, Kind},
    values::{login::LoginId, scope::KeyScope},
};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::header, web};
use segue_client::protocol::ids::UserId;
use std::{
    future::{Ready, ready},
    pin::Pin,
};

/// The user and login of a valid token. Checking it takes no query. It is an extension of the request as well.
#[derive(Debug, Clone, Copy)]
pub struct AuthUser {
    /// The user.
    pub user: UserId,
    /// The login that the token was made for.
    pub login: LoginId,
    /// When the token expires, in seconds since the Unix epoch.
    pub expires_s: u64,
    /// What the API key allows; `None`: it is a login, which allows everything.
    pub scope: Option<KeyScope>,
}

/// The token in the `Authorization` header of a request.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl AuthUser {
    fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let token = bearer(request)
            .ok_or_else(|| ApiError::new(Kind::Unauthorized, "send a token: Authorization: Bearer TOKEN"))?;
        let app = app(request)?;
        let granted = app.auth.check(token).map_err(|error| {
            refusals::log(request, app, What::Token, error.into(), None);
            ApiError::new(Kind::Unauthorized, error.to_string())
        })?;
        let Claims { user, login, expires_s } = granted.claims;
        let asker = Self { user, login, expires_s, scope: granted.scope() };
        request.extensions_mut().insert(RequestUser(user));
        if let Some(key) = granted.key {
            request.extensions_mut().insert(RequestKey(key.name));
            scopes::check(request, key.scope)?;
        }
        request.extensions_mut().insert(asker);
        strangers::note_login(request);
        Ok(asker)
    }
}

impl AuthUser {
    /// The one whose token was checked for this request; `None`: none was.
    pub(super) fn known(request: &HttpRequest) -> Option<Self> {
        request.extensions().get().copied()
    }

    /// Whether the user is an admin now, and the API key may be used as one. Takes one query.
    pub(super) async fn is_admin(self, app: &App) -> Result<bool, ApiError> {
        if self.scope.is_some_and(|scope| scope < KeyScope::Admin) {
            return Ok(false);
        }
        let user = app.db.read(move |connection| users::by_id(connection, self.user)).await?;
        Ok(user.is_some_and(|user| user.role == Role::Admin))
    }
}

impl FromRequest for AuthUser {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// A user who is an admin now. Takes one query.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub AuthUser);

impl FromRequest for Admin {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = AuthUser::of(request).and_then(|user| app(request).map(|app| (user, app.clone())));
        Box::pin(async move {
            let (user, app) = asked?;
            if user.is_admin(&app).await? {
                Ok(Self(user))
            } else {
                Err(ApiError::new(Kind::Forbidden, "only an admin may do this"))
            }
        })
    }
}

fn app(request: &HttpRequest) -> Result<&web::Data<App>, ApiError> {
    request.app_data::<web::Data<App>>().ok_or_else(|| ApiError::internal("the server was built without its App"))
}
