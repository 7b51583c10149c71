//! Covers: finds the picture, scales it to the requested size, and caches the result in a folder of limited size.

use super::{
    content::cover_id,
    tags::{self, MAX_PICTURE_BYTES},
};
use crate::db::covers::Source;
use image::{DynamicImage, ImageReader, Limits, codecs::jpeg::JpegEncoder, imageops::FilterType};
use std::{
    fs::{self, File},
    io::{self, Cursor, Read as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The sizes that are made, in pixels of the longer side. They are few, so that requests for all of them cannot fill
/// the cache.
pub const SIZES: [u32; 5] = [64, 128, 300, 640, 1200];
/// Pictures wider or higher than this many pixels are not decoded: a small file can declare a size of gigabytes.
const MAX_SIDE: u32 = 8_000;
/// Pictures that need more memory than this to decode are refused.
const MAX_DECODED_BYTES: u64 = 128 * 1024 * 1024;
/// JPEG quality of scaled pictures, 1 to 100.
const JPEG_QUALITY: u8 = 85;
/// When the cache folder exceeds this size, the oldest files are removed until half of it is left.
const MAX_KEPT_BYTES: u64 = 256 * 1024 * 1024;
/// How long a tag parser may read to find a picture.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// A cover's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The picture.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
}

/// Makes covers and caches them.
#[derive(Debug)]
pub struct Covers {
    folder: PathBuf,
    /// Bytes written since the folder's size was last counted. Starts at the limit, so that the first write counts it.
    written: AtomicU64,
    /// Held while a picture is decoded: one at a time, which bounds memory and processor use.
    decoding: Mutex<()>,
}

impl Covers {
    /// Covers that are cached in `folder`, which is created when needed.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, written: AtomicU64::new(MAX_KEPT_BYTES), decoding: Mutex::new(()) }
    }

    /// The cover with this id: the original, or a JPEG of at most `size` pixels a side, which must be one of [`SIZES`].
    /// `None` when no source has this picture, or when it cannot be decoded. Blocks.
    #[must_use]
    pub fn get(&self, id: i64, size: Option<u32>, salt: i64, sources: &[Source]) -> Option<Cover> {
        let Some(size) = size else { return original(id, salt, sources) };
        let kept = self.folder.join(format!("{:016x}-{size}.jpg", id.cast_unsigned()));
        if let Ok(bytes) = fs::read(&kept) {
            return Some(Cover { bytes, media_type: "image/jpeg" });
        }
        let _turn = self.decoding.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have made it while this one waited.
        let bytes = fs::read(&kept).ok().or_else(|| {
            let bytes = smaller(&original(id, salt, sources)?.bytes, size)?;
            if let Err(error) = self.keep(&kept, &bytes) {
                log::warn!("cannot write a cover to {}: {error}", self.folder.display());
            }
            Some(bytes)
        });
        bytes.map(|bytes| Cover { bytes, media_type: "image/jpeg" })
    }

    fn keep(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // Written under another name first, so that no reader gets an incomplete file.
        let aside = path.with_extension("new");
        fs::write(&aside, bytes)?;
        fs::rename(&aside, path)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.written.fetch_add(length, Ordering::Relaxed).saturating_add(length) > MAX_KEPT_BYTES / 2 {
            self.written.store(clear(&self.folder)?.saturating_sub(MAX_KEPT_BYTES / 2), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// If the folder exceeds [`MAX_KEPT_BYTES`], removes the oldest files until half of that is left. Returns the bytes
/// left.
fn clear(folder: &Path) -> io::Result<u64> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let metadata = entry.metadata()?;
        files.push((metadata.modified()?, metadata.len(), entry.path()));
    }
    let mut left: u64 = files.iter().map(|(_, length, _)| length).sum();
    if left <= MAX_KEPT_BYTES {
        return Ok(left);
    }
    files.sort();
    for (_, length, path) in files {
        if left <= MAX_KEPT_BYTES / 2 {
            break;
        }
        fs::remove_file(path)?;
        left = left.saturating_sub(length);
    }
    Ok(left)
}

/// The original picture, from the first source that still has it.
fn original(id: i64, salt: i64, sources: &[Source]) -> Option<Cover> {
    let found = sources.iter().find_map(|source| {
        let bytes = match source {
            Source::Picture(path) => read_picture(path).ok(),
            Source::Audio(path) => tags::read(path, &File::open(path).ok()?, READ_LIMIT).ok()?.tags.picture,
        };
        bytes.filter(|bytes| cover_id(salt, bytes) == Some(id))
    });
    let bytes = found?;
    let media_type = image::guess_format(&bytes).ok()?.to_mime_type();
    Some(Cover { bytes, media_type })
}

fn read_picture(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_PICTURE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The picture as a JPEG of at most `size` pixels a side; never larger than it was.
fn smaller(bytes: &[u8], size: u32) -> Option<Vec<u8>> {
    // The bytes may be hostile: a decoder that panics must not poison the lock or end the thread.
    let decoded = std::panic::catch_unwind(|| decode(bytes)).ok()?;
    let picture = match decoded {
        Ok(picture) if picture.width() > size || picture.height() > size => {
            picture.resize(size, size, FilterType::Triangle)
        }
        Ok(picture) => picture,
        Err(error) => {
            log::debug!("a cover cannot be decoded: {error}");
            return None;
        }
    };
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).encode_image(&on_white(&picture)).ok()?;
    Some(out)
}

fn decode(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    reader.limits(limits);
    reader.decode()
}

/// The picture on a white background, because JPEG has no transparency.
fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let mut white = image::RgbaImage::from_pixel(picture.width(), picture.height(), image::Rgba([255; 4]));
    image::imageops::overlay(&mut white, &picture.to_rgba8(), 0, 0);
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(white).to_rgb8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgba8(width, height).write_to(&mut bytes, format).expect("encoded");
        bytes.into_inner()
    }

    fn size_of(jpeg: &[u8]) -> (u32, u32) {
        assert_eq!(image::guess_format(jpeg).expect("a picture"), ImageFormat::Jpeg);
        let picture = image::load_from_memory(jpeg).expect("opens");
        (picture.width(), picture.height())
    }

    #[test]
    fn pictures_are_scaled_down_and_never_up() {
        let png = picture(400, 200, ImageFormat::Png);
        assert_eq!(size_of(&smaller(&png, 64).expect("made")), (64, 32));
        assert_eq!(size_of(&smaller(&png, 640).expect("made")), (400, 200));
        assert_eq!(size_of(&smaller(&picture(30, 30, ImageFormat::WebP), 64).expect("made")), (30, 30));
    }

    #[test]
    fn a_picture_that_declares_a_huge_size_is_not_decoded() {
        // 8,001 × 1 pixels need little memory; the side alone is refused.
        assert_eq!(smaller(&picture(MAX_SIDE + 1, 1, ImageFormat::Png), 64), None);
        assert_eq!(smaller(b"\x89PNG\r\n\x1a\nnot really", 64), None);
    }

    #[test]
    fn scaled_covers_are_cached_and_a_changed_source_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cover.png");
        let png = picture(100, 100, ImageFormat::Png);
        fs::write(&path, &png).expect("written");
        let covers = Covers::new(folder.path().join("kept"));
        let id = cover_id(5, &png).expect("a picture");
        let sources = [Source::Picture(path.clone())];
        assert_eq!(covers.get(id, None, 5, &sources).map(|cover| cover.bytes), Some(png));
        let made = covers.get(id, Some(64), 5, &sources).expect("made");
        fs::write(&path, picture(50, 50, ImageFormat::Png)).expect("written");
        assert_eq!(covers.get(id, Some(64), 5, &sources), Some(made), "it was kept");
        assert_eq!(covers.get(id, Some(128), 5, &sources), None, "the source is another picture now");
    }

    #[test]
    fn a_full_cache_removes_its_oldest_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..5 {
            let file = File::create(folder.path().join(number.to_string())).expect("made");
            file.set_len(MAX_KEPT_BYTES / 4).expect("grown");
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number)).expect("aged");
        }
        assert_eq!(clear(folder.path()).expect("cleared"), MAX_KEPT_BYTES / 2);
        assert!(!folder.path().join("2").exists() && folder.path().join("3").exists());
    }
}
