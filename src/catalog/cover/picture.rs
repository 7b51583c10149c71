//! Pictures: reads them from files, and decodes and scales them within limits of memory. The bytes may be hostile.

use crate::{
    catalog::tags::MAX_PICTURE_BYTES,
    db::unscaled::Unscaled,
    storage::{ObjectReader, Storage},
    values::object::ObjectUrl,
};
use image::{
    DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, ImageResult, Limits, codecs::jpeg::JpegEncoder,
    imageops::FilterType, metadata::Orientation,
};
use std::{
    fs::{self, File},
    io::{self, Cursor, Read as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The sizes that are made, in pixels of the longer side. They are few, so that requests for all of them cannot fill
/// the cache.
pub const SIZES: [u32; 5] = [64, 128, 300, 640, 1200];
/// Pictures wider or higher than this many pixels are not decoded: a small file can declare a size of gigabytes.
const MAX_SIDE: u32 = 8_000;
/// Pictures that need more memory than this to decode are refused.
const MAX_DECODED_BYTES: u64 = 128 * 1024 * 1024;
/// Pictures that need more memory than this are decoded one at a time: a decoder may need twice as much beside it.
const LARGE_BYTES: u64 = 32 * 1024 * 1024;
/// JPEG quality of scaled pictures, 1 to 100.
const JPEG_QUALITY: u8 = 85;

static LARGE: Mutex<()> = Mutex::new(());

/// Opens a regular file; anything else, such as a pipe, could block for good. Blocks.
///
/// # Errors
/// Those of opening, and `InvalidInput` for what is no file.
pub fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

/// Reads a picture file of at most [`MAX_PICTURE_BYTES`]. A larger one is refused before it is read. Blocks.
///
/// # Errors
/// Those of reading, and `FileTooLarge`.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, most) = (open(path)?, u64::try_from(MAX_PICTURE_BYTES).unwrap_or(u64::MAX));
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= most {
        // It may grow meanwhile.
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    if size > most || bytes.len() > MAX_PICTURE_BYTES {
        let text = format!("a picture may have {} MiB at most", most / 1024 / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Reads a picture of at most [`MAX_PICTURE_BYTES`] that is an object in a bucket. Blocks.
///
/// # Errors
/// Those of reading, and `FileTooLarge`.
pub fn read_object(storage: &Storage, object: &ObjectUrl) -> io::Result<Vec<u8>> {
    let head = storage.head_blocking(object).map_err(io::Error::other)?;
    if usize::try_from(head.size).map_or(true, |size| size > MAX_PICTURE_BYTES) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the picture is too large"));
    }
    let size = head.size;
    ObjectReader::new(storage.clone(), object.clone(), head).read_range(0..size)
}

/// The media type of a picture; `None` when the bytes are none.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    format(bytes).map(|format| format.to_mime_type())
}

fn format(bytes: &[u8]) -> Option<ImageFormat> {
    image::guess_format(bytes).ok().or_else(|| is_avif(bytes).then_some(ImageFormat::Avif))
}

/// Whether the brands of an ISO base media file include AVIF's (AV1 Image File Format, section 6; ISO/IEC 14496-12,
/// 4.3). `image` knows only files whose first brand is `avif`.
fn is_avif(bytes: &[u8]) -> bool {
    let Some((head, _)) = bytes.split_first_chunk::<8>() else { return false };
    let [a, b, c, d, b'f', b't', b'y', b'p'] = *head else { return false };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let (brands, _) = bytes.get(8..length.min(bytes.len())).unwrap_or_default().as_chunks::<4>();
    // The second is the version of the first.
    brands.iter().enumerate().any(|(index, brand)| index != 1 && matches!(brand, b"avif" | b"avis"))
}

/// What is known of a picture that cannot be scaled; `None` for one that can. Reads only its head.
pub(super) fn facts(bytes: &[u8]) -> Option<Unscaled> {
    let decoder = || {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        reader.limits(limits);
        let decoder = reader.into_decoder().ok()?;
        Some((decoder.dimensions(), decoder.total_bytes()))
    };
    match std::panic::catch_unwind(decoder).ok().flatten() {
        Some(((width, height), bytes)) => {
            let is_small = width.max(height) <= MAX_SIDE && bytes <= MAX_DECODED_BYTES;
            let unscaled = || Unscaled { width: Some(width.into()), height: Some(height.into()) };
            (!is_small).then(unscaled)
        }
        None => Some(Unscaled { width: None, height: None }),
    }
}

/// The picture as a JPEG of at most `size` pixels a side, the way up that its EXIF data give; never larger than it was.
/// `None` when it cannot be decoded.
pub(super) fn smaller(bytes: &[u8], size: u32) -> Option<Vec<u8>> {
    let scaled = std::panic::catch_unwind(|| scaled(bytes, size)).ok()?;
    let picture = scaled.inspect_err(|error| log::debug!("a cover cannot be decoded: {error}")).ok()?;
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).encode_image(&on_white(&picture)).ok()?;
    Some(out)
}

fn scaled(bytes: &[u8], size: u32) -> ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // The decoder checks only what it allocates itself.
    let needed = decoder.total_bytes();
    limits.reserve(needed)?;
    let _turn = (needed > LARGE_BYTES).then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner));
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    // The filter of `resize` works on copies in `f32`; `thumbnail` needs no copy.
    let twice = size.saturating_mul(2);
    if picture.width() > twice || picture.height() > twice {
        picture = picture.thumbnail(twice, twice);
    }
    if picture.width() > size || picture.height() > size {
        picture = picture.resize(size, size, FilterType::Triangle);
    }
    picture.apply_orientation(orientation);
    Ok(picture)
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
pub(super) mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder as _, Rgb, RgbImage};

    pub(in super::super) fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgba8(width, height).write_to(&mut bytes, format).expect("encoded");
        bytes.into_inner()
    }

    fn opened(jpeg: &[u8]) -> DynamicImage {
        assert_eq!(image::guess_format(jpeg).expect("a picture"), ImageFormat::Jpeg);
        image::load_from_memory(jpeg).expect("opens")
    }

    fn size_of(jpeg: &[u8]) -> (u32, u32) {
        let picture = opened(jpeg);
        (picture.width(), picture.height())
    }

    #[test]
    fn pictures_are_scaled_down_and_never_up() {
        let png = picture(400, 200, ImageFormat::Png);
        assert_eq!(size_of(&smaller(&png, 64).expect("made")), (64, 32));
        assert_eq!(size_of(&smaller(&png, 300).expect("made")), (300, 150));
        assert_eq!(size_of(&smaller(&png, 640).expect("made")), (400, 200));
        assert_eq!(size_of(&smaller(&picture(30, 30, ImageFormat::WebP), 64).expect("made")), (30, 30));
        assert_eq!(facts(&png), None);
    }

    #[test]
    fn a_picture_that_declares_a_huge_size_is_not_decoded() {
        // 8,001 × 1 pixels need little memory; the side alone is refused.
        let wide = picture(MAX_SIDE + 1, 1, ImageFormat::Png);
        assert_eq!(smaller(&wide, 64), None);
        assert_eq!(facts(&wide), Some(Unscaled { width: Some(8_001), height: Some(1) }));
        let broken = b"\x89PNG\r\n\x1a\nnot really";
        assert_eq!(smaller(broken, 64), None);
        assert_eq!(facts(broken), Some(Unscaled { width: None, height: None }));
        // 7,000 × 7,000 pixels are within the sides and need 196 MB. The head of a PNG declares them.
        let mut large = picture(1, 1, ImageFormat::Png);
        large[16..24].copy_from_slice(&[7_000_u32.to_be_bytes(), 7_000_u32.to_be_bytes()].concat());
        let checksum = crc(&large[12..29]);
        large[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(smaller(&large, 64), None);
        assert_eq!(facts(&large), Some(Unscaled { width: Some(7_000), height: Some(7_000) }));
    }

    /// The checksum of a PNG chunk (ISO/IEC 15948, annex D).
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        })
    }

    #[test]
    fn scaled_pictures_are_the_way_up_that_exif_gives() {
        // EXIF data in big-endian TIFF: one entry, orientation 6, "turn by 90° clockwise to show".
        let exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        // Its left half is white.
        let stored = RgbImage::from_fn(400, 200, |x, _| if x < 200 { Rgb([255; 3]) } else { Rgb([0; 3]) });
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new(&mut bytes);
        encoder.set_exif_metadata(exif).expect("JPEG has EXIF data");
        encoder.write_image(&stored, 400, 200, ExtendedColorType::Rgb8).expect("encoded");
        for (size, shown) in [(64, (32, 64)), (300, (150, 300)), (640, (200, 400))] {
            let scaled = opened(&smaller(&bytes, size).expect("made")).to_rgb8();
            assert_eq!(scaled.dimensions(), shown);
            let (top, bottom) = (scaled.get_pixel(shown.0 / 2, 4), scaled.get_pixel(shown.0 / 2, shown.1 - 5));
            assert!(top[0] > 200 && bottom[0] < 50, "{size}: {top:?} above {bottom:?}");
        }
    }

    #[test]
    fn avif_is_recognised_and_not_scaled() {
        let brands: [(&[u8], bool); 4] = [
            (b"\0\0\0\x14ftypavif\0\0\0\0avif", true),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miafavif", true),
            (b"\0\0\0\x14ftypmif1\0\0\0\0heicavif", false),
            (b"\0\0\0\x14ftypisom\0\0\0\0mp42", false),
        ];
        for (bytes, is_avif) in brands {
            assert_eq!(media_type(bytes), is_avif.then_some("image/avif"), "{}", bytes.escape_ascii());
        }
        let (avif, _) = brands[0];
        assert_eq!(facts(avif), Some(Unscaled { width: None, height: None }));
        assert_eq!(smaller(avif, 64), None);
    }

    #[test]
    fn a_picture_over_the_limit_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cover.jpg");
        let file = File::create(&path).expect("made");
        file.set_len(u64::try_from(MAX_PICTURE_BYTES).expect("small")).expect("grown");
        assert_eq!(read(&path).expect("at the limit").len(), MAX_PICTURE_BYTES);
        file.set_len(3 << 30).expect("grown");
        assert_eq!(read(&path).expect_err("over it").kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(folder.path()).expect_err("a folder").kind(), io::ErrorKind::InvalidInput);
    }
}
