//! API keys in memory, so that one is checked without the database: `segue_key_` and 43 characters of base64url.

use crate::{
    db::{DbError, api_keys::ApiKey},
    values::{login::LoginId, scope::KeyScope},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use segue_client::protocol::ids::{Micros, UserId};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// How every key begins, so that programs that look for secrets in files find it.
const PREFIX: &str = "segue_key_";
/// The longest name, in characters.
pub const KEY_NAME_CHARS: usize = 64;
/// The length of a day in microseconds.
const DAY_US: i64 = 86_400_000_000;

/// A new key as text, from the system's random generator: 256 bits. It is shown once and stored nowhere.
#[must_use]
pub fn new_api_key() -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// The hash by which the database knows a key. A plain one is enough for so many random bits.
#[must_use]
pub fn api_key_hash(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(key.as_bytes()))
}

/// Whether a token is meant as an API key.
pub(super) fn is_api_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// The name of a key as it is stored, without blanks around it.
///
/// # Errors
/// Why the name is not allowed.
pub fn checked_key_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > KEY_NAME_CHARS {
        return Err(format!("the name of a key has 1 to {KEY_NAME_CHARS} characters"));
    }
    match name.chars().find(|letter| !(letter.is_alphanumeric() || " .-_@+'()/:".contains(*letter))) {
        Some(bad) => {
            Err(format!("the name of a key has letters, digits, spaces and . - _ @ + ' ( ) / : but not {bad:?}"))
        }
        None => Ok(name.to_owned()),
    }
}

/// A key that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// Its id.
    pub id: LoginId,
    /// Whose it is.
    pub user: UserId,
    /// What its user calls it.
    pub name: Arc<str>,
    /// What it allows.
    pub scope: KeyScope,
    /// The day on which it was last used.
    used_day: Option<i64>,
}

/// All keys by their hashes. They are read at start, and those that were made since each second.
#[derive(Debug, Default)]
pub struct ApiKeys {
    known: RwLock<KnownKeys>,
}

#[derive(Debug, Default)]
struct KnownKeys {
    by_hash: HashMap<String, KnownKey>,
    newest: Option<Micros>,
    /// The days of last use that the database does not know yet.
    used: Vec<(LoginId, i64)>,
}

impl ApiKeys {
    /// The key with this text, which is being used now.
    pub(super) fn using(&self, text: &str, now: Micros) -> Option<KnownKey> {
        let found = self.read().by_hash.get(&api_key_hash(text)).cloned()?;
        self.note_use(&found, now);
        Some(found)
    }

    /// Whether a key with this id is known, which is being used now.
    #[must_use]
    pub fn is_used_on(&self, id: LoginId, now: Micros) -> bool {
        let found = self.read().by_hash.values().find(|key| key.id == id).cloned();
        found.is_some_and(|found| {
            self.note_use(&found, now);
            true
        })
    }

    fn note_use(&self, found: &KnownKey, now: Micros) {
        let today = now.0.div_euclid(DAY_US);
        if found.used_day == Some(today) {
            return;
        }
        let mut known = self.write();
        let key = known.by_hash.values_mut().find(|key| key.id == found.id && key.used_day != Some(today));
        if let Some(key) = key {
            key.used_day = Some(today);
            known.used.push((found.id, today));
        }
    }

    /// Adds keys; those that are known already change nothing.
    ///
    /// # Errors
    /// `Corrupt` for a scope that does not exist.
    pub fn add(&self, keys: Vec<ApiKey>) -> Result<(), DbError> {
        self.write().add(keys)
    }

    /// Replaces all by these.
    ///
    /// # Errors
    /// `Corrupt` for a scope that does not exist; nothing has changed then.
    pub(super) fn replace(&self, keys: Vec<ApiKey>) -> Result<(), DbError> {
        let mut fresh = KnownKeys::default();
        fresh.add(keys)?;
        *self.write() = fresh;
        Ok(())
    }

    /// Forgets keys that were removed.
    pub(super) fn forget(&self, is_gone: impl Fn(LoginId) -> bool) {
        let is_any = self.read().by_hash.values().any(|key| is_gone(key.id));
        if is_any {
            self.write().by_hash.retain(|_, key| !is_gone(key.id));
        }
    }

    /// When the newest key was made.
    pub(super) fn newest(&self) -> Option<Micros> {
        self.read().newest
    }

    /// The days of last use that are to be written. They are not returned again.
    pub(super) fn take_used(&self) -> Vec<(LoginId, i64)> {
        if self.read().used.is_empty() { Vec::new() } else { std::mem::take(&mut self.write().used) }
    }

    fn read(&self) -> RwLockReadGuard<'_, KnownKeys> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, KnownKeys> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownKeys {
    fn add(&mut self, keys: Vec<ApiKey>) -> Result<(), DbError> {
        for ApiKey { id, user_id, name, scope, hash, created_us, used_day } in keys {
            let scope = scope.parse().map_err(|_| DbError::Corrupt(format!("the scope of an API key: {scope:?}")))?;
            let (id, user) = (LoginId::from_sql(id), UserId::from_sql(user_id));
            self.by_hash.entry(hash).or_insert_with(|| KnownKey { id, user, name: name.into(), scope, used_day });
            self.newest = self.newest.max(Some(Micros(created_us)));
        }
        Ok(())
    }
}

/// A day of last use as people write it, in UTC: `2026-01-31`.
#[must_use]
pub fn used_on(day: i64) -> String {
    let mut text = crate::time::rfc3339(Micros(day.saturating_mul(DAY_US)));
    text.truncate("2026-01-31".len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: i64, text: &str) -> ApiKey {
        let (name, scope, hash) = ("player".to_owned(), "read".to_owned(), api_key_hash(text));
        ApiKey { id, user_id: 1, name, scope, hash, created_us: id * 10, used_day: None }
    }

    #[test]
    fn keys_are_found_by_their_text_and_hashed() {
        let (one, two) = (new_api_key(), new_api_key());
        assert!(one != two && is_api_key(&one) && one.len() == 53, "{one}");
        assert_eq!(api_key_hash("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        let keys = ApiKeys::default();
        keys.add(vec![key(7, &one)]).expect("a scope");
        let found = keys.using(&one, Micros(0)).expect("it is there");
        assert_eq!((found.id, found.user, found.scope), (LoginId(7), UserId(1), KeyScope::Read));
        assert_eq!(keys.using(&two, Micros(0)), None);
        assert_eq!(keys.newest(), Some(Micros(70)));
        keys.forget(|id| id == LoginId(7));
        assert_eq!(keys.using(&one, Micros(0)), None);
        assert_eq!(keys.newest(), Some(Micros(70)));
    }

    #[test]
    fn each_day_of_use_is_written_once() {
        let keys = ApiKeys::default();
        keys.add(vec![key(7, "a")]).expect("a scope");
        for now_us in [0, 1, DAY_US - 1] {
            keys.using("a", Micros(now_us));
        }
        assert_eq!(keys.take_used(), [(LoginId(7), 0)]);
        assert_eq!(keys.take_used(), []);
        keys.using("a", Micros(DAY_US));
        assert_eq!(keys.take_used(), [(LoginId(7), 1)]);
        assert_eq!(used_on(20_484), "2026-01-31");
    }

    #[test]
    fn names_of_keys_are_short_texts_of_one_line() {
        assert_eq!(checked_key_name(" Home Assistant (hall) ").as_deref(), Ok("Home Assistant (hall)"));
        for bad in ["", "  ", "a\nb", "a\u{202e}b", "a\"b", &"x".repeat(65)] {
            assert!(checked_key_name(bad).is_err(), "{bad:?}");
        }
    }
}
