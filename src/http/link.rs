//! Signed addresses, for `<audio>`, which cannot send a token.

use super::{AuthUser, page::address};
use crate::{app::App, auth::LinkClaims, time};
use actix_web::HttpRequest;

/// The length of a day in seconds. Links expire at the second midnight (UTC) from now: each works for 24 to 48 hours, longer
/// than anybody plays or pauses a track, and all links to a version that a login asks for on one day are the same text, so
/// that browsers find the bytes in their cache. They do not outlive the token with which they were asked for.
const DAY_S: u64 = 24 * 60 * 60;

/// The address of the bytes of a version, and when it expires, in seconds since 1970. `container` (`flac`, say) becomes the
/// extension. It is valid as long as the login of the one who asks.
pub(super) fn media_link(
    request: &HttpRequest,
    app: &App,
    asker: AuthUser,
    version: &str,
    container: &str,
) -> (String, u64) {
    let now_s = u64::try_from(time::now().0.div_euclid(1_000_000)).unwrap_or(0);
    let midnight_s = now_s.div_euclid(DAY_S).saturating_add(2).saturating_mul(DAY_S);
    let (login, expires_s) = (asker.login, midnight_s.min(asker.expires_s));
    let signature = app.auth.key().sign_link("media", version, LinkClaims { login, expires_s });
    let query = format!("login={login}&expires={expires_s}&signature={signature}");
    (address(request, &format!("/media/{version}.{container}?{query}")), expires_s)
}
