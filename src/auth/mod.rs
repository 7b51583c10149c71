//! Who is asking: passwords, tokens, signed links, and the limits of guessing. No HTTP.

mod code;
mod key;
mod limits;
mod link;
mod names;
mod passwords;
mod revoked;
mod setup;
mod token;

pub use code::{BadCode, LoginCode};
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
    db::{self, Db, DbError, secrets},
    time,
};
use segue_actors::id64;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

id64! {
    /// One log-in of a user: what a token names and what can be revoked.
    LoginId;
}

/// How often what has expired is removed from the database.
const CLEAN_EVERY: Duration = Duration::from_hours(1);

/// Everything about accounts that this process holds in memory.
pub struct Auth {
    /// Signs tokens and links; the same on every node.
    key: RwLock<Key>,
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
        let text = db.write_blocking(|connection| secrets::get_or_insert(connection, secrets::TOKEN_KEY, &fresh))?;
        let key = RwLock::new(read_key(&text)?);
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

    /// What signs tokens and links now.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the key and what is revoked from a database that was put back.
    ///
    /// # Errors
    /// The database's; what was known stays then.
    pub async fn reload(&self, db: &Db) -> Result<(), DbError> {
        let fresh = Key::random().to_text();
        let (text, revoked) = db
            .write(move |connection| {
                let text = secrets::get_or_insert(connection, secrets::TOKEN_KEY, &fresh)?;
                Ok((text, db::logins::revoked_since(connection, time::now(), None)?))
            })
            .await?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = read_key(&text)?;
        self.revoked.replace(revoked);
        Ok(())
    }

    /// Whether a token counts now, and whose it is. Asks nobody: the signature and the set in memory decide.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn check(&self, token: &str) -> Result<Claims, TokenError> {
        let claims = Claims::read(&self.key(), token, time::now())?;
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

fn read_key(text: &str) -> Result<Key, DbError> {
    Key::from_text(text).ok_or_else(|| DbError::Corrupt(format!("the secret {}", secrets::TOKEN_KEY)))
}

async fn clean(db: &Db) -> Result<(), DbError> {
    let now = time::now();
    db.write(move |connection| db::logins::remove_expired(connection, now)).await
}
