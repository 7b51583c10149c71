//! Something for each music folder, so that a disk that does not answer holds up what is on it alone.

use std::path::{Path, PathBuf};

/// A value for each music folder, and one for files outside of them.
#[derive(Debug)]
pub struct ByFolder<T> {
    folders: Vec<(PathBuf, T)>,
    others: T,
}

impl<T> ByFolder<T> {
    /// What `make` makes, for each of these folders and for the files outside of them.
    pub fn new(folders: &[PathBuf], make: impl Fn() -> T) -> Self {
        Self { folders: folders.iter().map(|folder| (folder.clone(), make())).collect(), others: make() }
    }

    /// That of the file at `path`: of the innermost folder that holds it.
    #[must_use]
    pub fn of(&self, path: &Path) -> &T {
        let holding = self.folders.iter().filter(|(folder, _)| path.starts_with(folder));
        let innermost = holding.max_by_key(|(folder, _)| folder.components().count());
        innermost.map_or(&self.others, |(_, value)| value)
    }
}
