//! A running server when its database is put back: by `segue restore`, or by another node's.

use crate::{
    app::App,
    db::{DbError, secrets},
};
use std::{sync::Arc, time::Duration};

/// A session of before may be seen for at most so long, however rarely nodes look for other changes.
const POLL: Duration = Duration::from_secs(1);

/// Asks again and again whether the catalogue still has the name under which everything here was learnt. When it has
/// another one, whatever remembers the old database is brought to the new one: the key and the revoked logins, lists,
/// sessions (a new epoch, so that nothing shown before is mistaken for what is true now) and the library, which has
/// changed since. The search index sees it by itself. Never returns.
pub(crate) async fn watch(app: Arc<App>, poll: Duration) {
    let mut known = app.catalogue.clone();
    let mut polls = tokio::time::interval(poll.min(POLL));
    loop {
        polls.tick().await;
        match app.db.read(|connection| secrets::get(connection, secrets::CATALOGUE)).await {
            Ok(Some(found)) if found != known => match begin_anew(&app).await {
                Ok(()) => known = found,
                Err(error) => log::warn!("the database was put back and does not answer now: {error}"),
            },
            Ok(_) => {}
            Err(error) => log::debug!("the catalogue's name cannot be read now: {error}"),
        }
    }
}

async fn begin_anew(app: &App) -> Result<(), DbError> {
    log::warn!("the database was put back to an earlier state; sessions start anew");
    app.auth.reload(&app.db).await?;
    app.lists.forget();
    app.directory.restart();
    app.scanner.ask();
    Ok(())
}
