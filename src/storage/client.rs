//! The requests: listing, reading, writing and deleting objects, each with a limit on its time.

use super::{
    error::{StorageError, StorageFailure},
    options::{RequestLimits, StorageOptions},
    upload::{NewObject, Upload, unread},
    worker::{Given, Worker},
};
use crate::values::object::ObjectUrl;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, ObjectStore as _, ObjectStoreExt as _, aws::AmazonS3,
    path::Path as Key,
};
use std::{
    collections::HashMap,
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};

/// How many listed objects wait to be taken.
const LISTED: usize = 1_000;
/// The most bytes that one request reads.
pub(super) const MAX_PIECE: u64 = 16 * 1024 * 1024;
/// Files above this are written in several parts.
const ONE_PART: u64 = 32 * 1024 * 1024;
/// Writing may take this long, and a second more for each…
const WRITE_WITHIN: Duration = Duration::from_mins(2);
/// … of these bytes.
const SLOWEST_WRITE: u64 = 16 * 1024;
/// The name of the metadata that hold the name of the file that was imported, percent-encoded.
const NAME: &str = "segue-name";

/// How long requests are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Attempts {
    /// A listener waits: 10 s in all.
    Playback,
    /// Scans and imports: minutes.
    #[default]
    Background,
}

impl Attempts {
    /// For a request that reads or deletes, with all its tries.
    pub(super) const fn within(self) -> Duration {
        match self {
            Self::Playback => Duration::from_secs(10),
            Self::Background => Duration::from_mins(2),
        }
    }

    const fn limits(self) -> RequestLimits {
        match self {
            Self::Playback => RequestLimits {
                connect: Duration::from_secs(3),
                silence: Duration::from_secs(4),
                tries_end: Duration::from_secs(8),
                more_tries: 3,
            },
            Self::Background => RequestLimits {
                connect: Duration::from_secs(10),
                silence: Duration::from_secs(30),
                tries_end: Duration::from_secs(90),
                more_tries: 6,
            },
        }
    }
}

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Its size and names.
    pub head: ObjectHead,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHead {
    /// Size in bytes.
    pub size: u64,
    /// The entity tag without its quotes; empty where the service gives none.
    pub etag: String,
    /// When it was written, in nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
}

/// Some bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectBytes {
    /// As many bytes as were asked for.
    pub bytes: Bytes,
    /// What the answer says of the whole object.
    pub head: ObjectHead,
    /// The name of the file that was imported as this object.
    pub name: Option<String>,
}

/// How much went over the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, further tries not counted.
    pub requests: u64,
    /// Bytes of objects that were read: what services bill as egress.
    pub read: u64,
    /// Bytes of objects that were written.
    pub written: u64,
}

/// The buckets of a service. Cheap to clone; the clones share their connections and counts.
#[derive(Clone, Default)]
pub struct Storage(Arc<StorageShared>);

#[derive(Default)]
struct StorageShared {
    options: StorageOptions,
    attempts: Attempts,
    clients: Mutex<HashMap<String, AmazonS3>>,
    worker: Worker,
    requests: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("options", &self.0.options).field("attempts", &self.0.attempts).finish()
    }
}

/// The outcome of a request, which is awaited or waited for.
pub(super) type StorageResult<T> = Result<T, StorageError>;

impl Storage {
    /// The buckets of a service. Nothing is connected before the first request.
    #[must_use]
    pub fn new(options: StorageOptions, attempts: Attempts) -> Self {
        Self(Arc::new(StorageShared { options, attempts, ..StorageShared::default() }))
    }

    /// For how long a request is tried.
    pub(super) fn within(&self) -> Duration {
        self.0.attempts.within()
    }

    /// How much went over the network so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let StorageShared { requests, read, written, .. } = &*self.0;
        Traffic { requests: requests.load(Relaxed), read: read.load(Relaxed), written: written.load(Relaxed) }
    }

    /// The client of a bucket; made once, so that its connections are used again.
    fn client(&self, object: &ObjectUrl) -> StorageResult<AmazonS3> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&object.bucket) {
            return Ok(client.clone());
        }
        let made = self.0.options.client(&object.bucket, self.0.attempts.limits());
        let client = made.map_err(|reason| StorageError::new(StorageFailure::Refused, object, reason))?;
        clients.insert(object.bucket.clone(), client.clone());
        Ok(client)
    }

    /// Does a request on the thread of requests, for at most `within`.
    pub(super) fn ask<T: Send + 'static, F>(
        &self,
        object: &ObjectUrl,
        within: Duration,
        request: impl FnOnce(AmazonS3, Key, Self) -> F,
    ) -> StorageResult<Given<StorageResult<T>>>
    where
        F: Future<Output = StorageResult<T>> + Send + 'static,
    {
        let client = self.client(object)?;
        let key = Key::parse(&object.key).map_err(|error| StorageError::of(object, &error.into()))?;
        self.0.requests.fetch_add(1, Relaxed);
        let (request, late) = (request(client, key, self.clone()), object.clone());
        let bounded = async move {
            timeout(within, request).await.unwrap_or_else(|_| {
                let reason = format_args!("the service did not answer within {} s", within.as_secs());
                Err(StorageError::new(StorageFailure::Unavailable, &late, reason))
            })
        };
        self.0.worker.give(bounded).map_err(|error| StorageError::new(StorageFailure::Unavailable, object, error))
    }

    /// Bytes of an object, of the one with this entity tag if there is one. `range` must lie in it.
    ///
    /// # Errors
    /// See [`StorageFailure`]. Fewer bytes, other ones or those of another object are errors.
    pub async fn get(&self, object: &ObjectUrl, range: Range<u64>, etag: Option<&str>) -> StorageResult<ObjectBytes> {
        finish(object, self.begin_get(object, range, etag)?.wait().await)
    }

    /// The same as [`Storage::get`]; blocks.
    ///
    /// # Errors
    /// The same.
    pub fn get_blocking(
        &self,
        object: &ObjectUrl,
        range: Range<u64>,
        etag: Option<&str>,
    ) -> StorageResult<ObjectBytes> {
        finish(object, self.begin_get(object, range, etag)?.wait_blocking())
    }

    fn begin_get(
        &self,
        object: &ObjectUrl,
        range: Range<u64>,
        etag: Option<&str>,
    ) -> StorageResult<Given<StorageResult<ObjectBytes>>> {
        let (asked, etag) = (object.clone(), etag.map(str::to_owned));
        self.ask(object, self.0.attempts.within(), move |client, key, storage| async move {
            let wanted = range.end.saturating_sub(range.start);
            if wanted == 0 || wanted > MAX_PIECE {
                return Err(StorageError::new(StorageFailure::Wrong, &asked, format_args!("{wanted} bytes at once")));
            }
            let options = GetOptions {
                range: Some(GetRange::Bounded(range)),
                // A weak tag matches nothing (RFC 9110, section 13.1.1).
                if_match: etag.as_ref().filter(|tag| is_strong(tag)).map(|tag| format!("\"{tag}\"")),
                ..GetOptions::default()
            };
            let got = client.get_opts(&key, options).await.map_err(|error| StorageError::of(&asked, &error))?;
            storage.collect(&asked, got, wanted, etag.as_deref()).await
        })
    }

    /// The body of an answer, which must be as long as it was to be, and of the object that was meant.
    async fn collect(
        &self,
        object: &ObjectUrl,
        got: GetResult,
        wanted: u64,
        etag: Option<&str>,
    ) -> StorageResult<ObjectBytes> {
        let head = head_of(&got.meta);
        // Some services do not know `If-Match` on reads.
        if etag.is_some_and(|etag| !etag.is_empty() && etag != head.etag) {
            return Err(StorageError::changed(object));
        }
        let name = got.attributes.get(&Attribute::Metadata(NAME.into())).map(|name| decoded(name));
        let length = usize::try_from(wanted).unwrap_or(usize::MAX);
        let (mut body, mut bytes) = (got.into_stream(), BytesMut::with_capacity(length));
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| StorageError::of(object, &error))?;
            self.0.read.fetch_add(u64::try_from(part.len()).unwrap_or(0), Relaxed);
            if part.len() > length.saturating_sub(bytes.len()) {
                return Err(StorageError::new(
                    StorageFailure::Wrong,
                    object,
                    "the service sent more than was asked for",
                ));
            }
            bytes.extend_from_slice(&part);
        }
        if bytes.len() == length {
            return Ok(ObjectBytes { bytes: bytes.freeze(), head, name });
        }
        let reason = format_args!("the service sent {} bytes of {length}", bytes.len());
        Err(StorageError::new(StorageFailure::Wrong, object, reason))
    }

    /// Size and names of an object; blocks.
    ///
    /// # Errors
    /// See [`StorageFailure`].
    pub fn head_blocking(&self, object: &ObjectUrl) -> StorageResult<ObjectHead> {
        let asked = object.clone();
        let begun = self.ask(object, self.0.attempts.within(), move |client, key, _| async move {
            client.head(&key).await.map(|meta| head_of(&meta)).map_err(|error| StorageError::of(&asked, &error))
        });
        finish(object, begun?.wait_blocking())
    }

    /// Calls `see` with every object whose key begins with that of `start` and a slash, in the order of the service, until
    /// it returns false. Blocks.
    ///
    /// # Errors
    /// See [`StorageFailure`]. What was seen before stays seen.
    pub fn list_blocking(&self, start: &ObjectUrl, mut see: impl FnMut(ListedObject) -> bool) -> StorageResult<()> {
        let client = self.client(start)?;
        let key = Key::parse(&start.key).map_err(|error| StorageError::of(start, &error.into()))?;
        self.0.requests.fetch_add(1, Relaxed);
        let ((sender, listed), room) = (mpsc::channel(), Arc::new(Semaphore::new(LISTED)));
        let (listed, taken) = (ListEnd { listed, room: Arc::clone(&room) }, Arc::clone(&room));
        let (asked, within) = (start.clone(), self.0.attempts.within());
        let list = async move {
            let mut objects = client.list(Some(&key));
            loop {
                let next = match timeout(within, objects.next()).await {
                    Ok(None) => return,
                    Ok(Some(next)) => next.map_err(|error| StorageError::of(&asked, &error)),
                    Err(_) => Err(StorageError::new(StorageFailure::Unavailable, &asked, "the listing does not go on")),
                };
                let is_end = next.is_err();
                let next = next.map(|meta| ListedObject { key: meta.location.to_string(), head: head_of(&meta) });
                // An error says that who listed has left.
                let Ok(place) = room.acquire().await else { return };
                place.forget();
                if sender.send(next).is_err() || is_end {
                    return;
                }
            }
        };
        let given = self.0.worker.give(list);
        drop(given.map_err(|error| StorageError::new(StorageFailure::Unavailable, start, error))?);
        while let Ok(next) = listed.listed.recv() {
            taken.add_permits(1);
            if !see(next?) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes a file as an object. Blocks. The service checks the bytes against the SHA-256 in the signature, and they are
    /// those that `new` names, or nothing is written.
    ///
    /// # Errors
    /// See [`StorageFailure`]; [`StorageFailure::Exists`] when there is an object, unless `new` replaces it.
    pub fn put_blocking(&self, object: &ObjectUrl, new: &NewObject<'_>) -> StorageResult<()> {
        let size = std::fs::metadata(new.path).map_err(|error| unread(object, new.path, &error))?.len();
        let within = WRITE_WITHIN.saturating_add(Duration::from_secs(size / SLOWEST_WRITE));
        let upload = Upload {
            object: object.clone(),
            path: new.path.to_owned(),
            sha256: new.sha256,
            attributes: Attributes::from_iter([
                (Attribute::ContentType, new.content_type.to_owned()),
                (Attribute::Metadata(NAME.into()), encoded(new.name)),
            ]),
            replaces: new.replaces,
        };
        let begun = self.ask(object, within, move |client, key, storage| async move {
            let sent = if size <= ONE_PART {
                upload.at_once(&client, &key).await?
            } else {
                upload.in_parts(&client, &key).await?
            };
            storage.0.written.fetch_add(sent, Relaxed);
            Ok(())
        });
        finish(object, begun?.wait_blocking())
    }

    /// Deletes an object; one that is not there is no error. Blocks.
    ///
    /// # Errors
    /// See [`StorageFailure`].
    pub fn delete_blocking(&self, object: &ObjectUrl) -> StorageResult<()> {
        let asked = object.clone();
        let begun = self.ask(object, self.0.attempts.within(), move |client, key, _| async move {
            match client.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(StorageError::of(&asked, &error)),
            }
        });
        finish(object, begun?.wait_blocking())
    }
}

/// The end of a listing that takes; the other one stops when this is dropped.
struct ListEnd {
    listed: mpsc::Receiver<StorageResult<ListedObject>>,
    room: Arc<Semaphore>,
}

impl Drop for ListEnd {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// The outcome of a request, or that its thread has ended.
pub(super) fn finish<T>(object: &ObjectUrl, received: Option<StorageResult<T>>) -> StorageResult<T> {
    let ended = || Err(StorageError::new(StorageFailure::Unavailable, object, "the thread of requests has ended"));
    received.unwrap_or_else(ended)
}

fn head_of(meta: &object_store::ObjectMeta) -> ObjectHead {
    let etag = meta.e_tag.as_deref().unwrap_or_default();
    ObjectHead {
        size: meta.size,
        etag: etag.trim_matches('"').to_owned(),
        // Listings have parts of a second, other answers have not.
        modified_ns: meta.last_modified.timestamp().saturating_mul(1_000_000_000),
    }
}

/// Whether a tag without its quotes was a strong one.
fn is_strong(tag: &str) -> bool {
    !tag.is_empty() && !tag.starts_with("W/")
}

/// A name as metadata may hold it: ASCII.
fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_metadata_which_are_ascii() {
        for name in ["01 Ä#?%.flac", "a", "日本/..", ""] {
            assert!(encoded(name).is_ascii());
            assert_eq!(decoded(&encoded(name)), name);
        }
    }

    #[test]
    fn a_service_that_cannot_be_reached_is_said_to_be_unavailable_within_the_time() {
        let options = StorageOptions {
            // Nothing listens at the port of discard.
            endpoint: Some("http://127.0.0.1:9".to_owned()),
            path_style: true,
            key_file: None,
            region: None,
        };
        let storage = Storage::new(options, Attempts::Playback);
        let object = ObjectUrl::read("s3://music/a").expect("good");
        let refused = storage.get_blocking(&object, 0..0, None).expect_err("no bytes");
        assert_eq!(refused.kind, StorageFailure::Wrong);
        assert_eq!(storage.traffic(), Traffic { requests: 1, read: 0, written: 0 });
        let unread = Storage::new(
            StorageOptions { key_file: Some("/nowhere/keys".into()), ..StorageOptions::default() },
            Attempts::Playback,
        );
        let refused = unread.head_blocking(&object).expect_err("no keys");
        assert!(refused.kind == StorageFailure::Refused && refused.to_string().contains("/nowhere/keys"), "{refused}");
    }
}
