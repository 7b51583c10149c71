//! The music folders, and the part of them that a scan covers.

use super::walk::is_reached;
use crate::{
    storage::Storage,
    values::{object::is_object, path::is_absence, separators::Splits},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The music folders, and what counts in them and beside them.
#[derive(Debug, Clone, Default)]
pub struct Music {
    /// The folders; those of buckets are addresses as [`ObjectUrl`](crate::values::object::ObjectUrl) writes them.
    pub folders: Vec<PathBuf>,
    /// Whether hidden files and folders are scanned, too.
    pub hidden: bool,
    /// Whether tracks outside of these folders stay as they are; otherwise a scan of everything marks them as missing.
    pub others_stay: bool,
    /// How names in tags are split.
    pub splits: Splits,
    /// The buckets of those folders that are in one.
    pub storage: Storage,
}

/// The part of the music folders that is scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All music folders; tracks elsewhere are marked missing.
    All,
    /// All music folders, and every file is read again, as a whole where its SHA-256 is known.
    AllAgain,
    /// Some folders in them, with all folders below.
    Below(Vec<PathBuf>),
}

impl Scope {
    /// The folders to walk over, given the music folders that exist.
    pub(super) fn starts(&self, roots: &[PathBuf], hidden: bool) -> Vec<PathBuf> {
        match self {
            Self::All | Self::AllAgain => roots.to_vec(),
            Self::Below(folders) => {
                let is_reached = |folder: &&PathBuf| {
                    roots.iter().any(|root| is_reached(root, folder, hidden)) && may_be_folder(folder)
                };
                folders.iter().filter(is_reached).cloned().collect()
            }
        }
    }

    /// Whether all music folders are scanned.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All | Self::AllAgain)
    }

    /// Whether the rows of a folder are compared.
    pub(super) fn holds(&self, folder: &Path) -> bool {
        match self {
            Self::All | Self::AllAgain => true,
            Self::Below(folders) => folders.iter().any(|outer| folder.starts_with(outer)),
        }
    }
}

/// Whether there is a folder at this path, as far as the system can say.
fn may_be_folder(path: &Path) -> bool {
    is_object(path) || fs::metadata(path).map_or_else(|error| !is_absence(&error), |found| found.is_dir())
}
