//! The key file: credentials of a bucket in a file of their own.

use serde::Deserialize;
use std::{fs, io::Read as _, path::Path};

/// The most bytes of a key file that are read.
const MAX_BYTES: u64 = 16 * 1024;

/// Credentials as a key file holds them, in TOML.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    /// That of temporary credentials.
    pub(super) session_token: Option<String>,
}

impl KeyFile {
    /// Reads a key file. Blocks.
    ///
    /// # Errors
    /// What is wrong with it. The text has nothing of what the file holds.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let opened = fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        opened.map_err(|error| format!("the key file {} cannot be read: {error}", path.display()))?;
        Self::parse(&text).map_err(|reason| format!("the key file {} {reason}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wanted = "has the lines access_key_id = \"…\" and secret_access_key = \"…\", and session_token = \"…\" if there is one";
        // The error of the parser shows the line, which may be the secret.
        let keys: Self = toml::from_str(text).map_err(|_| wanted.to_owned())?;
        if keys.access_key_id.is_empty() || keys.secret_access_key.is_empty() {
            return Err(wanted.to_owned());
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read_and_its_errors_tell_no_secret() {
        let keys = KeyFile::parse("access_key_id = \"AK\"\nsecret_access_key = \"SK\"\n").expect("both are there");
        assert_eq!((keys.access_key_id.as_str(), keys.session_token), ("AK", None));
        for text in ["secret_access_key = 'hush", "secret_access_key = 'hush'", "", "hush = 'hush'"] {
            let refused = KeyFile::parse(text).err().expect("it is not complete");
            assert!(refused.contains("access_key_id") && !refused.contains("hush"), "{refused}");
        }
        let refused = KeyFile::read(Path::new("/nowhere/keys")).err().expect("it is not there");
        assert!(refused.starts_with("the key file /nowhere/keys cannot be read"), "{refused}");
    }
}
