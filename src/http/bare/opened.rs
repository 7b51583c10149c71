//! Media files that were asked for within the last seconds stay open, one table for each thread, so that the next range of
//! one needs neither the database nor another thread. Objects stay known in the same way.

use crate::{
    app::App,
    db::media::{self, Media},
    http::media::media_bytes,
    media::bytes::MediaBytes,
};
use actix_web::rt;
use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

/// How long a file stays open without a look into the database: as long a track that was removed is still answered.
const OPEN_FOR: Duration = Duration::from_secs(2);
/// The most files of a thread.
const MOST: usize = 128;

thread_local! {
    static OPENED: RefCell<HashMap<String, Rc<Opened>>> = RefCell::default();
}

/// An open file, which is unchanged since it was scanned, or an object.
pub(super) struct Opened {
    pub(super) media: Media,
    pub(super) bytes: MediaBytes,
    since: Instant,
}

/// What has the bytes of a version. `None` where HTTP has to say what is wrong.
pub(super) async fn opened(app: &App, version: &str) -> Option<Rc<Opened>> {
    let known = OPENED.with_borrow(|all| all.get(version).cloned());
    if let Some(known) = known.filter(|known| known.since.elapsed() < OPEN_FOR) {
        if is_unchanged(&known.bytes) {
            return Some(known);
        }
        OPENED.with_borrow_mut(|all| all.remove(version));
    }
    let wanted = version.to_owned();
    let media = app.db.read(move |connection| media::of_version(connection, &wanted)).await.ok()??;
    let bytes = media_bytes(app, &media).await.ok()?;
    let opened = Rc::new(Opened { media, bytes, since: Instant::now() });
    // The SHA-256 of others may become known at any moment.
    if opened.media.sha256.is_some() || opened.media.object.is_some() {
        keep(version, &opened);
    }
    Some(opened)
}

/// Whether a file has not changed. Each block of an object is of the object that was scanned.
fn is_unchanged(bytes: &MediaBytes) -> bool {
    match bytes {
        MediaBytes::File(file, _) => file.is_unchanged(),
        MediaBytes::Blocks(_) => true,
    }
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
