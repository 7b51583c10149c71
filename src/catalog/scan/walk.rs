//! The walk over music folders: visits every folder once, with its audio files and its cover, and follows links.

use super::{
    names::{IGNORE, NO_MEDIA, cover_rank, ignores_all, is_audio, is_left_out, is_mark},
    trouble::in_words,
};
use crate::{
    catalog::tags::MAX_PICTURE_BYTES,
    db::scan::Folder,
    media::version::Stat,
    values::path::{self, is_absence},
};
use std::{
    collections::VecDeque,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use walkdir::{DirEntry, WalkDir};

/// How many bytes of an `.ndignore` are read.
const MAX_IGNORE_BYTES: u64 = 64 * 1024;
/// What is said of a mark in a music folder itself.
const LEFT_OUT: &str = "this file leaves out the whole music folder";
/// What is said of an `.ndignore` with patterns.
const PATTERNS: &str = "patterns are not read: only a file without any leaves its folder out";
/// What is said of a link with the name of an audio file that leads to nothing.
const DANGLING: &str = "this link leads to no file: mend it or remove it";

/// A file that the walk found.
#[derive(Debug, Clone)]
pub(super) struct FileEntry {
    /// Its name in its folder.
    pub(super) name: Vec<u8>,
    /// Its metadata.
    pub(super) stat: Stat,
    /// The entity tag of an object in a bucket; `None` for a file on a disk.
    pub(super) etag: Option<String>,
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
    /// What a person should know of a folder or a file.
    Remark(PathBuf, &'static str),
}

/// Walks over `starts`, which are in the music folders `roots`, until `see` returns `false`. `hidden` is whether hidden
/// files and folders count.
pub(super) fn walk(starts: &[PathBuf], roots: &[PathBuf], hidden: bool, see: &mut impl FnMut(WalkStep) -> bool) {
    let mut covered: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let mut queue: VecDeque<PathBuf> = starts.iter().cloned().collect();
    while let Some(start) = queue.pop_front() {
        let mut links = Vec::new();
        if !walk_one(&start, (hidden, roots.contains(&start)), &covered, &mut links, see) {
            return;
        }
        // Links to folders are walked after all real folders, so that a file is found at its real path first.
        for link in links {
            let target = match link.canonicalize() {
                Ok(target) => target,
                Err(error) if is_absence(&error) => continue,
                Err(error) if see(WalkStep::Refused(link, in_words(&error))) => continue,
                Err(_) => return,
            };
            if !covered.iter().any(|seen| target.starts_with(seen) || seen.starts_with(&target)) {
                covered.push(target);
                queue.push_back(link);
            }
        }
    }
}

/// Calls `see` for each audio file below `roots`, without following links, until it returns `false`.
pub(super) fn count(roots: &[PathBuf], hidden: bool, see: &mut impl FnMut() -> bool) {
    let is_wanted = |entry: &DirEntry| is_wanted(entry, hidden);
    for entry in roots.iter().flat_map(|root| WalkDir::new(root).into_iter().filter_entry(is_wanted)).flatten() {
        if is_audio(entry.file_name()) && !see() {
            return;
        }
    }
}

fn walk_one(
    start: &Path,
    (hidden, is_root): (bool, bool),
    covered: &[PathBuf],
    links: &mut Vec<PathBuf>,
    see: &mut impl FnMut(WalkStep) -> bool,
) -> bool {
    // Files first, and of those the ones that leave the folder out.
    let key = |entry: &DirEntry| (entry.file_type().is_dir(), !is_mark(entry.file_name()));
    let order = move |a: &DirEntry, b: &DirEntry| (key(a), a.file_name()).cmp(&(key(b), b.file_name()));
    let mut open: Option<OpenFolder> = None;
    let mut entries = WalkDir::new(start).sort_by(order).into_iter().filter_entry(|entry| is_wanted(entry, hidden));
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() || entry.depth() == 0 => {
                if open.take().is_some_and(|open| !open.close(see)) {
                    return false;
                }
                open = Some(OpenFolder::new(entry.into_path()));
            }
            Ok(entry) if is_mark(entry.file_name()) => {
                let is_whole = leaves_all_out(entry.path());
                let remark = match (is_whole, is_root && entry.depth() == 1) {
                    (true, true) => Some(LEFT_OUT),
                    (true, false) => None,
                    (false, _) => Some(PATTERNS),
                };
                if is_whole {
                    open = None;
                    entries.skip_current_dir();
                }
                if remark.is_some_and(|text| !see(WalkStep::Remark(entry.into_path(), text))) {
                    return false;
                }
            }
            Ok(entry) => {
                if let Some(open) = &mut open {
                    open.add(&entry, covered, links);
                }
            }
            Err(error) => {
                // A folder whose listing ended early has an error without a path.
                let place = error.path().or_else(|| open.as_ref().map(|open| open.path.as_path()));
                let path = place.unwrap_or(start).to_owned();
                let reason = error.io_error().map_or_else(|| error.to_string(), in_words);
                let here = open.as_mut().filter(|open| path.parent() == Some(&open.path));
                if let (Some(here), Some(name)) = (here, path.file_name().filter(|name| is_audio(name))) {
                    here.visit.refused.push((path::to_bytes(name), reason));
                    continue;
                }
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
    /// Links with the names of audio files that lead to nothing.
    dangling: Vec<PathBuf>,
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
        Self { path, visit, cover_rank: (true, usize::MAX), dangling: Vec::new() }
    }

    fn close(self, see: &mut impl FnMut(WalkStep) -> bool) -> bool {
        self.dangling.into_iter().all(|link| see(WalkStep::Remark(link, DANGLING))) && see(WalkStep::Visit(self.visit))
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
            Ok(metadata) if audio => self.visit.files.push(FileEntry { name, stat: Stat::of(&metadata), etag: None }),
            Ok(metadata) => {
                let Some(rank) = cover_rank else { return };
                let is_too_large = usize::try_from(metadata.len()).is_ok_and(|size| size > MAX_PICTURE_BYTES);
                if is_too_large {
                    self.visit.too_large.push(name.clone());
                }
                if (is_too_large, rank) < self.cover_rank {
                    self.cover_rank = (is_too_large, rank);
                    self.visit.cover = Some(FileEntry { name, stat: Stat::of(&metadata), etag: None });
                }
            }
            // Deleted since the folder was listed, or a link without a target.
            Err(error) if is_absence(&error) => {
                if audio && link {
                    self.dangling.push(entry.path().to_owned());
                }
            }
            Err(error) if audio => self.visit.refused.push((name, in_words(&error))),
            // It may be a folder, which is then refused.
            Err(_) if link => links.push(entry.path().to_owned()),
            Err(_) => {}
        }
    }
}

/// Whether the target of a link is in a folder that is walked anyway.
fn is_covered(link: &Path, covered: &[PathBuf]) -> bool {
    link.canonicalize().is_ok_and(|target| covered.iter().any(|place| target.starts_with(place)))
}

/// Whether the walk looks at an entry; it looks at all that it starts from.
fn is_wanted(entry: &DirEntry, hidden: bool) -> bool {
    let is_mark = is_mark(entry.file_name()) && !entry.file_type().is_dir();
    entry.depth() == 0 || is_mark || !is_left_out(entry.file_name(), hidden)
}

/// Whether the file at this path, which has the name of a mark, leaves out its whole folder. One that cannot be read does.
fn leaves_all_out(mark: &Path) -> bool {
    if mark.file_name().is_none_or(|name| name != IGNORE) {
        return true;
    }
    let mut text = Vec::new();
    let read = File::open(mark).and_then(|file| file.take(MAX_IGNORE_BYTES).read_to_end(&mut text));
    read.is_err() || ignores_all(&String::from_utf8_lossy(&text))
}

/// Whether a scan of all music folders looks at a folder in `root`: no folder on the way to it is left out.
pub(super) fn is_reached(root: &Path, folder: &Path, hidden: bool) -> bool {
    let Ok(way) = folder.strip_prefix(root) else { return false };
    let mut here = root.to_owned();
    way.iter().all(|name| {
        let is_open = !has_mark(&here) && !is_left_out(name, hidden);
        here.push(name);
        is_open
    })
}

/// Whether a folder has a file that leaves it out.
fn has_mark(folder: &Path) -> bool {
    [NO_MEDIA, IGNORE].iter().map(|name| folder.join(name)).any(|mark| mark.is_file() && leaves_all_out(&mark))
}
