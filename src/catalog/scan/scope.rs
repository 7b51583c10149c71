//! The part of the music folders that a scan covers.

use std::path::{Path, PathBuf};

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
    pub(super) fn starts(&self, roots: &[PathBuf]) -> Vec<PathBuf> {
        match self {
            Self::All | Self::AllAgain => roots.to_vec(),
            Self::Below(folders) => {
                let within = |folder: &&PathBuf| roots.iter().any(|root| folder.starts_with(root)) && folder.is_dir();
                folders.iter().filter(within).cloned().collect()
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
