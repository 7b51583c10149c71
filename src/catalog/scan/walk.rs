//! The walk over music folders: visits every folder once, with its audio files and its cover, and follows links.

use crate::{catalog::tags::MAX_PICTURE_BYTES, db::scan::Folder, media::version::Stat, values::path};
use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use walkdir::{DirEntry, WalkDir};

/// Extensions of files that are opened: those that `lofty` reads, and those of other audio files, which are then
/// recorded as unreadable.
const AUDIO: [&str; 37] = [
    "mp3", "mp2", "mp1", "flac", "ogg", "oga", "opus", "spx", "m4a", "m4b", "m4p", "mp4", "aac", "alac", "wav", "wave",
    "aif", "aiff", "aifc", "ape", "mpc", "mp+", "mpp", "wv", "wma", "asf", "dsf", "dff", "tta", "tak", "ofr", "ofs",
    "ac3", "eac3", "3g2", "oggflac", "webm",
];
/// File names of folder covers without extension, in order of preference.
const COVERS: [&str; 5] = ["cover", "folder", "front", "album", "albumart"];
/// Extensions of folder covers.
const PICTURES: [&str; 5] = ["jpg", "jpeg", "png", "webp", "avif"];
/// Folders that operating systems use for their own files.
const SYSTEM_FOLDERS: [&str; 4] = ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"];

/// A file that the walk found.
#[derive(Debug, Clone)]
pub(super) struct FileEntry {
    /// Its name in its folder.
    pub(super) name: Vec<u8>,
    /// Its metadata.
    pub(super) stat: Stat,
}

/// One folder and its files.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) folder: Arc<Folder>,
    /// Audio files.
    pub(super) files: Vec<FileEntry>,
    /// Audio files whose metadata cannot be read, with the reason.
    pub(super) refused: Vec<(Vec<u8>, String)>,
    /// The cover of the folder: the first by name of those within the limit of size, else of those beyond it.
    pub(super) cover: Option<FileEntry>,
    /// The names of covers beyond the limit of size.
    pub(super) too_large: Vec<Vec<u8>>,
}

/// One result of the walk.
#[derive(Debug)]
pub(super) enum WalkStep {
    /// A folder, read completely.
    Visit(Visit),
    /// A folder that cannot be read, with the reason. The rows of it and of the folders below are left unchanged.
    Refused(PathBuf, String),
}

/// Walks over `starts`, which are in the music folders `roots`, until `see` returns `false`.
pub(super) fn walk(starts: &[PathBuf], roots: &[PathBuf], see: &mut impl FnMut(WalkStep) -> bool) {
    let mut covered: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let mut queue: VecDeque<PathBuf> = starts.iter().cloned().collect();
    while let Some(start) = queue.pop_front() {
        let mut links = Vec::new();
        if !walk_one(&start, &covered, &mut links, see) {
            return;
        }
        // Links to folders are walked after all real folders, so that a file is found at its real path first.
        for link in links {
            let Ok(target) = link.canonicalize() else { continue };
            if !covered.iter().any(|seen| target.starts_with(seen) || seen.starts_with(&target)) {
                covered.push(target);
                queue.push_back(link);
            }
        }
    }
}

/// Calls `see` for each audio file below `roots`, without following links, until it returns `false`.
pub(super) fn count(roots: &[PathBuf], see: &mut impl FnMut() -> bool) {
    for entry in roots.iter().flat_map(|root| WalkDir::new(root).into_iter().filter_entry(is_wanted)).flatten() {
        if is_audio(entry.file_name()) && !see() {
            return;
        }
    }
}

fn walk_one(
    start: &Path,
    covered: &[PathBuf],
    links: &mut Vec<PathBuf>,
    see: &mut impl FnMut(WalkStep) -> bool,
) -> bool {
    let files_first = |a: &DirEntry, b: &DirEntry| {
        (a.file_type().is_dir(), a.file_name()).cmp(&(b.file_type().is_dir(), b.file_name()))
    };
    let mut open: Option<OpenFolder> = None;
    for entry in WalkDir::new(start).sort_by(files_first).into_iter().filter_entry(is_wanted) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() || entry.depth() == 0 => {
                if open.take().is_some_and(|open| !open.close(see)) {
                    return false;
                }
                open = Some(OpenFolder::new(entry.into_path()));
            }
            Ok(entry) => {
                if let Some(open) = &mut open {
                    open.add(&entry, covered, links);
                }
            }
            Err(error) => {
                let path = error.path().map_or_else(|| start.to_owned(), Path::to_owned);
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                // `WalkDir` yields a folder before it reads it: this one cannot be read.
                open = open.filter(|open| open.path != path);
                if !see(WalkStep::Refused(path, reason)) {
                    return false;
                }
            }
        }
    }
    open.is_none_or(|open| open.close(see))
}

/// A folder whose entries are being read.
struct OpenFolder {
    path: PathBuf,
    visit: Visit,
    /// Whether the cover is beyond the limit of size, and the place of its name among [`COVERS`].
    cover_rank: (bool, usize),
}

impl OpenFolder {
    fn new(path: PathBuf) -> Self {
        let folder = Folder { id: path::folder_id(&path), path: path::to_bytes(&path) };
        let visit = Visit {
            folder: Arc::new(folder),
            files: Vec::new(),
            refused: Vec::new(),
            cover: None,
            too_large: Vec::new(),
        };
        Self { path, visit, cover_rank: (true, usize::MAX) }
    }

    fn close(self, see: &mut impl FnMut(WalkStep) -> bool) -> bool {
        see(WalkStep::Visit(self.visit))
    }

    fn add(&mut self, entry: &DirEntry, covered: &[PathBuf], links: &mut Vec<PathBuf>) {
        let cover_rank = cover_rank(entry.file_name()).filter(|rank| (false, *rank) < self.cover_rank);
        let audio = is_audio(entry.file_name());
        let link = entry.path_is_symlink();
        if !audio && !link && cover_rank.is_none() {
            return;
        }
        let name = path::to_bytes(entry.file_name());
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_dir() => links.push(entry.path().to_owned()),
            Ok(metadata) if !metadata.is_file() => {}
            Ok(_) if link && is_covered(entry.path(), covered) => {}
            Ok(metadata) if audio => self.visit.files.push(FileEntry { name, stat: Stat::of(&metadata) }),
            Ok(metadata) => {
                let Some(rank) = cover_rank else { return };
                let is_too_large = usize::try_from(metadata.len()).is_ok_and(|size| size > MAX_PICTURE_BYTES);
                if is_too_large {
                    self.visit.too_large.push(name.clone());
                }
                if (is_too_large, rank) < self.cover_rank {
                    self.cover_rank = (is_too_large, rank);
                    self.visit.cover = Some(FileEntry { name, stat: Stat::of(&metadata) });
                }
            }
            // Deleted since the folder was listed, or a link without a target.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if audio => self.visit.refused.push((name, error.to_string())),
            Err(_) => {}
        }
    }
}

/// Whether the target of a link is in a folder that is walked anyway.
fn is_covered(link: &Path, covered: &[PathBuf]) -> bool {
    link.canonicalize().is_ok_and(|target| covered.iter().any(|place| target.starts_with(place)))
}

/// False for hidden files and folders, and for folders of the operating system. `._x.mp3` is a file that macOS writes
/// beside `x.mp3`; it is hidden as well.
fn is_wanted(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    entry.depth() == 0
        || !(name.as_encoded_bytes().starts_with(b".") || SYSTEM_FOLDERS.iter().any(|system| name == *system))
}

fn is_audio(name: &OsStr) -> bool {
    ending(name).is_some_and(|ending| AUDIO.contains(&ending.as_str()))
}

fn cover_rank(name: &OsStr) -> Option<usize> {
    let ending = ending(name)?;
    let stem = Path::new(name).file_stem()?.to_str()?.to_lowercase();
    let rank = COVERS.iter().position(|cover| *cover == stem)?;
    PICTURES.contains(&ending.as_str()).then_some(rank)
}

fn ending(name: &OsStr) -> Option<String> {
    Path::new(name).extension()?.to_str().map(str::to_ascii_lowercase)
}
