//! How much a scan covers.

use std::path::{Path, PathBuf};

/// How much to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All music folders; tracks elsewhere are marked missing.
    All,
    /// Some folders in them, with all that is below.
    Below(Vec<PathBuf>),
}

impl Scope {
    /// Where to walk, given the music folders that are there.
    pub(super) fn starts(&self, roots: &[PathBuf]) -> Vec<PathBuf> {
        match self {
            Self::All => roots.to_vec(),
            Self::Below(folders) => {
                let within = |folder: &&PathBuf| roots.iter().any(|root| folder.starts_with(root)) && folder.is_dir();
                folders.iter().filter(within).cloned().collect()
            }
        }
    }

    /// Whether what is known of a folder is to be compared.
    pub(super) fn holds(&self, folder: &Path) -> bool {
        match self {
            Self::All => true,
            Self::Below(folders) => folders.iter().any(|outer| folder.starts_with(outer)),
        }
    }
}
