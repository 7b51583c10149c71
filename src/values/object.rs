//! Addresses of objects in S3-compatible storage: `s3://BUCKET/KEY`. Music folders and paths of files may be such addresses.

use std::{
    ffi::OsStr,
    fmt,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

/// What such addresses begin with.
const SCHEME: &str = "s3://";
/// The most bytes of a key (Amazon S3, "Naming objects").
const MAX_KEY_BYTES: usize = 1024;

/// A bucket and a key in it, or the start of keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectUrl {
    /// The bucket.
    pub bucket: String,
    /// The key, without a slash at either end; empty for the whole bucket.
    pub key: String,
}

impl ObjectUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it; the text completes the sentence "KEY …".
    pub fn read(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("is an address such as s3://bucket/music, not {text:?}: {why}"));
        let Some(rest) = text.strip_prefix(SCHEME) else { return refuse("it does not begin with s3://") };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let at_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let name = bucket.as_bytes();
        if !(3..=63).contains(&name.len()) || !name.iter().all(|byte| of_name(*byte)) {
            return refuse("a bucket has 3 to 63 small letters, digits, dots and hyphens");
        }
        if !at_edge(name.first()) || !at_edge(name.last()) {
            return refuse("a bucket begins and ends with a letter or a digit");
        }
        let key = key.trim_end_matches('/');
        let is_segment =
            |segment: &str| !matches!(segment, "" | "." | "..") && !segment.bytes().any(|byte| byte.is_ascii_control());
        if !key.is_empty() && !key.split('/').all(is_segment) {
            return refuse("its path has an empty part, a dot alone or a control character");
        }
        if key.len() > MAX_KEY_BYTES {
            return refuse("it has more than 1,024 bytes");
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The object at a path, if that is such an address.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        if is_object(path) { Self::read(path.to_str()?).ok() } else { None }
    }

    /// The address as a path.
    #[must_use]
    pub fn to_path(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }

    /// The object whose key follows after this one and a slash.
    #[must_use]
    pub fn join(&self, rest: &str) -> Self {
        let key = if self.key.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.key) };
        Self { bucket: self.bucket.clone(), key }
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.bucket)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, "/{}", self.key) }
    }
}

/// Whether a path is the address of an object, not of a file.
#[must_use]
pub fn is_object(path: impl AsRef<OsStr>) -> bool {
    path.as_ref().as_bytes().starts_with(SCHEME.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_as_they_are() {
        for (text, bucket, key) in [
            ("s3://music", "music", ""),
            ("s3://music/", "music", ""),
            ("s3://my.music-1/A/Ä b#1.flac", "my.music-1", "A/Ä b#1.flac"),
            ("s3://music/a/b//", "music", "a/b"),
        ] {
            let url = ObjectUrl::read(text).expect(text);
            assert_eq!((url.bucket.as_str(), url.key.as_str()), (bucket, key));
            assert_eq!(url.to_string(), text.trim_end_matches('/'));
            assert_eq!(ObjectUrl::of_path(&url.to_path()), Some(url));
        }
        let folder = Path::new("s3://music/a");
        assert!(folder.join("b/c.mp3").starts_with(folder) && !Path::new("s3://music/ab").starts_with(folder));
        assert_eq!(ObjectUrl::of_path(&folder.join("b")).map(|url| url.key), Some("a/b".to_owned()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("http://music", "does not begin with s3://"),
            ("s3://", "3 to 63"),
            ("s3://Music", "small letters"),
            ("s3://-music", "begins and ends"),
            ("s3://music//a", "empty part"),
            ("s3://music/a/../b", "a dot alone"),
            ("s3://music/a\u{7}", "control character"),
        ] {
            let refused = ObjectUrl::read(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
        assert!(ObjectUrl::read(&format!("s3://music/{}", "a".repeat(1025))).is_err());
        assert!(!is_object(Path::new("/s3:/x")) && ObjectUrl::of_path(Path::new("/music")).is_none());
    }
}
