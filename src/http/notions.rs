//! Addresses of the Spotify Web API for what Segue has no notion of. They are answered with 501, which names it.

use crate::error::{ApiError, Kind};

/// How an address begins, and the notion behind it. `*` stands for one part of the path.
const ADDRESSES: &[(&str, &str)] = &[
    ("/v1/artists/*/related-artists", "related artists"),
    ("/v1/audio-analysis", "audio analysis"),
    ("/v1/audio-features", "audio features"),
    ("/v1/audiobooks", "audiobooks"),
    ("/v1/browse/categories", "categories"),
    ("/v1/browse/featured-playlists", "featured playlists"),
    ("/v1/browse/new-releases", "new releases: GET /v1/albums?sort=newest lists what is new on this server"),
    ("/v1/chapters", "chapters"),
    ("/v1/episodes", "episodes"),
    ("/v1/markets", "markets"),
    ("/v1/me/audiobooks", "audiobooks"),
    ("/v1/me/episodes", "episodes"),
    ("/v1/me/shows", "shows"),
    ("/v1/playlists/*/followers", "followers of playlists"),
    ("/v1/playlists/*/images", "pictures of playlists"),
    ("/v1/recommendations", "recommendations"),
    ("/v1/shows", "shows"),
    ("/v1/users/*/starred", "starred tracks: GET /v1/me/tracks lists the saved ones"),
];

/// The answer to an address that no route has.
pub(super) fn unknown_address(path: &str) -> ApiError {
    match ADDRESSES.iter().find(|(address, _)| begins(path, address)) {
        Some((_, notion)) => ApiError::without_notion(notion),
        None => ApiError::new(Kind::NotFound, "this server has no such address: /docs lists them"),
    }
}

/// Whether the parts of a path begin with those of an address.
fn begins(path: &str, address: &str) -> bool {
    let mut parts = path.split('/');
    address.split('/').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_segue_has_no_notion_of_is_named() {
        for (path, notion) in [
            ("/v1/shows/5CfCWKI5pZ28U0uOzXkDHe/episodes", "shows"),
            ("/v1/artists/0000000000000001/related-artists", "related artists"),
            ("/v1/browse/categories/jazz/playlists", "categories"),
            ("/v1/recommendations/available-genre-seeds", "recommendations"),
        ] {
            let error = unknown_address(path);
            assert_eq!(
                (error.kind, error.message.as_str()),
                (Kind::NotImplemented, &*format!("Segue has no {notion}"))
            );
        }
    }

    #[test]
    fn other_addresses_are_unknown() {
        for path in
            ["/", "/v1", "/v1/showing", "/v1/artists/related-artists", "/shows", "/v1/artists/1/2/related-artists"]
        {
            assert_eq!(unknown_address(path).kind, Kind::NotFound, "{path}");
        }
    }
}
