//! Password hashes: argon2id with the parameters OWASP recommends (19 MiB, 2 passes), which are the crate's defaults.

use crate::db::passwordless::NO_PASSWORD;
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use std::{
    error::Error,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How long a caller waits for a free hashing slot.
const TURN: Duration = Duration::from_secs(10);

/// Why a password could not be hashed.
#[derive(Debug)]
pub enum PasswordError {
    /// No slot became free within 10 s.
    Busy,
    /// The hash function failed, or the text in the database is not a hash.
    Broken(String),
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many passwords are being checked: try again in a few seconds"),
            Self::Broken(cause) => write!(f, "a password cannot be checked: {cause}"),
        }
    }
}

impl Error for PasswordError {}

/// Hashes on the blocking thread pool, at most one password at a time for each core.
///
/// A hash takes 19 MiB. These buffers are made when they are first needed and kept until [`Passwords::release`]: memory that
/// is taken and given back on changing threads would add up with the threads.
pub struct Passwords {
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Hasher>>>,
    /// Whether a buffer was used since the last [`Passwords::release`].
    used: Arc<AtomicBool>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let turns = available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(turns)), idle: Arc::default(), used: Arc::default() }
    }

    /// Frees the buffers if none was used since the last call.
    pub fn release(&self) {
        if !self.used.swap(false, Ordering::Relaxed) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// The hash of a password as a PHC string with a random salt.
    ///
    /// # Errors
    /// `Busy`; `Broken` when the system's random generator fails.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move |hasher| hasher.hash(&password)).await
    }

    /// Whether the password matches the hash. Without a hash, and for [`NO_PASSWORD`], it computes one all the same, so
    /// that the time is equal, and returns `false`.
    ///
    /// # Errors
    /// `Busy`; `Broken` when `hash` is not a PHC string.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        self.run(move |hasher| hasher.verify(&password, hash.as_deref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Hasher) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        let (idle, used) = (Arc::clone(&self.idle), Arc::clone(&self.used));
        let outcome = spawn_blocking(move || {
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut hasher = free.unwrap_or_default();
            let outcome = run(&mut hasher);
            used.store(true, Ordering::Relaxed);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(hasher);
            drop(turn);
            outcome
        });
        outcome.await.unwrap_or_else(|error| Err(PasswordError::Broken(error.to_string())))
    }
}

/// The hash of a password as a PHC string. Blocks.
///
/// # Errors
/// `Broken` when the system's random generator fails.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    Hasher::default().hash(password)
}

/// Argon2id with the memory that it works on.
#[derive(Default)]
struct Hasher {
    blocks: Vec<Block>,
}

impl Hasher {
    fn hash(&mut self, password: &str) -> Result<String, PasswordError> {
        let salt = Salt::generate();
        let params = Params::default();
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::default().into()),
            params: ParamsString::try_from(&params).map_err(broken)?,
            salt: Some(salt),
            hash: Some(self.output(password, &salt, Version::default(), params, Params::DEFAULT_OUTPUT_LEN)?),
        };
        Ok(hash.to_string())
    }

    fn verify(&mut self, password: &str, expected: Option<&str>) -> Result<bool, PasswordError> {
        let Some(expected) = expected.filter(|hash| *hash != NO_PASSWORD) else {
            return self.hash(password).map(|_| false);
        };
        let expected = PasswordHash::new(expected).map_err(broken)?;
        let (ARGON2ID_IDENT, Some(salt), Some(output)) = (expected.algorithm, &expected.salt, &expected.hash) else {
            return Err(PasswordError::Broken("the database holds a hash of another kind".to_owned()));
        };
        let version = expected.version.map_or(Ok(Version::default()), Version::try_from).map_err(broken)?;
        let params = Params::try_from(&expected).map_err(broken)?;
        // Outputs are compared in constant time.
        Ok(self.output(password, salt, version, params, output.len())? == *output)
    }

    fn output(
        &mut self,
        password: &str,
        salt: &Salt,
        version: Version,
        params: Params,
        length: usize,
    ) -> Result<Output, PasswordError> {
        if self.blocks.len() < params.block_count() {
            self.blocks.resize(params.block_count(), Block::default());
        }
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or_else(|| broken("the hash is too long"))?;
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut self.blocks).map_err(broken)?;
        Output::new(output).map_err(broken)
    }
}

fn broken(cause: impl fmt::Display) -> PasswordError {
    PasswordError::Broken(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_password_and_no_other() {
        let stored = hash("correct horse").expect("randomness");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let mut hasher = Hasher::default();
        assert!(hasher.verify("correct horse", Some(&stored)).expect("a hash"));
        assert!(!hasher.verify("correct mule", Some(&stored)).expect("a hash"));
        assert!(!hasher.verify("correct horse", None).expect("randomness"));
        assert!(!hasher.verify(NO_PASSWORD, Some(NO_PASSWORD)).expect("randomness"));
        assert!(hasher.verify("correct horse", Some("plain")).is_err());
        // By the reference implementation, in C.
        let foreign =
            "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyBvaw$Oq6NUf8oUawuVWIqWRRrB80MYlKfkN6Nm4K6m5hBrTw";
        assert!(hasher.verify("correct horse", Some(foreign)).expect("a hash"));
    }

    #[tokio::test]
    async fn buffers_that_were_not_used_for_some_time_are_freed() {
        let passwords = Passwords::new();
        let buffers = || passwords.idle.lock().expect("no panic").len();
        for _ in 0..2 {
            assert!(!passwords.verify("x".to_owned(), None).await.expect("a turn comes"));
            passwords.release();
            assert_eq!(buffers(), 1, "it was used since the last call");
        }
        passwords.release();
        assert_eq!(buffers(), 0);
    }

    /// However many are checked, there are as many buffers as may work at once, and each is that of one hash.
    #[tokio::test]
    async fn buffers_are_used_again() {
        let passwords = Passwords::new();
        let turns = passwords.turns.available_permits();
        let checks = (0..=4 * turns).map(|_| passwords.verify("x".to_owned(), None));
        for outcome in futures_util::future::join_all(checks).await {
            assert!(!outcome.expect("a turn comes"));
        }
        let idle = passwords.idle.lock().expect("no panic");
        assert!(idle.len() <= turns, "{} buffers for {turns}", idle.len());
        assert!(idle.iter().all(|hasher| hasher.blocks.len() == Params::default().block_count()));
    }
}
