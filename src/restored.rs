//! How a running server notices that its database was restored by `segue restore`, and what it does then.

use crate::{
    app::App,
    db::{DbError, secrets},
};
use std::{sync::Arc, time::Duration};

/// The longest interval between two checks, so that sessions from before the restore are served at most this long.
const POLL: Duration = Duration::from_secs(1);

/// Reads the catalogue's name repeatedly; a restore changes it. When it has changed, everything in memory that came
/// from the database before is read again: the key and the revoked logins, the positions of lists, the sessions (under
/// a new epoch, so that devices accept the older state), and the library, by a scan. The search index notices the
/// change itself. Never returns.
pub(crate) async fn watch(app: Arc<App>, poll: Duration) {
    let mut known = app.catalogue.clone();
    let mut polls = tokio::time::interval(poll.min(POLL));
    loop {
        polls.tick().await;
        match app.db.read(|connection| secrets::get(connection, secrets::CATALOGUE)).await {
            Ok(Some(found)) if found != known => match begin_anew(&app).await {
                Ok(()) => known = found,
                Err(error) => log::warn!("the database was restored, but cannot be read now; trying again: {error}"),
            },
            Ok(_) => {}
            Err(error) => log::debug!("the catalogue's name cannot be read now: {error}"),
        }
    }
}

async fn begin_anew(app: &App) -> Result<(), DbError> {
    log::warn!("the database was restored from a backup; all sessions are loaded again");
    app.auth.reload(&app.db).await?;
    app.lists.forget();
    app.directory.restart();
    app.scanner.ask(false);
    Ok(())
}
