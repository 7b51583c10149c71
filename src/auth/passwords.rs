//! Password hashes: argon2id with the parameters OWASP recommends (19 MiB, 2 passes), which are the crate's defaults.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use std::{fmt, sync::Arc, thread::available_parallelism, time::Duration};
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

impl std::error::Error for PasswordError {}

/// Hashes on the blocking thread pool, at most one at a time for each core, because each hash takes 19 MiB.
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from))) }
    }

    /// The hash of a password as a PHC string with a random salt.
    ///
    /// # Errors
    /// `Busy`; `Broken` when the system's random generator fails.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || hash(&password)).await
    }

    /// Whether the password matches the hash. Without a hash it computes one all the same, so that the time is equal,
    /// and returns `false`.
    ///
    /// # Errors
    /// `Busy`; `Broken` when `hash` is not a PHC string.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        self.run(move || verify(&password, hash.as_deref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        let outcome = spawn_blocking(move || {
            let outcome = run();
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
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Broken(error.to_string()))
}

fn verify(password: &str, expected: Option<&str>) -> Result<bool, PasswordError> {
    let Some(expected) = expected else { return hash(password).map(|_| false) };
    let expected = PasswordHash::new(expected).map_err(|error| PasswordError::Broken(error.to_string()))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &expected).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_password_and_no_other() {
        let hashed = hash("correct horse").expect("randomness");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse", Some(&hashed)).expect("a hash"));
        assert!(!verify("correct mule", Some(&hashed)).expect("a hash"));
        assert!(!verify("correct horse", None).expect("randomness"));
        assert!(verify("correct horse", Some("plain")).is_err());
    }
}
