//! Copies music from a folder into a bucket. Each file becomes an object that is named by the SHA-256 of its bytes, in the
//! folder that it has on the disk: so what is under a name never changes, and what was copied is known by its name.

use super::scan::{FoundMusic, find};
use crate::{
    media::digest::Digest,
    storage::{NewObject, Storage, StorageError, StorageFailure},
    values::object::ObjectUrl,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

/// How many files wait to be copied.
const QUEUE: usize = 100;
/// How many bytes of a file are hashed at once.
const CHUNK: usize = 256 * 1024;
/// How many troubles are kept as text; all are counted.
const MAX_TROUBLES: usize = 100;

/// From where to where music is copied.
#[derive(Debug)]
pub struct Import<'a> {
    /// The folder.
    pub from: &'a Path,
    /// The start of the keys.
    pub to: &'a ObjectUrl,
    /// Whether hidden files and folders are copied, too.
    pub hidden: bool,
    /// How many files are copied at once.
    pub uploads: usize,
}

/// How far an import is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Files that were found.
    pub found: u64,
    /// Files that were written.
    pub written: u64,
    /// The bytes of those.
    pub bytes: u64,
    /// Files that were in the bucket already.
    pub present: u64,
    /// Files that could not be copied.
    pub failed: u64,
    /// The first hundred of the reasons.
    pub troubles: Vec<String>,
}

/// The progress of an import that runs; any thread may read it.
#[derive(Debug, Default)]
pub struct ImportBoard(Mutex<ImportProgress>);

impl ImportBoard {
    /// The progress now.
    #[must_use]
    pub fn read(&self) -> ImportProgress {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, ImportProgress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, path: &Path, reason: &str) {
        let mut progress = self.lock();
        progress.failed += 1;
        if progress.troubles.len() < MAX_TROUBLES {
            progress.troubles.push(format!("{}: {reason}", path.display()));
        }
    }
}

/// A file to copy.
struct ImportJob {
    path: PathBuf,
    is_cover: bool,
}

impl Import<'_> {
    /// Copies what is not in the bucket yet. Blocks until all is copied, `stop` is set, or the service fails; files that
    /// cannot be copied are counted and do not end it. Begun again, it goes on where it was.
    ///
    /// # Errors
    /// Why the service cannot be used.
    pub fn run(&self, storage: &Storage, board: &ImportBoard, stop: &AtomicBool) -> Result<(), StorageError> {
        let mut present = HashMap::new();
        storage.list_blocking(self.to, |object| {
            present.insert(object.key, object.head.size);
            !stop.load(Relaxed)
        })?;
        let copy = FileCopies { import: self, storage, board, stop, present, failure: Mutex::default() };
        let (sender, jobs) = sync_channel(QUEUE);
        let jobs = Mutex::new(jobs);
        thread::scope(|threads| {
            for _ in 0..self.uploads.max(1) {
                threads.spawn(|| copy.work(&jobs));
            }
            find(self.from, self.hidden, &mut |found| {
                let (path, is_cover) = match found {
                    FoundMusic::Audio(path) => (path, false),
                    FoundMusic::Cover(path) => (path, true),
                    FoundMusic::Trouble(path, reason) => {
                        board.fail(&path, &reason);
                        return !copy.is_over();
                    }
                };
                board.lock().found += 1;
                sender.send(ImportJob { path, is_cover }).is_ok() && !copy.is_over()
            });
            drop(sender);
        });
        let failure = copy.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(()), Err)
    }
}

/// What the copying threads share.
struct FileCopies<'a> {
    import: &'a Import<'a>,
    storage: &'a Storage,
    board: &'a ImportBoard,
    stop: &'a AtomicBool,
    /// The sizes of the objects that were there at the start, by their keys.
    present: HashMap<String, u64>,
    /// Why the service cannot be used, once that shows.
    failure: Mutex<Option<StorageError>>,
}

impl FileCopies<'_> {
    fn is_over(&self) -> bool {
        self.stop.load(Relaxed) || self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn work(&self, jobs: &Mutex<Receiver<ImportJob>>) {
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            // Jobs are taken to the end, so that who sends them does not wait for ever.
            if !self.is_over()
                && let Err(reason) = self.copy(&job)
            {
                self.board.fail(&job.path, &reason);
            }
        }
    }

    /// Copies one file, or says why not.
    fn copy(&self, job: &ImportJob) -> Result<(), String> {
        let Some((size, sha256)) = sum(&job.path, self.stop).map_err(|error| error.to_string())? else { return Ok(()) };
        let object = self.import.object(&job.path, job.is_cover, sha256)?;
        if self.present.get(&object.key) == Some(&size) {
            self.board.lock().present += 1;
            return Ok(());
        }
        let name = job.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let new = NewObject {
            path: &job.path,
            sha256,
            name: &name,
            content_type: media_type(&job.path),
            // The picture of a folder keeps its name, whatever is in it.
            replaces: job.is_cover,
        };
        let written = self.storage.put_blocking(&object, &new).and_then(|()| self.storage.head_blocking(&object));
        match written {
            Ok(head) if head.size == size => {
                let mut progress = self.board.lock();
                progress.written += 1;
                progress.bytes = progress.bytes.saturating_add(size);
                Ok(())
            }
            Ok(head) => Err(format!("{object} has {} bytes in place of {size}", head.size)),
            // A copy of the same file, or another import.
            Err(error) if error.kind == StorageFailure::Exists => match self.storage.head_blocking(&object) {
                Ok(head) if head.size == size => {
                    self.board.lock().present += 1;
                    Ok(())
                }
                Ok(head) => Err(format!("{object} is there already, with {} bytes in place of {size}", head.size)),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => {
                let text = error.to_string();
                if error.kind != StorageFailure::Wrong {
                    self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                Err(text)
            }
        }
    }
}

impl Import<'_> {
    /// The object that a file becomes.
    fn object(&self, path: &Path, is_cover: bool, sha256: Digest) -> Result<ObjectUrl, String> {
        let wrong = || "its path is not UTF-8, or has a control character, which no key may have".to_owned();
        let below = path.strip_prefix(self.from).unwrap_or(path).to_str().ok_or_else(wrong)?;
        let key = if is_cover {
            below.to_owned()
        } else {
            let folder = below.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
            let ending = Path::new(below).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            format!("{folder}{sha256}.{}", ending.to_ascii_lowercase())
        };
        ObjectUrl::read(&self.to.join(&key).to_string()).map_err(|_| wrong())
    }
}

/// The files of a folder that have one of these SHA-256. Reads the whole folder; blocks, until `stop` is set.
#[must_use]
pub fn find_copies(folder: &Path, hidden: bool, wanted: &[Digest], stop: &AtomicBool) -> Vec<(Digest, PathBuf)> {
    let mut copies = Vec::new();
    find(folder, hidden, &mut |found| {
        if let FoundMusic::Audio(path) = found
            && let Ok(Some((_, sha256))) = sum(&path, stop)
            && wanted.contains(&sha256)
        {
            copies.push((sha256, path));
        }
        !stop.load(Relaxed)
    });
    copies
}

/// Size and SHA-256 of a file; `None` when `stop` was set meanwhile.
///
/// # Errors
/// Those of reading.
fn sum(path: &Path, stop: &AtomicBool) -> io::Result<Option<(u64, Digest)>> {
    let (mut file, mut hash, mut size) = (File::open(path)?, Sha256::new(), 0_u64);
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(Some((size, Digest(hash.finalize().into()))));
        }
        if stop.load(Relaxed) {
            return Ok(None);
        }
        hash.update(chunk.get(..count).unwrap_or_default());
        size = size.saturating_add(u64::try_from(count).unwrap_or(0));
    }
}

/// The media type that an object has for who reads it from the service itself, by the ending of its name.
pub(crate) fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "mp3" | "mp2" | "mp1" | "mpa" => "audio/mpeg",
        "flac" => "audio/flac",
        "ogg" | "oga" | "opus" | "spx" => "audio/ogg",
        "m4a" | "m4b" | "m4p" | "m4r" | "mp4" | "alac" => "audio/mp4",
        "aac" | "adts" => "audio/aac",
        "wav" | "wave" => "audio/wav",
        "aif" | "aiff" | "aifc" => "audio/aiff",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "avif" => "image/avif",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_folder_and_is_named_by_its_bytes() {
        let to = ObjectUrl::read("s3://music/lib").expect("an address");
        let import = Import { from: Path::new("/m"), to: &to, hidden: false, uploads: 1 };
        let object = |path: &str, is_cover| import.object(Path::new(path), is_cover, Digest([0xab; 32]));
        let hash = "ab".repeat(32);
        assert_eq!(object("/m/A/B/x.FLAC", false).map(|url| url.key), Ok(format!("lib/A/B/{hash}.flac")));
        assert_eq!(object("/m/x.mp3", false).map(|url| url.key), Ok(format!("lib/{hash}.mp3")));
        assert_eq!(object("/m/A/Cover.jpg", true).map(|url| url.key), Ok("lib/A/Cover.jpg".to_owned()));
        assert!(object("/m/A\u{1}/x.mp3", false).is_err());
    }
}
