//! Music in object storage: the listing of a bucket as folders with files, and reading one object.

use super::{
    job::{Done, ReadJob},
    names::{cover_rank, is_audio, is_left_out},
    walk::{FileEntry, Visit, WalkStep},
};
use crate::{
    catalog::{
        content, cover,
        tags::{self, MAX_PICTURE_BYTES},
    },
    db::scan::{Folder, FoundFile},
    media::version::{Stat, Version, ends, object_version},
    storage::{ListedObject, ObjectHead, ObjectReader, Storage, StorageError},
    values::{
        object::ObjectUrl,
        path::{self, folder_id},
        separators::Splits,
    },
};
use std::{
    collections::HashSet,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long a parser may read one object before it gets an error.
const READ_LIMIT: Duration = Duration::from_mins(5);
/// What is said of a service whose listing is not in the order of the keys.
const DISORDER: &str = "the service lists this folder in several pieces: its music is left as it is";

/// Lists all objects below `start`, as the folders that their keys have, until `see` returns false; whether it did not.
/// `hidden` is whether hidden names count. Files that leave out a folder are not looked for.
pub(super) fn walk(storage: &Storage, start: &ObjectUrl, hidden: bool, see: &mut impl FnMut(WalkStep) -> bool) -> bool {
    let mut walk = ObjectWalk { start, hidden, open: Vec::new(), closed: HashSet::new() };
    let (mut goes_on, mut disorder) = (true, None);
    let listed = storage.list_blocking(start, |object| {
        match walk.take(&object, see) {
            Ok(wanted) => goes_on = wanted,
            Err(folder) => disorder = Some(folder),
        }
        goes_on && disorder.is_none()
    });
    if !goes_on {
        return false;
    }
    match (listed, disorder) {
        // Folders that are not closed may lack files, and are dropped.
        (Err(error), _) => see(WalkStep::Refused(start.to_path(), error.reason().to_owned())),
        (Ok(()), Some(_)) => see(WalkStep::Refused(start.to_path(), DISORDER.to_owned())),
        (Ok(()), None) => walk.close(0, see),
    }
}

/// Calls `see` for each audio file below `start`, until it returns false. What cannot be listed is not counted.
pub(super) fn count(storage: &Storage, start: &ObjectUrl, hidden: bool, see: &mut impl FnMut() -> bool) {
    drop(storage.list_blocking(start, |object| match parts(start, &object.key, hidden) {
        Some((_, name)) if is_audio(OsStr::new(name)) => see(),
        _ => true,
    }));
}

/// Whether there is any object below `start`.
///
/// # Errors
/// Those of the storage.
pub(super) fn has_any(storage: &Storage, start: &ObjectUrl) -> Result<bool, StorageError> {
    let mut found = false;
    storage.list_blocking(start, |_| {
        found = true;
        false
    })?;
    Ok(found)
}

/// Folder and name of an object below `start`; `None` when it is left out.
fn parts<'a>(start: &ObjectUrl, key: &'a str, hidden: bool) -> Option<(&'a str, &'a str)> {
    let below = if start.key.is_empty() { key } else { key.strip_prefix(&start.key)?.strip_prefix('/')? };
    if below.split('/').any(|name| is_left_out(OsStr::new(name), hidden)) {
        return None;
    }
    Some(key.rsplit_once('/').unwrap_or(("", key)))
}

/// A listing on its way. All keys of a folder come one after the other, those of the folders in it among them.
struct ObjectWalk<'a> {
    start: &'a ObjectUrl,
    hidden: bool,
    /// Folders whose objects come now, each within the one before.
    open: Vec<OpenPrefix>,
    /// The ids of folders that are complete.
    closed: HashSet<i64>,
}

/// A folder whose objects are being listed.
struct OpenPrefix {
    /// The key of the folder.
    key: String,
    visit: Visit,
    /// As in [`super::walk`].
    cover_rank: (bool, usize),
}

impl ObjectWalk<'_> {
    /// Takes the next object; returns what `see` returns.
    ///
    /// # Errors
    /// A folder that was complete already.
    fn take(&mut self, object: &ListedObject, see: &mut impl FnMut(WalkStep) -> bool) -> Result<bool, String> {
        let Some((folder, name)) = parts(self.start, &object.key, self.hidden) else { return Ok(true) };
        let holds = |outer: &OpenPrefix| {
            let rest = folder.strip_prefix(outer.key.as_str());
            outer.key.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let kept = self.open.iter().take_while(|outer| holds(outer)).count();
        if !self.close(kept, see) {
            return Ok(false);
        }
        if self.open.last().is_none_or(|last| last.key != folder) {
            let opened = OpenPrefix::new(&ObjectUrl { bucket: self.start.bucket.clone(), key: folder.to_owned() });
            if self.closed.contains(&opened.visit.folder.id) {
                return Err(folder.to_owned());
            }
            self.open.push(opened);
        }
        if let Some(open) = self.open.last_mut() {
            open.add(name, &object.head);
        }
        Ok(true)
    }

    /// Hands out all open folders but the first `kept`.
    fn close(&mut self, kept: usize, see: &mut impl FnMut(WalkStep) -> bool) -> bool {
        while self.open.len() > kept {
            let Some(done) = self.open.pop() else { return true };
            self.closed.insert(done.visit.folder.id);
            if !see(WalkStep::Visit(done.visit)) {
                return false;
            }
        }
        true
    }
}

impl OpenPrefix {
    fn new(url: &ObjectUrl) -> Self {
        let path = url.to_path();
        let folder = Arc::new(Folder { id: folder_id(&path), path: path::to_bytes(&path) });
        let visit = Visit { folder, files: Vec::new(), refused: Vec::new(), cover: None, too_large: Vec::new() };
        Self { key: url.key.clone(), visit, cover_rank: (true, usize::MAX) }
    }

    fn add(&mut self, name: &str, head: &ObjectHead) {
        let entry = || FileEntry { name: name.as_bytes().to_vec(), stat: stat_of(head), etag: Some(head.etag.clone()) };
        if is_audio(OsStr::new(name)) {
            self.visit.files.push(entry());
        } else if let Some(rank) = cover_rank(OsStr::new(name)) {
            let is_too_large = usize::try_from(head.size).map_or(true, |size| size > MAX_PICTURE_BYTES);
            if is_too_large {
                self.visit.too_large.push(name.as_bytes().to_vec());
            }
            if (is_too_large, rank) < self.cover_rank {
                self.cover_rank = (is_too_large, rank);
                self.visit.cover = Some(entry());
            }
        }
    }
}

/// Size and time of an object; it has no inode and no change time.
fn stat_of(head: &ObjectHead) -> Stat {
    let size = i64::try_from(head.size).unwrap_or(i64::MAX);
    Stat { size, mtime_ns: head.modified_ns, ctime_ns: 0, inode: 0 }
}

/// Whether an object that was found is the one of this size.
pub(super) fn is_there(storage: &Storage, object: &ObjectUrl, stat: Stat) -> bool {
    use crate::storage::StorageFailure::Absent;
    let found = storage.head_blocking(object);
    found.map_or_else(|error| error.kind != Absent, |head| stat_of(&head).size == stat.size)
}

/// Reads the object of a job by some ranges.
pub(super) fn read(storage: &Storage, object: &ObjectUrl, job: ReadJob, salt: i64, splits: &Splits) -> Done {
    if job.is_cover {
        let cover = match cover::read_object(storage, object) {
            Ok(bytes) => cover::cover_of(salt, &bytes),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => None,
            Err(error) => {
                log::warn!("{object} cannot be read: {error}");
                None
            }
        };
        return Done::Cover(job, cover);
    }
    let (stat, etag) = (job.entry.stat, job.entry.etag.clone().unwrap_or_default());
    let head = ObjectHead { size: stat.length(), etag: etag.clone(), modified_ns: stat.mtime_ns };
    let mut reader = ObjectReader::new(storage.clone(), object.clone(), head);
    let version = match read_version(&mut reader, object, stat, &etag) {
        Ok(version) => version,
        Err(error) => return Done::File(job.unreadable(error.to_string())),
    };
    let path = job.path();
    let reading = tags::read(&path, &mut reader, READ_LIMIT);
    if let Some(failure) = reader.failure() {
        return Done::File(job.unreadable(failure.reason().to_owned()));
    }
    let path = named(&path, reader.name());
    let content = reading
        .map(|reading| Box::new(content::of(reading, &path, &job.root, salt, splits)))
        .map_err(|reason| reason.to_string());
    let (folder, name) = (job.folder, job.entry.name);
    Done::File(FoundFile { folder, name, stat, etag: Some(etag), version: Some(version), sha256: None, content })
}

fn read_version(reader: &mut ObjectReader, object: &ObjectUrl, stat: Stat, etag: &str) -> io::Result<Version> {
    let [first, last] = ends(stat.length());
    let ends = [reader.read_range(first)?, reader.read_range(last)?];
    Ok(object_version(&object.to_string(), etag, stat, &ends))
}

/// The path that an object would have under the name of the file that it was: a key may be no more than a hash.
fn named(path: &Path, name: Option<&str>) -> PathBuf {
    let name = name.and_then(|name| Path::new(name).file_name());
    name.map_or_else(|| path.to_owned(), |name| path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folders of a listing, each with its files, in the order of their ends.
    fn folders(start: &str, keys: &[&str]) -> Result<Vec<String>, String> {
        let start = ObjectUrl::read(start).expect("an address");
        let mut walk = ObjectWalk { start: &start, hidden: false, open: Vec::new(), closed: HashSet::new() };
        let mut seen = Vec::new();
        let mut see = |step| {
            if let WalkStep::Visit(visit) = step {
                let names = visit.files.iter().chain(&visit.cover).map(|file| String::from_utf8_lossy(&file.name));
                let names: Vec<_> = names.collect();
                seen.push(format!("{}: {}", String::from_utf8_lossy(&visit.folder.path), names.join(" ")));
            }
            true
        };
        for key in keys {
            let head = ObjectHead { size: 1, etag: "e".to_owned(), modified_ns: 0 };
            assert!(walk.take(&ListedObject { key: (*key).to_owned(), head }, &mut see)?);
        }
        assert!(walk.close(0, &mut see));
        Ok(seen)
    }

    #[test]
    fn a_listing_is_folders_within_folders() {
        let keys = [
            "m/.hidden/x.mp3",
            "m/A/1.mp3",
            "m/A/B/2.mp3",
            "m/A/B/C/3.mp3",
            "m/A/cover.jpg",
            "m/A/notes.txt",
            "m/Ab/4.mp3",
            "m/z.mp3",
        ];
        let wanted = ["s3://box/m/A/B/C: 3.mp3", "s3://box/m/A/B: 2.mp3", "s3://box/m/A: 1.mp3 cover.jpg"];
        let rest = ["s3://box/m/Ab: 4.mp3", "s3://box/m: z.mp3"];
        assert_eq!(folders("s3://box/m", &keys).expect("in order"), [&wanted[..], &rest].concat());
        assert_eq!(folders("s3://box", &["a.mp3", "b/c.mp3"]).expect("in order").len(), 2);
    }

    #[test]
    fn a_folder_that_comes_twice_is_an_error_and_another_order_is_not() {
        let twice = folders("s3://box", &["A/1.mp3", "B/2.mp3", "A/3.mp3"]);
        assert_eq!(twice, Err("A".to_owned()));
        // As services do that keep folders: those before the files beside them.
        assert_eq!(folders("s3://box", &["A/B/2.mp3", "A/1.mp3"]).expect("each once").len(), 2);
    }

    #[test]
    fn the_name_of_the_imported_file_stands_in_for_the_key() {
        let path = Path::new("s3://box/A/0123.mp3");
        assert_eq!(named(path, Some("01 Song.mp3")), Path::new("s3://box/A/01 Song.mp3"));
        assert_eq!(named(path, Some("../../x.mp3")), Path::new("s3://box/A/x.mp3"));
        assert_eq!((named(path, Some("..")), named(path, None)), (path.to_owned(), path.to_owned()));
    }
}
