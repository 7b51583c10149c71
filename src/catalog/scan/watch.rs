//! Notifications of file changes from the operating system.

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, EventKind as Kind, MetadataKind, ModifyKind},
};
use std::path::{Path, PathBuf};

/// Watches the music folders as far as the system allows, until the returned value is dropped. `changed` is called with
/// the folder in which something changed, `None` when that is not known.
pub(super) fn watch(
    music: &[PathBuf],
    changed: impl Fn(Option<PathBuf>) + Send + 'static,
) -> Option<RecommendedWatcher> {
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) if event.need_rescan() => changed(None),
        Ok(event) if matters(event.kind) => {
            for path in &event.paths {
                changed(path.parent().map(Path::to_owned));
            }
        }
        Ok(_) => {}
        Err(error) => {
            log::warn!("the notification of file changes failed: {error}; everything is scanned");
            changed(None);
        }
    });
    let mut watcher =
        watcher.map_err(|error| log::warn!("file changes are only found by the next scan: {error}")).ok()?;
    for folder in music {
        // That a folder is not there is said by the scan.
        if let Err(error) = watcher.watch(folder, RecursiveMode::Recursive)
            && folder.exists()
        {
            log::warn!("changes in {} are only found by the next scan: {error}", folder.display());
        }
    }
    Some(watcher)
}

/// Whether an event can mean that a file has changed; reading a file does not.
fn matters(kind: EventKind) -> bool {
    match kind {
        Kind::Access(AccessKind::Close(AccessMode::Write)) => true,
        Kind::Access(_) | Kind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => false,
        _ => true,
    }
}
