//! Writes the demo library into a folder, on all cores. A run after an interrupted one writes only the missing files.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use super::cover;
use super::encode::{EncodeError, encode};
use super::library::{ALBUMS, DemoAlbum, DemoTrack, Format};
use super::music::{Piece, compose};
use super::number::frames;
use super::sound::{Stereo, render};

/// Marker file, written after all files of the library. While it exists no file is made again, even a deleted one.
pub(super) const MADE: &str = ".segue-demo-made";

/// The length of the tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// 45 to 120 seconds.
    Full,
    /// About 3 seconds, for tests.
    Short,
}

/// How many tracks have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Tracks that are written.
    pub done: usize,
    /// Tracks of the whole library.
    pub total: usize,
}

/// Why the library could not be made.
#[derive(Debug)]
pub enum MakeError {
    /// A file or folder cannot be written.
    Write(PathBuf, io::Error),
    /// A sound or picture cannot be encoded.
    Encode(PathBuf, EncodeError),
}

impl fmt::Display for MakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(path, error) => {
                write!(f, "{} cannot be written: {error}", path.display())?;
                match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => f.write_str(
                        "; the demo library needs 300 MB: make room or choose another folder with --data-dir",
                    ),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                        f.write_str("; choose another folder with --data-dir")
                    }
                    _ => Ok(()),
                }
            }
            Self::Encode(path, error) => write!(f, "{} cannot be encoded: {error}", path.display()),
        }
    }
}

impl std::error::Error for MakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Write(_, error) => Some(error),
            Self::Encode(_, error) => Some(error.as_ref()),
        }
    }
}

/// Makes the missing files of the library in `folder` and calls `progress` after each job. A file is complete or
/// absent, even after a power failure. Returns whether any file was missing.
///
/// # Errors
/// The first file that could not be made. Files that are already written stay; the next call makes the others.
pub fn make(folder: &Path, length: Length, mut progress: impl FnMut(Progress)) -> Result<bool, MakeError> {
    let made = folder.join(MADE);
    if made.exists() {
        return Ok(false);
    }
    let jobs: Vec<MakeJob> = jobs(folder);
    let total = jobs.iter().map(|job| job.tracks.len()).sum();
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(jobs.len());
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        for _ in 0..workers {
            let (sender, jobs, next) = (sender.clone(), &jobs, &next);
            scope.spawn(move || {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = job.run(length).map(|()| job.tracks.len());
                    if result.is_err() {
                        // No thread takes another job; running jobs are finished.
                        next.store(jobs.len(), Ordering::Relaxed);
                    }
                    if sender.send(result).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut done = 0;
        progress(Progress { done, total });
        for result in results {
            done += result?;
            progress(Progress { done, total });
        }
        Ok(())
    })?;
    write_whole(&made, b"Made by `segue demo`. Without this file it makes again what is missing here.\n")?;
    Ok(true)
}

/// What one thread makes at a time: a track, or a whole album without gaps.
struct MakeJob {
    album: &'static DemoAlbum,
    folder: PathBuf,
    tracks: &'static [DemoTrack],
    /// The cover, computed by the first of the album's jobs that needs it.
    cover: Arc<OnceLock<Result<Vec<u8>, String>>>,
}

/// All jobs, the longest first, so that all cores finish at about the same time.
fn jobs(folder: &Path) -> Vec<MakeJob> {
    let of_album = |album: &'static DemoAlbum| {
        let size = if album.continuous { album.tracks.len() } else { 1 };
        let folder = folder.join(album.artist).join(format!("{} ({})", file_name(album.title), album.year));
        let cover = Arc::default();
        let job = move |tracks| MakeJob { album, folder: folder.clone(), tracks, cover: Arc::clone(&cover) };
        album.tracks.chunks(size.max(1)).map(job)
    };
    let mut jobs: Vec<MakeJob> = ALBUMS.iter().flat_map(of_album).collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.tracks.len()));
    jobs
}

impl MakeJob {
    fn path(&self, track: &DemoTrack) -> PathBuf {
        let extension = match self.album.format {
            Format::Flac => "flac",
            Format::Wav => "wav",
        };
        let several = self.album.tracks.iter().any(|other| other.disc > 1);
        let folder = if several { self.folder.join(format!("Disc {}", track.disc)) } else { self.folder.clone() };
        folder.join(format!("{:02} {}.{extension}", track.number, file_name(track.title)))
    }

    /// Makes the missing files of this job.
    fn run(&self, length: Length) -> Result<(), MakeError> {
        let picture = self.folder.join("cover.jpg");
        // Only the job with the album's first track writes the picture, so that no two threads write the same file.
        let first =
            self.album.tracks.first().is_some_and(|first| self.tracks.iter().any(|track| std::ptr::eq(track, first)));
        let wants_picture = first && self.album.format == Format::Wav && !picture.exists();
        if !wants_picture && self.tracks.iter().all(|track| self.path(track).exists()) {
            return Ok(());
        }
        let cover = self.cover.get_or_init(|| self.album.cover.jpeg(cover::SIDE).map_err(|error| error.to_string()));
        let cover = cover.as_ref().map_err(|error| MakeError::Encode(picture.clone(), error.as_str().into()))?;
        if wants_picture {
            write_whole(&picture, cover)?;
        }
        let pieces: Vec<Piece> = self.tracks.iter().map(|track| track.piece.within(length)).collect();
        let (score, ends_s) = compose(&pieces);
        let rate = self.tracks.first().map_or(44_100, |track| track.rate);
        let sound = render(&score, rate);
        let mut start = 0;
        for (track, end_s) in self.tracks.iter().zip(ends_s) {
            let end = frames(end_s, rate);
            let path = self.path(track);
            if !path.exists() {
                let part = Stereo { left: cut(&sound.left, start, end), right: cut(&sound.right, start, end) };
                let bytes = encode(self.album, track, &part, cover);
                write_whole(&path, &bytes.map_err(|error| MakeError::Encode(path.clone(), error))?)?;
            }
            start = end;
        }
        Ok(())
    }
}

impl Piece {
    pub(super) fn within(self, length: Length) -> Self {
        match length {
            Length::Full => self,
            Length::Short => Self { length_s: 3.0, ..self },
        }
    }
}

fn cut(samples: &[f32], start: usize, end: usize) -> Vec<f32> {
    samples.get(start..end.min(samples.len())).unwrap_or_default().to_vec()
}

/// `title` without the characters that a common file system forbids in names.
fn file_name(title: &str) -> String {
    title.replace(['/', '\\', ':', '*', '?', '"', '<', '>', '|'], "-")
}

/// Writes a file under a temporary name, flushes and renames it, so that it is complete or absent even after a power
/// failure.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), MakeError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| MakeError::Write(folder.to_owned(), error))?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = folder.join(name);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&part, path)
    };
    write().map_err(|error| {
        // The disk may be full: remove the incomplete file.
        drop(fs::remove_file(&part));
        MakeError::Write(path.to_owned(), error)
    })
}
