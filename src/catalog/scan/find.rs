//! The music of a folder on a disk, without a database: for who copies it elsewhere.

use super::walk::{WalkStep, walk};
use crate::values::path;
use std::path::{Path, PathBuf};

/// What a scan of a folder would look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundMusic {
    /// An audio file.
    Audio(PathBuf),
    /// The picture of a folder.
    Cover(PathBuf),
    /// What cannot be read or is left out, with the reason.
    Trouble(PathBuf, String),
}

/// Calls `see` with all that a scan of the folder would look at, until it returns false. `hidden` is whether hidden files and
/// folders count.
pub fn find(folder: &Path, hidden: bool, see: &mut impl FnMut(FoundMusic) -> bool) {
    let roots = [folder.to_owned()];
    walk(&roots, &roots, hidden, &mut |step| match step {
        WalkStep::Visit(visit) => {
            let folder = path::from_bytes(&visit.folder.path);
            let at = |name: &[u8]| folder.join(path::from_bytes(name));
            let audio = visit.files.iter().map(|file| FoundMusic::Audio(at(&file.name)));
            let cover = visit.cover.iter().filter(|cover| !visit.too_large.contains(&cover.name));
            let cover = cover.map(|cover| FoundMusic::Cover(at(&cover.name)));
            let refused = visit.refused.iter().map(|(name, reason)| FoundMusic::Trouble(at(name), reason.clone()));
            refused.chain(audio).chain(cover).all(&mut *see)
        }
        WalkStep::Refused(path, reason) => see(FoundMusic::Trouble(path, reason)),
        WalkStep::Remark(path, text) => see(FoundMusic::Trouble(path, text.to_owned())),
    });
}
