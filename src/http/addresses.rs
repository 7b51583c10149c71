//! Spellings of addresses that clients of the Spotify Web API use, rewritten before routing, so that each thing has one route.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, Uri},
    middleware::Next,
};

/// Gives a request below `/v1` the address that has a route.
pub(super) async fn rewrite(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let Some(path) = plain(request.method(), request.path()) {
        let mut parts = request.head().uri.clone().into_parts();
        let query = request.query_string();
        let address = if query.is_empty() { path } else { format!("{path}?{query}") };
        // An address that cannot be put together stays as it is, and has no route.
        parts.path_and_query = address.parse().ok().or(parts.path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            request.match_info_mut().get_mut().update(&uri);
            request.head_mut().uri = uri;
        }
    }
    next.call(request).await
}

/// The plain spelling of a path; `None` when it is plain.
fn plain(method: &Method, path: &str) -> Option<String> {
    let rest = path.strip_prefix("/v1/")?;
    let trimmed = rest.strip_suffix('/').unwrap_or(rest);
    let parts: Vec<&str> = trimmed.split('/').collect();
    let found = match parts[..] {
        // Before 2018 playlists were below their owners.
        ["users", _, "playlists", id, ref more @ ..] => [&["playlists", id], more].concat().join("/"),
        // The Spotify Web API has no other way to delete a playlist than that its owner stops following it.
        ["playlists", id, "followers"] if method == Method::DELETE => format!("playlists/{id}"),
        _ => trimmed.to_owned(),
    };
    (found != rest).then(|| format!("/v1/{found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_leads_to_one_address() {
        for (method, path, found) in [
            (Method::GET, "/v1/me/", Some("/v1/me")),
            (Method::GET, "/v1/albums/1/tracks/", Some("/v1/albums/1/tracks")),
            (Method::GET, "/v1/users/ann/playlists/1", Some("/v1/playlists/1")),
            (Method::DELETE, "/v1/users/ann/playlists/1/tracks", Some("/v1/playlists/1/tracks")),
            (Method::DELETE, "/v1/playlists/1/followers", Some("/v1/playlists/1")),
            (Method::PUT, "/v1/playlists/1/followers", None),
            (Method::GET, "/v1/users/ann/playlists", None),
            (Method::GET, "/v1/tracks", None),
            (Method::GET, "/player/", None),
            (Method::GET, "/v1/", None),
            (Method::GET, "/", None),
        ] {
            assert_eq!(plain(&method, path).as_deref(), found, "{method} {path}");
        }
    }
}
