//! Changed folders that wait for a scan. Pure: the time is a parameter.

use super::scope::Scope;
use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A scan of changed folders begins when nothing has changed for this long…
const QUIET: Duration = Duration::from_secs(2);
/// … or when the first change is this old.
const PATIENCE: Duration = Duration::from_secs(30);
/// When more folders than this have changed, everything is scanned.
const MAX_FOLDERS: usize = 200;

/// Changed folders that wait for a scan.
#[derive(Debug, Default)]
pub(super) struct Changes {
    folders: BTreeSet<PathBuf>,
    /// Whether everything has to be scanned: too many folders changed, or the system lost events.
    all: bool,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Changes {
    /// Adds a changed folder; `None` when the folder is unknown. Returns whether it was not in the set already.
    pub(super) fn note(&mut self, folder: Option<PathBuf>, now: Instant) -> bool {
        self.first.get_or_insert(now);
        self.last = Some(now);
        match folder {
            Some(folder) if self.folders.len() < MAX_FOLDERS => self.folders.insert(folder),
            _ => !std::mem::replace(&mut self.all, true),
        }
    }

    /// Adds a folder in which a reader found a changed file. Returns whether it was not in the set already; if it was,
    /// the scan is not delayed, because this is not another change.
    pub(super) fn find(&mut self, folder: PathBuf, now: Instant) -> bool {
        !self.all && !self.folders.contains(&folder) && self.note(Some(folder), now)
    }

    /// When a scan of these folders is due; `None` without changes.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        Some(last.checked_add(QUIET)?.min(first.checked_add(PATIENCE)?))
    }

    /// The scope of that scan. Folders below other changed folders are left out.
    pub(super) fn scope(self) -> Scope {
        if self.all {
            return Scope::All;
        }
        let mut folders: Vec<PathBuf> = Vec::new();
        // The folders are sorted, so an outer folder comes before those below it.
        for folder in self.folders {
            if !folders.last().is_some_and(|outer| folder.starts_with(outer)) {
                folders.push(folder);
            }
        }
        Scope::Below(folders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_waits_until_nothing_changes_and_at_most_30_s() {
        let mut changes = Changes::default();
        assert_eq!(changes.due(), None);
        let start = Instant::now();
        assert!(changes.note(Some("/music/a".into()), start));
        assert!(!changes.note(Some("/music/a".into()), start), "it is waiting already");
        assert_eq!(changes.due(), Some(start + QUIET));
        assert!(!changes.find("/music/a".into(), start + QUIET / 2), "it is waiting already");
        assert_eq!(changes.due(), Some(start + QUIET), "the scan is not delayed");
        assert!(changes.note(Some("/music/a/b".into()), start + PATIENCE));
        assert_eq!(changes.due(), Some(start + PATIENCE));
        assert_eq!(changes.scope(), Scope::Below(vec!["/music/a".into()]));
    }

    #[test]
    fn too_many_changed_folders_cause_a_scan_of_everything() {
        let mut changes = Changes::default();
        for number in 0..=MAX_FOLDERS {
            assert!(changes.note(Some(format!("/music/{number}").into()), Instant::now()));
        }
        assert_eq!(changes.scope(), Scope::All);
    }
}
