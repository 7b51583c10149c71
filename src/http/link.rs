//! Signed addresses, for `<audio>`, which cannot send a token.

use super::page::address;
use crate::{app::App, time};
use actix_web::HttpRequest;

/// The length of a day in seconds. Links expire at the second midnight (UTC) from now: each works for 24 to 48 hours, longer
/// than anybody plays or pauses a track, and all links to a version that are made on one day are the same text, so that
/// browsers find the bytes in their cache.
const DAY_S: u64 = 24 * 60 * 60;

/// The address of the bytes of a version, and when it expires, in seconds since 1970. `container` (`flac`, say) becomes the
/// extension.
pub(super) fn media_link(request: &HttpRequest, app: &App, version: &str, container: &str) -> (String, u64) {
    let now_s = u64::try_from(time::now().0.div_euclid(1_000_000)).unwrap_or(0);
    let expires_s = now_s.div_euclid(DAY_S).saturating_add(2).saturating_mul(DAY_S);
    let signature = app.auth.key().sign_link("media", version, expires_s);
    (address(request, &format!("/media/{version}.{container}?expires={expires_s}&signature={signature}")), expires_s)
}
