//! The files of the web player as they are sent: embedded, joined into the few that the first view needs, and named by their
//! content.

use super::bundle::{self, FIRST, LATER};
use crate::{error::ApiError, media::digest::Digest};
use actix_web::web;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{LazyLock, OnceLock},
};

/// A file that is sent.
pub(super) struct File {
    pub(super) bytes: web::Bytes,
    /// Made at the first request for it.
    packed: OnceLock<Packed>,
}

/// What is derived from a file: its `ETag` and its compressed form.
pub(super) struct Packed {
    pub(super) tag: String,
    pub(super) gzip: web::Bytes,
}

impl File {
    pub(super) fn new(bytes: impl Into<web::Bytes>) -> Self {
        Self { bytes: bytes.into(), packed: OnceLock::new() }
    }

    /// Compresses on a thread that may block: it takes milliseconds.
    pub(super) async fn packed(&'static self) -> Result<&'static Packed, ApiError> {
        if let Some(packed) = self.packed.get() {
            return Ok(packed);
        }
        web::block(|| self.packed.get_or_init(|| pack(&self.bytes))).await.map_err(ApiError::internal)
    }
}

/// The compressed form of a text of a few kilobytes, or on a thread that may block.
pub(super) fn pack(bytes: &[u8]) -> Packed {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).expect("memory takes what is written");
    let gzip = gzip.finish().expect("memory takes what is written").into();
    Packed { tag: Digest(Sha256::digest(bytes).into()).to_string(), gzip }
}

macro_rules! files {
    ($($name:literal)+) => {
        &[$(($name, include_bytes!(concat!("../../player/", $name)).as_slice()),)+]
    };
}

/// All files that are served; a test compares the list with the folder.
static EMBEDDED: &[(&str, &[u8])] = files! {
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
    "parts/play_buttons.js"
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
    "style/views.css"
    "sw.js"
    "views/admin.js"
    "views/album.js"
    "views/api_keys.js"
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
pub(super) const PAGE: &str = include_str!("../../player/index.html");
/// The line of the page that says where the player is served.
const BASE: &str = "<base href=\"/\">";
/// How the lines of the page begin that load a style sheet; the sheets are joined in their order.
const STYLE: &str = "<link rel=\"stylesheet\" href=\"player/";
/// What the lines of the page name that is sent under another name.
const SCRIPT: &str = "src=\"player/app.js\"";
const ICON: &str = "href=\"player/icon.svg\"";
/// The line of the service worker that says which version of the player it keeps.
const VERSION: &str = "const VERSION = \"\";";

/// The player as it is sent.
pub(super) struct WebPlayer {
    /// 16 hex digits of a digest of all files.
    pub(super) version: String,
    /// What never changes under its address, by the name below `/player/VERSION/`.
    pub(super) named: BTreeMap<&'static str, File>,
    /// What may be another file after an upgrade, by the path below `/player/`. A module stands there for its part of the
    /// joined ones, so that whoever imports it has the same one as the page.
    pub(super) plain: BTreeMap<&'static str, File>,
}

/// Joined at the first request.
pub(super) static PLAYER: LazyLock<WebPlayer> = LazyLock::new(WebPlayer::new);

/// The bytes of an embedded file as text.
fn text(name: &str) -> Option<&'static str> {
    let (_, bytes) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
    std::str::from_utf8(bytes).ok()
}

impl WebPlayer {
    fn new() -> Self {
        let mut all = Sha256::new();
        all.update(PAGE);
        for (name, bytes) in EMBEDDED {
            all.update(name.as_bytes());
            all.update(Sha256::digest(bytes));
        }
        let version: String = Digest(all.finalize().into()).to_string().chars().take(16).collect();
        let bundles = bundle::join(text).expect("a test joins these modules");
        let sheets = PAGE.lines().filter_map(|line| line.strip_prefix(STYLE)).filter_map(|rest| rest.split('"').next());
        let style: String = sheets.filter_map(text).map(bundle::style).collect();
        let mut plain = BTreeMap::new();
        for (name, bytes) in EMBEDDED {
            let file = match (*name, bundles.modules.get(*name)) {
                ("sw.js", _) => {
                    let worker = text(name).unwrap_or_default();
                    File::new(worker.replace(VERSION, &format!("const VERSION = \"{version}\";")))
                }
                (_, Some((file, exports))) => File::new(stand_in(name, &version, file, exports)),
                _ => File::new(web::Bytes::from_static(bytes)),
            };
            plain.insert(*name, file);
        }
        let icon = text("icon.svg").unwrap_or_default();
        let named = [
            (FIRST, File::new(bundles.first)),
            (LATER, File::new(bundles.later)),
            ("style.css", File::new(style)),
            ("icon.svg", File::new(icon)),
        ];
        Self { version, named: named.into(), plain }
    }

    /// The page for people who reach the server below `public`, a path without a slash at the end.
    pub(super) fn page(&self, public: &str) -> String {
        let below = |name: &str| format!("player/{}/{name}", self.version);
        let (first, icon) = (format!("src=\"{}\"", below(FIRST)), format!("href=\"{}\"", below("icon.svg")));
        let base = format!("<base href=\"{public}/\">\n<meta name=\"later\" content=\"{}\">", below(LATER));
        let style = format!("<link rel=\"stylesheet\" href=\"{}\">", below("style.css"));
        let mut styles = std::iter::once(style);
        let lines = PAGE.lines().filter_map(|line| {
            if line.starts_with(STYLE) {
                return styles.next();
            }
            Some(line.replace(SCRIPT, &first).replace(ICON, &icon).replace(BASE, &base))
        });
        lines.map(|line| line + "\n").collect()
    }
}

/// A module that exports what a part of the joined ones does.
fn stand_in(name: &str, version: &str, file: &str, exports: &[String]) -> String {
    let up = "../".repeat(name.matches('/').count());
    let constant = bundle::constant(name);
    let from = format!("{}{version}/{file}", if up.is_empty() { "./" } else { &up });
    let names = exports.join(", ");
    format!("import {{ {constant} }} from \"{from}\";\nexport const {{ {names} }} = {constant};\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    /// Files of the folder that no page loads.
    fn is_for_developers(name: &str) -> bool {
        let of_the_package = ["README.md", "example.js", "index.js", "package.json", "tsconfig.json", "types.js"]
            .map(|file| format!("rules/{file}"));
        ["README.md", "index.html", "jsconfig.json"].contains(&name)
            || of_the_package.iter().any(|file| file == name)
            || name.starts_with("rules/types/")
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
        let served: BTreeSet<String> = PLAYER.plain.keys().map(|name| (*name).to_owned()).collect();
        assert_eq!(served, there);
    }

    #[test]
    fn every_module_is_joined_once_and_what_the_page_names_is_there() {
        let bundles = bundle::join(text).expect("joined");
        let modules = EMBEDDED
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| name.strip_suffix(".js").is_some() && *name != "sw.js");
        assert_eq!(bundles.modules.keys().map(String::as_str).collect::<Vec<_>>(), modules.collect::<Vec<_>>());
        for (name, (file, _)) in &bundles.modules {
            let start = format!("const {} = (", bundle::constant(name));
            let code = if *file == FIRST { &bundles.first } else { &bundles.later };
            assert_eq!(code.matches(&start).count(), 1, "{name}");
        }
        let page = PLAYER.page("/music");
        assert!(page.contains("<base href=\"/music/\">"), "{page}");
        for name in PLAYER.named.keys() {
            assert!(page.contains(&format!("\"player/{}/{name}\"", PLAYER.version)), "{name}: {page}");
        }
        assert_eq!(page.matches("stylesheet").count(), 1, "{page}");
        assert!(!page.contains("app.js") && !page.contains("style/"), "{page}");
        let worker = PLAYER.plain.get("sw.js").map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
        assert!(worker.is_some_and(|worker| worker.contains(&PLAYER.version)));
    }
}
