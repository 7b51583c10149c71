//! Logging in on another device: somebody who is logged in makes a code, and the other device logs in with it, once.

use super::{
    auth::{LoggedIn, open_login, within_limits},
    identity::AuthUser,
    page::address,
    refusals::{self, What, Why},
};
use crate::{
    app::App,
    auth::LoginCode,
    db::{login_codes, users},
    error::{ApiError, Kind},
    time,
};
use actix_web::{HttpRequest, web};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The smallest side of the QR code, in pixels.
const QR_PIXELS: u32 = 240;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/auth/codes").route(web::post().to(make)))
        .service(web::resource("/v1/auth/codes/use").route(web::post().to(take)));
}

/// A code that opens one login of the user who made it.
#[derive(Serialize, ToSchema)]
pub(super) struct NewCode {
    /// Eight letters and digits with a hyphen between.
    #[schema(example = "7K3M-9QXD")]
    code: String,
    /// Seconds until it ends.
    expires_in: u64,
    /// The page that logs in by it; the code stands after the `#`, which browsers send to nobody.
    url: String,
    /// The same for a camera: a QR code (ISO/IEC 18004) as SVG.
    qr_svg: String,
}

/// A code as it was typed.
#[derive(Deserialize, ToSchema)]
pub(super) struct TypedCode {
    /// Case, spaces and hyphens do not matter.
    code: String,
}

/// Makes a code for logging in on another device, in place of an earlier one: good once, for five minutes.
#[utoipa::path(post, path = "/v1/auth/codes", tag = "accounts", responses((status = 200, body = NewCode)))]
pub(super) async fn make(
    request: HttpRequest,
    app: web::Data<App>,
    asker: AuthUser,
) -> Result<web::Json<NewCode>, ApiError> {
    let code = LoginCode::random();
    let signed = code.signed(&app.auth.key());
    let lifetime_ms = i64::try_from(LoginCode::LIFETIME_S.saturating_mul(1000)).unwrap_or(0);
    let expires = time::now().plus_ms(lifetime_ms);
    app.db.write(move |connection| login_codes::put(connection, asker.user, &signed, expires)).await?;
    let url = address(&request, &format!("/login#{code}"));
    let qr = QrCode::with_error_correction_level(&url, EcLevel::M).map_err(ApiError::internal)?;
    let qr_svg = qr.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
    Ok(web::Json(NewCode { code: code.to_string(), expires_in: LoginCode::LIFETIME_S, url, qr_svg }))
}

/// Logs in by a code.
#[utoipa::path(post, path = "/v1/auth/codes/use", tag = "accounts", request_body = TypedCode, responses(
    (status = 200, body = LoggedIn), (status = 403, description = "it was used, is old, or never was"),
    (status = 429, description = "too many tries; Retry-After says when to try again")))]
pub(super) async fn take(
    request: HttpRequest,
    app: web::Data<App>,
    body: web::Json<TypedCode>,
) -> Result<web::Json<LoggedIn>, ApiError> {
    let refused = || {
        refusals::log(&request, &app, What::LoginCode, Why::Wrong, None);
        ApiError::new(Kind::Forbidden, "this code is not valid: a code works once, within five minutes of being made")
    };
    within_limits(&app, &request, &body.code, What::LoginCode)?;
    let code: LoginCode = body.code.parse().map_err(|_| refused())?;
    let (signed, now) = (code.signed(&app.auth.key()), time::now());
    let user = app.db.write(move |connection| match login_codes::take(connection, &signed, now)? {
        Some(user) => users::by_id(connection, user),
        None => Ok(None),
    });
    open_login(&request, &app, &user.await?.ok_or_else(refused)?).await
}
