//! Addresses with a signature, for `<audio>`, which cannot send a token.

use super::page::address;
use crate::{app::App, time};
use actix_web::HttpRequest;

/// Links end at midnight (UTC) of the day after the next, so that one is good for a day at least, which outlives any
/// track and pause, and is the same text all day, which lets browsers find what they have.
const DAY_S: u64 = 24 * 60 * 60;

/// The address of the bytes of a version, and when it ends in seconds since 1970. `container` becomes its ending.
pub(super) fn media_link(request: &HttpRequest, app: &App, version: &str, container: &str) -> (String, u64) {
    let now_s = u64::try_from(time::now().0.div_euclid(1_000_000)).unwrap_or(0);
    let expires_s = now_s.div_euclid(DAY_S).saturating_add(2).saturating_mul(DAY_S);
    let signature = app.auth.key().sign_link("media", version, expires_s);
    (address(request, &format!("/media/{version}.{container}?expires={expires_s}&signature={signature}")), expires_s)
}
