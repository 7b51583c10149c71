//! Covers: finds the picture, scales it to the requested size, and caches the result in a folder of limited size.

mod cache;
mod failures;
mod id;
mod picture;
mod pool;

pub use id::{cover_id, cover_of};
pub use picture::{SIZES, open, read, read_object};

use super::tags;
use crate::{
    db::covers::Source,
    media::by_folder::ByFolder,
    storage::{ObjectReader, Storage},
    values::object::{ObjectUrl, is_object},
};
use bytes::Bytes;
use cache::{Cache, MAKER};
use failures::{CoverFailure, Failures};
use pool::Pool;
use segue_actors::count;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;

/// Threads of a music folder that read and decode pictures. Each needs up to about 30 MiB to read.
const THREADS: usize = 2;
/// How many covers of a music folder wait for these threads; requests for one cover in one size count once.
const QUEUE: usize = 256;
/// How long a request waits for its cover.
const WAIT: Duration = Duration::from_secs(30);
/// How long a tag parser may read to find a picture.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// A cover's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverImage {
    /// The picture.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
    /// Whether it is the picture as it is in the file.
    pub is_original: bool,
}

/// A cover that is asked for.
#[derive(Debug, Clone)]
pub struct CoverRequest {
    /// The id of the picture.
    pub id: i64,
    /// One of [`SIZES`]; `None` for the picture as it is in the file.
    pub size: Option<u32>,
    /// The secret in the ids of covers.
    pub salt: i64,
    /// Files that may hold the picture.
    pub sources: Vec<Source>,
}

/// Too many covers are being made; trying again later helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Makes covers and caches them. Pictures are read and decoded by threads of its own, so that covers cannot take the
/// threads that the rest of the server blocks; each music folder has some, so that a disk that does not answer holds up
/// the covers on it alone.
#[derive(Debug)]
pub struct Covers {
    maker: Arc<Maker>,
    pools: ByFolder<CoverPool>,
}

/// The threads of a music folder: what is made by id and size.
type CoverPool = Pool<(i64, Option<u32>), Option<CoverImage>>;

impl Covers {
    /// Covers of these music folders that are cached in `folder`, which is created when needed. `storage` has those that
    /// are in buckets.
    #[must_use]
    pub fn new(folder: PathBuf, music: &[PathBuf], storage: Storage) -> Self {
        let (cache, failures) = (Cache::new(folder), Failures::default());
        let maker = Arc::new(Maker { cache, failures, storage, decoding: <[Mutex<()>; 2]>::default() });
        Self { maker, pools: ByFolder::new(music, || Pool::new("covers", THREADS, QUEUE)) }
    }

    /// A name for a cover in one size as this version makes it, for `ETag`.
    #[must_use]
    pub fn tag(id: i64, size: u32) -> String {
        format!("{:016x}-{size}-{MAKER}", id.cast_unsigned())
    }

    /// A cover: a JPEG of at most the size asked for, or the original where no size was asked for and where the picture
    /// cannot be decoded. `None` when no source has this picture.
    ///
    /// # Errors
    /// `Busy` when too many others wait, or when it was not made within 30 s.
    pub async fn get(&self, wanted: CoverRequest) -> Result<Option<CoverImage>, Busy> {
        if let Some(size) = wanted.size {
            let cached = tokio::fs::read(self.maker.cache.path(wanted.id, size)).await;
            count::cover(cached.is_ok());
            if let Ok(bytes) = cached {
                return Ok(Some(scaled(bytes)));
            }
        }
        let size = match self.maker.failures.of(wanted.id) {
            Some(CoverFailure::Gone) => return Ok(None),
            Some(CoverFailure::Undecodable) => None,
            None => wanted.size,
        };
        let (id, maker) = (wanted.id, Arc::clone(&self.maker));
        let wanted = CoverRequest { size, ..wanted };
        let pool = self.pools.of(wanted.sources.first().map_or(Path::new(""), Source::path));
        let made = pool.ask((id, size), move || maker.make(&wanted)).ok_or(Busy)?;
        match timeout(WAIT, made).await {
            Ok(made) => Ok(made.unwrap_or_default()),
            Err(_) => Err(Busy),
        }
    }
}

/// What the threads share.
#[derive(Debug)]
struct Maker {
    cache: Cache,
    failures: Failures,
    storage: Storage,
    /// Two pictures are decoded at once: each needs up to about 100 MiB, one of them up to about 400 MiB at a time.
    decoding: [Mutex<()>; 2],
}

impl Maker {
    /// Reads, decodes and caches a cover. Blocks.
    fn make(&self, wanted: &CoverRequest) -> Option<CoverImage> {
        let CoverRequest { id, size, .. } = *wanted;
        let Some(original) = original(wanted, &self.storage) else {
            self.failures.note(id, CoverFailure::Gone);
            return None;
        };
        let Some(size) = size else { return Some(original) };
        let [even, odd] = &self.decoding;
        let turn = if id % 2 == 0 { even } else { odd }.lock().unwrap_or_else(PoisonError::into_inner);
        let made = picture::smaller(&original.bytes, size);
        drop(turn);
        let Some(bytes) = made else {
            log::info!("the cover {:016x} is sent as it is in its file: it cannot be decoded", id.cast_unsigned());
            self.failures.note(id, CoverFailure::Undecodable);
            return Some(original);
        };
        if let Err(error) = self.cache.keep(id, size, &bytes) {
            log::warn!("cannot write a cover to {}: {error}", self.cache.folder().display());
        }
        Some(scaled(bytes))
    }
}

fn scaled(bytes: Vec<u8>) -> CoverImage {
    CoverImage { bytes: bytes.into(), media_type: "image/jpeg", is_original: false }
}

/// The original picture, from the first source that still has it.
fn original(wanted: &CoverRequest, storage: &Storage) -> Option<CoverImage> {
    let found = wanted.sources.iter().find_map(|source| {
        let bytes = match source {
            Source::Picture(path) => match ObjectUrl::of_path(path) {
                Some(object) => read_object(storage, &object).ok(),
                None => read(path).ok(),
            },
            Source::Audio(path) if is_object(path) => {
                let object = ObjectUrl::of_path(path)?;
                let head = storage.head_blocking(&object).ok()?;
                let reader = ObjectReader::new(storage.clone(), object, head);
                tags::read(path, reader, READ_LIMIT).ok()?.tags.picture
            }
            Source::Audio(path) => tags::read(path, &picture::open(path).ok()?, READ_LIMIT).ok()?.tags.picture,
        };
        bytes.filter(|bytes| cover_id(wanted.salt, bytes) == Some(wanted.id))
    });
    let bytes = found?;
    let media_type = picture::media_type(&bytes)?;
    Some(CoverImage { bytes: bytes.into(), media_type, is_original: true })
}

#[cfg(test)]
mod tests {
    use super::{picture::tests::picture, *};
    use image::ImageFormat;
    use std::{fs, path::Path};

    /// The source of a picture file with these bytes, and what asks for it in a size.
    fn source(path: &Path, bytes: &[u8]) -> impl Fn(Option<u32>) -> CoverRequest + use<> {
        fs::write(path, bytes).expect("written");
        let (id, sources) = (cover_id(5, bytes).expect("a picture"), vec![Source::Picture(path.to_owned())]);
        move |size| CoverRequest { id, size, salt: 5, sources: sources.clone() }
    }

    #[tokio::test]
    async fn scaled_covers_are_cached_and_a_changed_source_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cover.png");
        let png = picture(100, 100, ImageFormat::Png);
        let wanted = source(&path, &png);
        let covers = Covers::new(folder.path().join("kept"), &[], Storage::default());
        assert_eq!(covers.get(wanted(None)).await.expect("room").map(|cover| cover.bytes), Some(png.into()));
        let made = covers.get(wanted(Some(64))).await.expect("room").expect("made");
        fs::write(&path, picture(50, 50, ImageFormat::Png)).expect("written");
        assert_eq!(covers.get(wanted(Some(64))).await, Ok(Some(made)), "it was kept");
        assert_eq!(covers.get(wanted(Some(128))).await, Ok(None), "the source is another picture now");
    }

    #[tokio::test]
    async fn a_picture_that_cannot_be_decoded_is_sent_as_it_is_and_not_decoded_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let broken = b"\x89PNG\r\n\x1a\nnot really";
        let wanted = source(&folder.path().join("cover.png"), broken);
        let covers = Covers::new(folder.path().join("kept"), &[], Storage::default());
        let made = covers.get(wanted(Some(64))).await.expect("room").expect("the original");
        assert_eq!((&made.bytes[..], made.media_type, made.is_original), (&broken[..], "image/png", true));
        assert_eq!(covers.maker.failures.of(wanted(None).id), Some(CoverFailure::Undecodable));
        // In its place a picture that would be scaled, under the same id: it is not even tried.
        assert_eq!(covers.get(wanted(Some(300))).await, Ok(Some(made)));
    }
}
