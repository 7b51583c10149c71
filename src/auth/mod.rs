//! Who is asking: passwords, tokens, signed links, and the limits of guessing. No HTTP.

mod key;
mod limits;
mod link;
mod names;
mod passwords;
mod revoked;
mod setup;
mod token;

pub use key::Key;
pub use limits::Limits;
pub use link::LinkError;
pub use names::{PASSWORD_CHARS, checked_name, checked_password, name_key};
pub use passwords::{PasswordError, Passwords, hash as hash_password};
pub use revoked::{Revocation, Revoked};
pub use setup::Setup;
pub use token::{Claims, TokenError};

use crate::{
    config::Settings,
    db::{self, Db, DbError},
    time,
};
use segue_actors::id64;
use std::{sync::Arc, time::Duration};

id64! {
    /// One log-in of a user: what a token names and what can be revoked.
    LoginId;
}

/// How often what has expired is removed from the database.
const CLEAN_EVERY: Duration = Duration::from_hours(1);

/// Everything about accounts that this process holds in memory.
pub struct Auth {
    /// Signs tokens and links; the same on every node.
    pub key: Key,
    /// The logins whose tokens no longer count.
    pub revoked: Revoked,
    /// How often one may try to log in.
    pub limits: Limits,
    /// Hashes passwords, a few at a time.
    pub passwords: Passwords,
    /// The one-time right to make the first account.
    pub setup: Setup,
}

impl Auth {
    /// Loads the key, made at the first start, and what is revoked. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn open(db: &Db, settings: &Settings) -> Result<Self, DbError> {
        let fresh = Key::random().to_text();
        let text = db.write_blocking(|connection| db::secrets::get_or_insert(connection, "token_key", &fresh))?;
        let key = Key::from_text(&text).ok_or_else(|| DbError::Corrupt("the secret token_key".to_owned()))?;
        let revoked = Revoked::default();
        revoked.add(db.read_blocking(|connection| db::logins::revoked_since(connection, time::now(), None))?);
        Ok(Self {
            key,
            revoked,
            limits: Limits::new(settings.login_tries_per_address, settings.login_tries_per_user),
            passwords: Passwords::new(),
            setup: Setup::default(),
        })
    }

    /// Whether a token counts now, and whose it is. Asks nobody: the signature and the set in memory decide.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check(&self, token: &str) -> Result<Claims, TokenError> {
        let claims = Claims::read(&self.key, token, time::now())?;
        if self.revoked.contains(claims.login) { Err(TokenError::Revoked) } else { Ok(claims) }
    }

    /// Learns for ever what other nodes revoke, and clears away what has expired. Never returns.
    pub async fn keep_up(self: Arc<Self>, db: Db, poll: Duration) {
        let mut polls = tokio::time::interval(poll);
        let mut cleanings = tokio::time::interval(CLEAN_EVERY);
        loop {
            let outcome = tokio::select! {
                _ = polls.tick() => self.poll(&db).await,
                _ = cleanings.tick() => clean(&db).await,
            };
            if let Err(error) = outcome {
                log::warn!("revoked logins could not be brought up to date: {error}");
            }
        }
    }

    async fn poll(&self, db: &Db) -> Result<(), DbError> {
        let (now, since) = (time::now(), self.revoked.newest());
        self.revoked.add(db.read(move |connection| db::logins::revoked_since(connection, now, since)).await?);
        self.revoked.forget_expired(now);
        Ok(())
    }
}

async fn clean(db: &Db) -> Result<(), DbError> {
    let now = time::now();
    db.write(move |connection| db::logins::remove_expired(connection, now)).await
}
