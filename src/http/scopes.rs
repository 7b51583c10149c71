//! What an API key has to allow for each route. A login of a person may use all of them.

use crate::{
    error::{ApiError, Kind},
    values::scope::KeyScope,
};
use actix_web::{HttpRequest, http::Method};

/// What a route asks of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    /// This scope at least.
    Scope(KeyScope),
    /// No key counts: the route is about passwords, logins and keys.
    Login,
}

/// The routes that ask for another scope than [`needed`] says of their method. `None` stands for every method.
const EXCEPTIONS: &[(Option<&Method>, &str, Needed)] = &[
    (None, "/v1/me/password", Needed::Login),
    (Some(&Method::GET), "/v1/users", Needed::Scope(KeyScope::Admin)),
    // They set passwords: with one, the holder of a key could log in, also when the key is gone.
    (Some(&Method::POST), "/v1/users", Needed::Login),
    (Some(&Method::PATCH), "/v1/users/{id}", Needed::Login),
    (Some(&Method::DELETE), "/v1/users/{id}", Needed::Scope(KeyScope::Admin)),
    (Some(&Method::POST), "/v1/library/scan", Needed::Scope(KeyScope::Admin)),
    (None, "/metrics", Needed::Scope(KeyScope::Admin)),
    (None, "/v1/library/troubles", Needed::Scope(KeyScope::Admin)),
    (None, "/v1/library/unreadable", Needed::Scope(KeyScope::Admin)),
    // A device reports, plays and commands.
    (None, "/v1/sync", Needed::Scope(KeyScope::Control)),
];

/// Where logins, codes and keys are made and ended: each needs a login.
const OF_LOGINS: &str = "/v1/auth/";

/// What a route asks for: what is not listed asks for `read` to be read and for `control` to be changed.
fn needed(method: &Method, route: &str) -> Needed {
    if route.starts_with(OF_LOGINS) {
        return Needed::Login;
    }
    let exception = EXCEPTIONS.iter().find(|(of, path, _)| *path == route && of.is_none_or(|of| of == method));
    let usual = if *method == Method::GET || *method == Method::HEAD { KeyScope::Read } else { KeyScope::Control };
    exception.map_or(Needed::Scope(usual), |(_, _, needed)| *needed)
}

/// Whether a key of this scope may be used for the request.
///
/// # Errors
/// `forbidden`, with what is needed.
pub(super) fn check(request: &HttpRequest, scope: KeyScope) -> Result<(), ApiError> {
    let message = match needed(request.method(), request.match_pattern().as_deref().unwrap_or_default()) {
        Needed::Scope(needed) if scope >= needed => return Ok(()),
        Needed::Scope(needed) => format!("this API key has the scope {scope}: {needed} is needed here"),
        Needed::Login => "no API key counts here: log in with a password".to_owned(),
    };
    Err(ApiError::new(Kind::Forbidden, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_needs_less_than_changing() {
        assert_eq!(needed(&Method::GET, "/v1/me"), Needed::Scope(KeyScope::Read));
        assert_eq!(needed(&Method::HEAD, "/v1/tracks/{id}/stream"), Needed::Scope(KeyScope::Read));
        assert_eq!(needed(&Method::PUT, "/v1/me/player/play"), Needed::Scope(KeyScope::Control));
        assert_eq!(needed(&Method::GET, "/v1/users/{id}"), Needed::Scope(KeyScope::Read));
        assert_eq!(needed(&Method::DELETE, "/v1/users/{id}"), Needed::Scope(KeyScope::Admin));
        assert_eq!(needed(&Method::POST, "/v1/users"), Needed::Login);
        assert_eq!(needed(&Method::PATCH, "/v1/users/{id}"), Needed::Login);
        assert_eq!(needed(&Method::GET, "/v1/auth/keys"), Needed::Login);
    }
}
