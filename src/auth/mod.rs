//! Authentication: passwords, tokens, signed links, and rate limits of log-in attempts. No HTTP.

mod api_keys;
mod code;
mod key;
mod limits;
mod link;
mod names;
mod passwords;
mod revoked;
mod setup;
mod token;

pub use api_keys::{ApiKeys, KEY_NAME_CHARS, KnownKey, api_key_hash, checked_key_name, new_api_key, used_on};
pub use code::{BadCode, LoginCode};
pub use key::Key;
pub use limits::LoginLimits;
pub use link::{LinkClaims, LinkError};
pub use names::{PASSWORD_CHARS, checked_name, checked_password};
pub use passwords::{PasswordError, Passwords, hash as hash_password};
pub use revoked::Revoked;
pub use setup::Setup;
pub use token::{Claims, TokenError};

use crate::{
    config::Settings,
    db::{self, Db, DbConnection, DbError, logins::Login, secrets},
    time,
    values::{login::LoginId, scope::KeyScope},
};
use segue_client::protocol::ids::UserId;
use std::{
    mem,
    net::IpAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::MissedTickBehavior;

/// How often expired logins are removed from the database.
const CLEAN_EVERY: Duration = Duration::from_hours(1);
/// The longest interval between two looks for logins that other processes have ended: their sockets, tokens and links
/// are valid for so long afterwards.
const POLL: Duration = Duration::from_secs(1);

/// The state of authentication that this process holds in memory.
pub struct Auth {
    /// Signs tokens and links; the same on every node.
    key: RwLock<Key>,
    /// How many other keys this process had before.
    earlier_keys: AtomicU64,
    /// The logins whose tokens are no longer valid, and the API keys that were removed.
    pub revoked: Revoked,
    /// The API keys.
    pub keys: ApiKeys,
    /// Rate limits of log-in attempts.
    pub limits: LoginLimits,
    /// Hashes passwords, a few at a time.
    pub passwords: Passwords,
    /// The one-time right to make the first account.
    pub setup: Setup,
}

/// What a valid token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAccess {
    /// Whose it is, and how long; of an API key its id is the login.
    pub claims: Claims,
    /// The API key, where it is one; a login allows everything.
    pub key: Option<KnownKey>,
}

impl TokenAccess {
    /// Whether it opens the socket of a device, which reports, plays and commands.
    #[must_use]
    pub fn is_for_devices(&self) -> bool {
        self.scope().is_none_or(|scope| scope >= KeyScope::Control)
    }

    /// What it allows; `None`: everything.
    #[must_use]
    pub fn scope(&self) -> Option<KeyScope> {
        self.key.as_ref().map(|key| key.scope)
    }
}

impl Auth {
    /// Loads the key, which the first start makes, and the revoked logins. Blocks.
    ///
    /// # Errors
    /// Those of the database.
    pub fn open(db: &Db, settings: &Settings) -> Result<Self, DbError> {
        let key = RwLock::new(db.write_blocking(signing_key)?);
        let revoked = Revoked::default();
        revoked.add(db.read_blocking(|connection| db::logins::revoked_since(connection, time::now(), None))?);
        let keys = ApiKeys::default();
        keys.add(db.read_blocking(|connection| db::api_keys::made_since(connection, None))?)?;
        let limits = LoginLimits::new(settings.login_tries_per_address, settings.login_tries_per_user);
        limits.replace_known(&db.read_blocking(known_networks)?);
        Ok(Self {
            key,
            earlier_keys: AtomicU64::new(0),
            revoked,
            keys,
            limits,
            passwords: Passwords::new(),
            setup: Setup::default(),
        })
    }

    /// The key that signs tokens and links now.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the key, the API keys, the revoked logins and the networks of users again, after the database was restored.
    ///
    /// # Errors
    /// Those of the database; what is in memory is unchanged then.
    pub async fn reload(&self, db: &Db) -> Result<(), DbError> {
        let (key, keys, revoked, networks) = db
            .write(|connection| {
                let key = signing_key(connection)?;
                let keys = db::api_keys::made_since(connection, None)?;
                let revoked = db::logins::revoked_since(connection, time::now(), None)?;
                Ok((key, keys, revoked, known_networks(connection)?))
            })
            .await?;
        self.keys.replace(keys)?;
        let earlier = mem::replace(&mut *self.key.write().unwrap_or_else(PoisonError::into_inner), key.clone());
        if earlier != key {
            self.earlier_keys.fetch_add(1, Ordering::Relaxed);
        }
        self.revoked.replace(revoked);
        self.limits.replace_known(&networks);
        Ok(())
    }

    /// What a token or an API key stands for that is valid now. Uses only what is in memory, no database.
    ///
    /// # Errors
    /// Why it is not valid.
    pub fn check(&self, token: &str) -> Result<TokenAccess, TokenError> {
        let now = time::now();
        let granted = if api_keys::is_api_key(token) {
            let key = self.keys.using(token, now).ok_or(TokenError::NoKey)?;
            let claims = Claims { user: key.user, login: key.id, expires_s: Claims::NEVER_S };
            TokenAccess { claims, key: Some(key) }
        } else {
            TokenAccess { claims: Claims::read(&self.key(), token, now)?, key: None }
        };
        if self.revoked.contains(granted.claims.login) { Err(TokenError::Revoked) } else { Ok(granted) }
    }

    /// How many keys have signed tokens in this process before the present one.
    #[must_use]
    pub fn earlier_keys(&self) -> u64 {
        self.earlier_keys.load(Ordering::Relaxed)
    }

    /// Checks a link to the object `id` of this `kind`, as [`Self::check`] does a token.
    ///
    /// # Errors
    /// Why the link is not valid.
    pub fn check_link(&self, kind: &str, id: &str, claims: LinkClaims, signature: &str) -> Result<(), LinkError> {
        self.key().verify_link(kind, id, claims, signature, time::now())?;
        self.check_claims(claims)
    }

    /// Whether what was allowed by a link or a token with these claims is allowed still.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check_claims(&self, claims: LinkClaims) -> Result<(), LinkError> {
        if self.revoked.contains(claims.login) {
            Err(LinkError::Revoked)
        } else if claims.has_expired(time::now()) {
            Err(LinkError::Expired)
        } else {
            Ok(())
        }
    }

    /// Reads every `poll`, and each second at least, which logins other processes revoked and which API keys they made, writes
    /// which keys were used, and removes expired logins.
    /// Never returns.
    pub async fn keep_up(self: Arc<Self>, db: Db, poll: Duration) {
        let mut polls = tokio::time::interval(poll.min(POLL));
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut cleanings = tokio::time::interval(CLEAN_EVERY);
        let mut is_failing = false;
        loop {
            let outcome = tokio::select! {
                _ = polls.tick() => self.poll(&db).await,
                _ = cleanings.tick() => clean(&db).await,
            };
            // Of failures in a row one line is enough.
            if let (Err(error), false) = (&outcome, is_failing) {
                log::warn!("the list of revoked logins cannot be updated; trying again each second: {error}");
            }
            is_failing = outcome.is_err();
        }
    }

    async fn poll(&self, db: &Db) -> Result<(), DbError> {
        let (now, since) = (time::now(), self.revoked.newest());
        let keys_since = self.keys.newest();
        let read = db.read(move |connection| {
            let revoked = db::logins::revoked_since(connection, now, since)?;
            Ok((revoked, db::api_keys::made_since(connection, keys_since)?))
        });
        let (revoked, keys) = read.await?;
        self.keys.add(keys)?;
        self.revoked.add(revoked);
        self.keys.forget(|key| self.revoked.contains(key));
        self.revoked.forget_expired(now);
        let used = self.keys.take_used();
        if used.is_empty() {
            return Ok(());
        }
        // When it fails, the next day is written again.
        db.write_lazily(move |connection| db::api_keys::note_used(connection, &used)).await
    }
}

/// The key that signs tokens and links; the first call makes it.
///
/// # Errors
/// Those of the database.
pub fn signing_key(connection: &mut DbConnection) -> Result<Key, DbError> {
    let text = secrets::get_or_insert(connection, secrets::TOKEN_KEY, &Key::random().to_text())?;
    Key::from_text(&text).ok_or_else(|| DbError::Corrupt(format!("the secret {}", secrets::TOKEN_KEY)))
}

/// The networks of users that are remembered.
fn known_networks(connection: &mut DbConnection) -> Result<Vec<(String, IpAddr)>, DbError> {
    db::login_networks::last(connection, limits::NETWORKS.into())
}

/// A new login of a user that is valid for `lifetime_s` seconds: the content of its token, and what the database stores.
#[must_use]
pub fn new_login(user: UserId, agent: String, lifetime_s: u64) -> (Claims, Login) {
    let now = time::now();
    let now_s = u64::try_from(now.0.div_euclid(1_000_000)).unwrap_or(0);
    let claims = Claims { user, login: LoginId(rand::random()), expires_s: now_s.saturating_add(lifetime_s) };
    let login = Login {
        id: claims.login.to_sql(),
        user_id: user.to_sql(),
        agent,
        created_us: now.0,
        expires_us: claims.expires().0,
    };
    (claims, login)
}

async fn clean(db: &Db) -> Result<(), DbError> {
    let now = time::now();
    db.write(move |connection| db::logins::remove_expired(connection, now)).await
}
