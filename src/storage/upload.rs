//! Writing a file as an object, at once or in parts.

use super::error::{StorageError, StorageFailure};
use crate::{media::digest::Digest, values::object::ObjectUrl};
use bytes::{Bytes, BytesMut};
use object_store::{
    Attributes, ObjectStore as _, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, WriteMultipart,
    aws::AmazonS3, path::Path as Key,
};
use sha2::{Digest as _, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
};
use tokio::{fs, io::AsyncReadExt as _};

/// The bytes of a part.
const PART: usize = 8 * 1024 * 1024;

/// A file that is to become an object.
#[derive(Debug, Clone, Copy)]
pub struct NewObject<'a> {
    /// The file.
    pub path: &'a Path,
    /// The SHA-256 that it must have.
    pub sha256: Digest,
    /// The name of the file, which the object's metadata keep.
    pub name: &'a str,
    /// The media type for who reads the object from the service itself.
    pub content_type: &'static str,
    /// Whether it takes the place of an object that is there.
    pub replaces: bool,
}

/// A file on its way.
pub(super) struct Upload {
    pub(super) object: ObjectUrl,
    pub(super) path: PathBuf,
    pub(super) sha256: Digest,
    pub(super) attributes: Attributes,
    pub(super) replaces: bool,
}

impl Upload {
    /// Writes it by one request; returns how many bytes.
    pub(super) async fn at_once(self, client: &AmazonS3, key: &Key) -> Result<u64, StorageError> {
        let bytes = fs::read(&self.path).await.map_err(|error| unread(&self.object, &self.path, &error))?;
        self.check(Sha256::digest(&bytes).into())?;
        let sent = u64::try_from(bytes.len()).unwrap_or(0);
        let mode = if self.replaces { PutMode::Overwrite } else { PutMode::Create };
        let options = PutOptions { mode, attributes: self.attributes.clone(), ..PutOptions::default() };
        let written = client.put_opts(key, Bytes::from(bytes).into(), options).await;
        written.map(|_| sent).map_err(|error| self.failed(&error))
    }

    /// Writes it by several requests; returns how many bytes.
    pub(super) async fn in_parts(self, client: &AmazonS3, key: &Key) -> Result<u64, StorageError> {
        // No service has a condition for the parts: whoever was first is looked for before.
        if !self.replaces && client.head(key).await.is_ok() {
            return Err(StorageError::new(StorageFailure::Exists, &self.object, "there is an object already"));
        }
        let options = PutMultipartOptions { attributes: self.attributes.clone(), ..PutMultipartOptions::default() };
        let begun = client.put_multipart_opts(key, options).await.map_err(|error| self.failed(&error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(begun, PART);
        match self.send_parts(&mut upload).await {
            Ok(sent) => upload.finish().await.map(|_| sent).map_err(|error| self.failed(&error)),
            Err(error) => {
                // What was sent is kept and billed by the service until it is given up.
                drop(upload.abort().await);
                Err(error)
            }
        }
    }

    async fn send_parts(&self, upload: &mut WriteMultipart) -> Result<u64, StorageError> {
        let unread = |error: io::Error| unread(&self.object, &self.path, &error);
        let mut file = fs::File::open(&self.path).await.map_err(unread)?;
        let (mut hash, mut sent) = (Sha256::new(), 0_u64);
        loop {
            let mut part = BytesMut::with_capacity(PART);
            while part.len() < PART && file.read_buf(&mut part).await.map_err(unread)? > 0 {}
            if part.is_empty() {
                self.check(hash.finalize().into())?;
                return Ok(sent);
            }
            hash.update(&part);
            sent = sent.saturating_add(u64::try_from(part.len()).unwrap_or(0));
            upload.wait_for_capacity(1).await.map_err(|error| self.failed(&error))?;
            upload.put(part.freeze());
        }
    }

    /// Whether the file is still the one that was meant.
    fn check(&self, sha256: [u8; 32]) -> Result<(), StorageError> {
        if Digest(sha256) == self.sha256 {
            return Ok(());
        }
        let changed = io::Error::other("the file changed while it was copied");
        Err(unread(&self.object, &self.path, &changed))
    }

    fn failed(&self, error: &object_store::Error) -> StorageError {
        match StorageError::of(&self.object, error) {
            // The answer to `If-None-Match` when there is an object.
            error if error.kind == StorageFailure::Changed => {
                StorageError::new(StorageFailure::Exists, &self.object, "there is an object already")
            }
            error => error,
        }
    }
}

/// The error for a file that cannot be read.
pub(super) fn unread(object: &ObjectUrl, path: &Path, error: &io::Error) -> StorageError {
    StorageError::new(StorageFailure::Wrong, object, format_args!("{}: {error}", path.display()))
}
