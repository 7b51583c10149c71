//! Signed addresses, for `<audio>`, which cannot send a token.

use super::{AuthUser, page::address};
use crate::{
    app::App,
    auth::LinkClaims,
    media::delivery::{expiry_s, media_path},
    time,
};
use actix_web::HttpRequest;

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
    let (login, expires_s) = (asker.login, expiry_s(now_s).min(asker.expires_s));
    let signature = app.auth.key().sign_link("media", version, LinkClaims { login, expires_s });
    let query = format!("login={login}&expires={expires_s}&signature={signature}");
    (address(request, &format!("{}?{query}", media_path(version, container))), expires_s)
}
