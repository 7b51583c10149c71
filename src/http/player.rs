//! The web player: the files of `player/`, embedded and served under `/player/`. The address of every view is answered with
//! the same page, whose script shows the view of its address.

use super::reads;
use crate::{
    app::App,
    error::{ApiError, Kind},
    media::digest::Digest,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, AcceptEncoding, ETag, Encoding, EntityTag, Header as _, IfNoneMatch},
    web,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::{
    io::Write as _,
    sync::{LazyLock, OnceLock},
};

/// A file of the player.
struct File {
    /// Its path below `player/`.
    name: &'static str,
    bytes: &'static [u8],
    /// Made at the first request for it.
    packed: OnceLock<Packed>,
}

/// What is derived from a file: its `ETag` and its compressed form.
struct Packed {
    tag: String,
    gzip: web::Bytes,
}

impl File {
    /// Compresses on a thread that may block: it takes milliseconds.
    async fn packed(&'static self) -> Result<&'static Packed, ApiError> {
        if let Some(packed) = self.packed.get() {
            return Ok(packed);
        }
        web::block(|| self.packed.get_or_init(|| pack(self.bytes))).await.map_err(ApiError::internal)
    }
}

fn pack(bytes: &[u8]) -> Packed {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).expect("memory takes what is written");
    let gzip = gzip.finish().expect("memory takes what is written").into();
    Packed { tag: Digest(Sha256::digest(bytes).into()).to_string(), gzip }
}

macro_rules! files {
    ($($name:literal)+) => {
        LazyLock::new(|| vec![$(File {
            name: $name,
            bytes: include_bytes!(concat!("../../player/", $name)),
            packed: OnceLock::new(),
        }),+])
    };
}

/// All files that are served; a test compares the list with the folder.
static FILES: LazyLock<Vec<File>> = files! {
    "actions.js"
    "api.js"
    "app.js"
    "audio/buffer_voice.js"
    "audio/elements.js"
    "audio/engine.js"
    "audio/gate.js"
    "audio/loader.js"
    "audio/moments.js"
    "audio/stream_voice.js"
    "catalogue.js"
    "device/answers.js"
    "device/identity.js"
    "device/keep_ahead.js"
    "device/last_shown.js"
    "device/offline_start.js"
    "device/player.js"
    "device/preload.js"
    "device/queue_pages.js"
    "device/socket.js"
    "device/tick_timer.js"
    "icon.svg"
    "index.html"
    "keys.js"
    "manifest.webmanifest"
    "media_session.js"
    "offline_cache.js"
    "parts/cards.js"
    "parts/cover.js"
    "parts/devices.js"
    "parts/dialog.js"
    "parts/dom.js"
    "parts/icons.js"
    "parts/keeping.js"
    "parts/key_actions.js"
    "parts/keys_dialog.js"
    "parts/menu.js"
    "parts/other_device.js"
    "parts/pages.js"
    "parts/player_bar.js"
    "parts/playlist_dialogs.js"
    "parts/reorder.js"
    "parts/seek_bar.js"
    "parts/text.js"
    "parts/toast.js"
    "parts/track_list.js"
    "parts/track_row.js"
    "parts/transport.js"
    "parts/virtual_list.js"
    "parts/volume.js"
    "root.js"
    "routes.js"
    "rules/audio.js"
    "rules/client.js"
    "rules/clock.js"
    "rules/link.js"
    "rules/obey.js"
    "rules/pending_commands.js"
    "rules/silence.js"
    "rules/stamps.js"
    "rules/standalone.js"
    "rules/transfer.js"
    "session.js"
    "store.js"
    "style/base.css"
    "style/frame.css"
    "style/lists.css"
    "style/panels.css"
    "sw.js"
    "views/admin.js"
    "views/album.js"
    "views/home.js"
    "views/library.js"
    "views/login.js"
    "views/now.js"
    "views/offline.js"
    "views/playlist.js"
    "views/playlists.js"
    "views/queue.js"
    "views/scan.js"
    "views/search.js"
    "views/settings.js"
    "views/view.js"
    "whole_queue.js"
};

/// The page for every address of a view.
const PAGE: &str = include_str!("../../player/index.html");
/// The line of the page that says where the player is served.
const BASE: &str = "<base href=\"/\">";

/// What browsers let the page load (Content-Security-Policy): files of this server, pictures and audio that its script has
/// made, and the script within the page. Nothing from other servers.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(script_within(PAGE)));
    format!(
        "default-src 'self'; script-src 'self' 'sha256-{hash}'; img-src 'self' data: blob:; media-src 'self' blob:; \
         object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
});

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
        .service(web::resource("/player/{name:.+}").route(reads().to(part)));
}

/// The page, with the path under which people reach this server.
async fn page(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let base = format!("<base href=\"{}/\">", app.settings.public_url.path());
    let text = PAGE.replace(BASE, &base);
    let packed = pack(text.as_bytes());
    answer(&request, "index.html", web::Bytes::from(text), &packed)
}

/// A service worker controls the pages below its own address, so this one is at the top.
async fn worker(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    file(&request, "sw.js").await
}

async fn part(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    file(&request, &name).await
}

async fn file(request: &HttpRequest, name: &str) -> Result<HttpResponse, ApiError> {
    let file = FILES
        .iter()
        .find(|file| file.name == name)
        .ok_or_else(|| ApiError::new(Kind::NotFound, "the player has no file of this name"))?;
    let packed = file.packed().await?;
    Ok(answer(request, file.name, web::Bytes::from_static(file.bytes), packed))
}

/// The file, or 304. Browsers ask each time, so that they never show an old player of an upgraded server.
fn answer(request: &HttpRequest, name: &str, bytes: web::Bytes, packed: &Packed) -> HttpResponse {
    // Weak, because compressed and plain answers share it.
    let tag = EntityTag::new_weak(packed.tag.clone());
    let is_known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(ETag(tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.as_str()))
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
    use std::{collections::BTreeSet, path::Path};

    /// Files of the folder that no page loads.
    fn is_for_developers(name: &str) -> bool {
        let of_the_package = ["README.md", "example.js", "index.js", "package.json", "tsconfig.json", "types.js"]
            .map(|file| format!("rules/{file}"));
        ["README.md", "jsconfig.json"].contains(&name)
            || of_the_package.iter().any(|file| file == name)
            || name.starts_with("rules/types/")
    }

    #[test]
    fn the_page_says_where_the_player_is_and_its_script_is_the_one_that_the_policy_allows() {
        assert_eq!(PAGE.matches(BASE).count(), 1);
        assert_eq!(PAGE.matches("<script>").count(), 1);
        assert!(script_within(PAGE).contains("public_url"));
    }

    #[test]
    fn every_file_of_the_player_is_served_and_nothing_else() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("player");
        let files = walkdir::WalkDir::new(&folder).into_iter().map(|entry| entry.expect("the folder can be read"));
        let names = files.filter(|entry| entry.file_type().is_file()).map(|entry| {
            let path = entry.path().strip_prefix(&folder).expect("below the folder");
            path.to_string_lossy().into_owned()
        });
        let there: BTreeSet<String> = names.filter(|name| !is_for_developers(name)).collect();
        let served: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(served, there);
    }
}
