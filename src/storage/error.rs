//! What can go wrong with object storage.

use crate::values::object::ObjectUrl;
use std::fmt;

/// How many characters of the text of an error are kept: services put whole documents into it.
const MAX_TEXT: usize = 500;

/// The kind of an error of object storage, by what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageFailure {
    /// There is no such object or bucket.
    Absent,
    /// The object is not the one that was asked for: its `ETag` or size is another one.
    Changed,
    /// There is an object where a new one was to be written.
    Exists,
    /// The credentials are missing, wrong, or do not allow it.
    Refused,
    /// The service did not answer in time, or with an error of its own: trying again later helps.
    Unavailable,
    /// The answer does not fit the request.
    Wrong,
}

/// An error of object storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageError {
    /// Its kind.
    pub kind: StorageFailure,
    object: ObjectUrl,
    reason: String,
}

impl StorageError {
    pub(super) fn new(kind: StorageFailure, object: &ObjectUrl, reason: impl fmt::Display) -> Self {
        let reason: String = reason.to_string().chars().take(MAX_TEXT).collect();
        Self { kind, object: object.clone(), reason }
    }

    /// The object is another one than was scanned.
    #[must_use]
    pub fn changed(object: &ObjectUrl) -> Self {
        Self::new(StorageFailure::Changed, object, "the object has changed; scan again")
    }

    pub(super) fn of(object: &ObjectUrl, error: &object_store::Error) -> Self {
        use object_store::Error;
        match error {
            Error::NotFound { .. } => Self::new(StorageFailure::Absent, object, "there is no such object or bucket"),
            Error::Precondition { .. } | Error::NotModified { .. } => Self::changed(object),
            Error::AlreadyExists { .. } => Self::new(StorageFailure::Exists, object, "there is an object already"),
            Error::PermissionDenied { source, .. } | Error::Unauthenticated { source, .. } => Self::new(
                StorageFailure::Refused,
                object,
                format_args!("the credentials are missing or not enough for this: {source}"),
            ),
            Error::InvalidPath { source } => Self::new(
                StorageFailure::Wrong,
                object,
                format_args!("a key cannot be used, rename its object: {source}"),
            ),
            // Listings tell the status in their text alone.
            error => match error.to_string() {
                text if text.contains("status code: 404") => {
                    Self::new(StorageFailure::Absent, object, "there is no such object or bucket")
                }
                text if ["401", "403"].iter().any(|status| text.contains(&format!("status code: {status}"))) => {
                    let reason = format_args!("the credentials are missing or not enough for this: {text}");
                    Self::new(StorageFailure::Refused, object, reason)
                }
                text => Self::new(StorageFailure::Unavailable, object, text),
            },
        }
    }

    /// What was wrong, without the address of the object: for logs and terminals. It may name the service's address, so that
    /// it is nothing for clients of ours.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether trying again later helps.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, StorageFailure::Unavailable | StorageFailure::Wrong)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.reason)
    }
}

impl std::error::Error for StorageError {}
