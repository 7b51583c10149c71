//! The one struct of shared handles.

use crate::{
    auth::Auth,
    config::Settings,
    db::{Db, DbError},
};
use std::sync::Arc;

/// What every request may use; built once from the settings.
pub struct App {
    /// The settings this process runs with.
    pub settings: Settings,
    /// The database.
    pub db: Db,
    /// Accounts: tokens, links, passwords.
    pub auth: Arc<Auth>,
}

impl App {
    /// Opens everything the settings name. Blocks: call it before the event loop starts.
    ///
    /// # Errors
    /// What stands in the way of a start.
    pub fn open(settings: Settings) -> Result<Self, DbError> {
        let db = Db::open(&settings.database_url, settings.database_connections)?;
        let auth = Arc::new(Auth::open(&db, &settings)?);
        Ok(Self { settings, db, auth })
    }
}
