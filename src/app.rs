//! The one struct of shared handles.

use crate::{
    auth::Auth,
    catalog::scan::Scanner,
    config::Settings,
    db::{Db, DbError},
};
use std::{sync::Arc, time::Duration};

/// What every request may use; built once from the settings.
pub struct App {
    /// The settings this process runs with.
    pub settings: Settings,
    /// The database.
    pub db: Db,
    /// Accounts: tokens, links, passwords.
    pub auth: Arc<Auth>,
    /// Scans of the music folders.
    pub scanner: Scanner,
}

impl App {
    /// Opens everything the settings name. Blocks: call it before the event loop starts.
    ///
    /// # Errors
    /// What stands in the way of a start.
    pub fn open(settings: Settings) -> Result<Self, DbError> {
        let db = Db::open(&settings.database_url, settings.database_connections)?;
        let auth = Arc::new(Auth::open(&db, &settings)?);
        Ok(Self { settings, db, auth, scanner: Scanner::default() })
    }

    /// Scans the music folders now, and from then on whenever a scan is due.
    pub fn start_scanning(&self) {
        let Settings { music, data_dir, scan_interval_s, .. } = &self.settings;
        let interval = (*scan_interval_s > 0).then(|| Duration::from_secs(*scan_interval_s));
        self.scanner.start(self.db.clone(), music.clone(), data_dir.clone(), interval);
    }
}
