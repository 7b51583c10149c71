//! The addresses of the web player: that of every view is answered with the same page, whose script shows the view of its
//! address; its files are below `/player/`.

use super::{
    player_files::{File, PAGE, PLAYER, Packed, pack},
    reads,
};
use crate::{
    app::App,
    error::{ApiError, Kind},
    media::delivery::{Cdn, Presigner},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, AcceptEncoding, ETag, Encoding, EntityTag, Header as _, IfNoneMatch},
    },
    web,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, sync::LazyLock};

/// The hash of the script within the page.
static SCRIPT_HASH: LazyLock<String> = LazyLock::new(|| BASE64_STANDARD.encode(Sha256::digest(script_within(PAGE))));

/// What browsers let the page load (Content-Security-Policy): files of this server, pictures and audio that its script has
/// made, and the script within the page. From other servers only audio, of those with these origins.
fn policy(others: &BTreeSet<&str>) -> String {
    let hash = SCRIPT_HASH.as_str();
    let others: String = others.iter().flat_map(|origin| [" ", origin]).collect();
    let connect = if others.is_empty() { String::new() } else { format!("connect-src 'self'{others}; ") };
    format!(
        "default-src 'self'; script-src 'self' 'sha256-{hash}'; img-src 'self' data: blob:; media-src 'self' blob:{others}; {connect}\
         object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// May be another file at the next request: browsers ask each time.
const ASKED: &str = "no-cache";
/// Never another file.
const NAMED: &str = "public, max-age=31536000, immutable";

/// The text of the first script that stands within a page.
fn script_within(page: &str) -> &str {
    let script = page.split_once("<script>").and_then(|(_, rest)| rest.split_once("</script>"));
    script.map_or("", |(script, _)| script)
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/").route(reads().to(page)))
        .service(
            web::resource(
                "/{view:search|albums|artists|tracks|saved|playlists|queue|devices|now|offline|settings|login|setup}",
            )
            .route(reads().to(page)),
        )
        .service(web::resource("/{noun:track|album|artist|playlist}/{id:[0-9a-f]{16}}").route(reads().to(page)))
        .service(web::resource("/sw.js").route(reads().to(worker)))
        .service(web::resource("/player/{version:[0-9a-f]{16}}/{name}").route(reads().to(named)))
        .service(web::resource("/player/{name:.+}").route(reads().to(part)));
}

async fn page(request: HttpRequest) -> HttpResponse {
    page_with(&request, StatusCode::OK)
}

/// The page for an address that nothing has, whose script says so; `None` for a request that wants no page.
pub(super) fn nowhere(request: &HttpRequest) -> Option<HttpResponse> {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_of_programs = ["/v1/", "/media/", "/player/"].iter().any(|start| request.path().starts_with(start));
    let wants_page = request.method().is_safe() && accepted.contains("text/html") && !is_of_programs;
    wants_page.then(|| page_with(request, StatusCode::NOT_FOUND))
}

fn page_with(request: &HttpRequest, status: StatusCode) -> HttpResponse {
    let app = request.app_data::<web::Data<App>>();
    let text = PLAYER.page(app.map_or("", |app| app.settings.public_url.path()));
    let packed = pack(text.as_bytes());
    answer(request, status, ("index.html", ASKED), text.into(), &packed)
}

/// A service worker controls the pages below its own address, so this one is at the top.
async fn worker(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    file(&request, PLAYER.plain.get_key_value("sw.js"), ASKED).await
}

async fn part(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    file(&request, PLAYER.plain.get_key_value(name.as_str()), ASKED).await
}

/// A file of the version that this server has.
async fn named(request: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let (version, name) = path.into_inner();
    let found = PLAYER.named.get_key_value(name.as_str()).filter(|_| version == PLAYER.version);
    file(&request, found, NAMED).await
}

async fn file(
    request: &HttpRequest,
    found: Option<(&&'static str, &'static File)>,
    caching: &'static str,
) -> Result<HttpResponse, ApiError> {
    let (name, file) =
        found.ok_or_else(|| ApiError::new(Kind::NotFound, "the player has no file of this name and version"))?;
    Ok(answer(request, StatusCode::OK, (name, caching), file.bytes.clone(), file.packed().await?))
}

/// The bytes, or 304 where the browser has them.
fn answer(
    request: &HttpRequest,
    status: StatusCode,
    (name, caching): (&str, &'static str),
    bytes: web::Bytes,
    packed: &Packed,
) -> HttpResponse {
    // Weak, because compressed and plain answers share it.
    let tag = EntityTag::new_weak(packed.tag.clone());
    let is_known = status == StatusCode::OK
        && match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Err(_) => false,
        };
    let app = request.app_data::<web::Data<App>>();
    let others = app.map_or_else(BTreeSet::new, |app| {
        app.cdn.iter().map(Cdn::origin).chain(app.presigners.values().map(Presigner::origin)).collect()
    });
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { status });
    response
        .insert_header(ETag(tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy(&others)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((header::REFERRER_POLICY, "same-origin"));
    if is_known {
        return response.finish();
    }
    response.content_type(content_type(name));
    let accepted = AcceptEncoding::parse(request).ok();
    let best = accepted.and_then(|accepted| accepted.negotiate([Encoding::gzip(), Encoding::identity()].iter()));
    if best == Some(Encoding::gzip()) {
        return response.insert_header((header::CONTENT_ENCODING, "gzip")).body(packed.gzip.clone());
    }
    response.body(bytes)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/manifest+json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_within_the_page_is_the_one_that_the_policy_allows() {
        let page = PLAYER.page("");
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(script_within(&page), script_within(PAGE));
        assert!(script_within(&page).contains("public_url"));
    }

    #[test]
    fn audio_of_cdn_and_storage_alone_may_come_from_other_servers() {
        let origins = BTreeSet::from(["https://s3.example.org:9000", "https://cdn.example.org"]);
        let (plain, with) = (policy(&BTreeSet::new()), policy(&origins));
        assert!(!plain.contains("http") && plain.contains("; media-src 'self' blob:; object-src"), "{plain}");
        assert!(
            with.contains("; media-src 'self' blob: https://cdn.example.org https://s3.example.org:9000; "),
            "{with}"
        );
        assert!(with.contains("; connect-src 'self' https://cdn.example.org https://s3.example.org:9000; "), "{with}");
        assert_eq!(with.matches("https://cdn.example.org").count(), 2);
    }
}
