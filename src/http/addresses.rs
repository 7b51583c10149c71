//! Addresses that are rewritten before routing, so that each thing has one route: those with the path of `public_url`, which a
//! proxy may leave before them, and spellings that clients of the Spotify Web API use.

use crate::app::App;
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, Uri},
    middleware::Next,
    web,
};

/// First segments of the server's own addresses: a public path that begins with one of these is not told from them, so the
/// proxy has to take it away.
const OWN: &[&str] = &["album", "artist", "docs", "media", "player", "playlist", "track", "v1"];

/// Gives a request the address that has a route.
pub(super) async fn rewrite(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let public = request.app_data::<web::Data<App>>().map_or("", |app| app.settings.public_url.path());
    let below = below(public, request.path());
    let plain = plain(request.method(), below.unwrap_or(request.path()));
    if let Some(path) = plain.or_else(|| below.map(str::to_owned)) {
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

/// The rest of a path that begins with the public path; `None` for every other one.
fn below<'a>(public: &str, path: &'a str) -> Option<&'a str> {
    let first = public.split('/').nth(1).filter(|first| !OWN.contains(first));
    let rest = first.and_then(|_| path.strip_prefix(public))?;
    if rest.is_empty() { Some("/") } else { rest.starts_with('/').then_some(rest) }
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
    fn a_public_path_is_taken_away_once_and_only_as_a_whole() {
        for (public, path, rest) in [
            ("/music", "/music/v1/tracks", Some("/v1/tracks")),
            ("/music", "/music/", Some("/")),
            ("/music", "/music", Some("/")),
            ("/music", "/music/music/x", Some("/music/x")),
            ("/a/b", "/a/b/sw.js", Some("/sw.js")),
            ("/music", "/musical", None),
            ("/music", "/v1/music/", None),
            ("/a/b", "/a/c", None),
            ("", "/v1/tracks", None),
            ("/player", "/player/app.js", None),
            ("/v1", "/v1/me", None),
        ] {
            assert_eq!(below(public, path), rest, "{path} below {public:?}");
        }
    }

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
