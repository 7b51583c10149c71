//! Media files that were asked for within the last seconds stay open, one table for each thread, so that the next range of
//! one needs neither the database nor another thread.

use crate::{
    app::App,
    db::media::{self, Media},
    media::file::MediaFile,
};
use actix_web::rt;
use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a file stays open without a look into the database: as long a track that was removed is still answered.
const OPEN_FOR: Duration = Duration::from_secs(2);
/// The most files of a thread.
const MOST: usize = 128;

thread_local! {
    static OPENED: RefCell<HashMap<String, Rc<Opened>>> = RefCell::default();
}

/// An open file, which is unchanged since it was scanned.
pub(super) struct Opened {
    pub(super) media: Media,
    pub(super) file: Arc<MediaFile>,
    since: Instant,
}

/// The file with the bytes of a version. `None` where HTTP has to say what is wrong.
pub(super) async fn opened(app: &App, version: &str) -> Option<Rc<Opened>> {
    let known = OPENED.with_borrow(|all| all.get(version).cloned());
    if let Some(known) = known.filter(|known| known.since.elapsed() < OPEN_FOR) {
        if known.file.is_unchanged() {
            return Some(known);
        }
        OPENED.with_borrow_mut(|all| all.remove(version));
    }
    let wanted = version.to_owned();
    let media = app.db.read(move |connection| media::of_version(connection, &wanted)).await.ok()??;
    if media.object.is_some() {
        return None;
    }
    let (path, stat, sha256) = (media.path.clone(), media.stat, media.sha256);
    let open = move || Ok(MediaFile::open(&path, stat).map(|file| file.with_sha256(sha256)));
    let file = Arc::new(app.file_threads.of(&media.path).run(open).await.ok()?.ok()?);
    let opened = Rc::new(Opened { media, file, since: Instant::now() });
    // The SHA-256 of others may become known at any moment.
    if opened.media.sha256.is_some() {
        keep(version, &opened);
    }
    Some(opened)
}

/// Keeps a file open; the first one starts a task that closes those whose time is over.
fn keep(version: &str, opened: &Rc<Opened>) {
    let is_first = OPENED.with_borrow_mut(|all| {
        if all.len() >= MOST {
            return false;
        }
        all.insert(version.to_owned(), Rc::clone(opened));
        all.len() == 1
    });
    if is_first {
        rt::spawn(async {
            loop {
                rt::time::sleep(OPEN_FOR).await;
                let is_over = OPENED.with_borrow_mut(|all| {
                    all.retain(|_, opened| opened.since.elapsed() < OPEN_FOR);
                    all.is_empty()
                });
                if is_over {
                    return;
                }
            }
        });
    }
}
