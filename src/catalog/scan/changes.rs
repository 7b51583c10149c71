//! Changed folders that wait for a scan. Pure: the time is given.

use super::scope::Scope;
use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A scan begins when nothing has changed for this long…
const QUIET: Duration = Duration::from_secs(2);
/// … or when the first change is this old.
const PATIENCE: Duration = Duration::from_secs(30);
/// With more changed folders than this all are scanned.
const MAX_FOLDERS: usize = 200;

/// Changes that wait for a scan.
#[derive(Debug, Default)]
pub(super) struct Changes {
    folders: BTreeSet<PathBuf>,
    /// Too many, or the system lost count.
    all: bool,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Changes {
    /// Notes a change in a folder, `None` when nobody knows where, and says whether that is news.
    pub(super) fn note(&mut self, folder: Option<PathBuf>, now: Instant) -> bool {
        self.first.get_or_insert(now);
        self.last = Some(now);
        match folder {
            Some(folder) if self.folders.len() < MAX_FOLDERS => self.folders.insert(folder),
            _ => !std::mem::replace(&mut self.all, true),
        }
    }

    /// Notes a folder in which somebody who reads came upon a change, and says whether that is news. Reading it again
    /// while it waits for its scan is no change, and puts nothing off.
    pub(super) fn find(&mut self, folder: PathBuf, now: Instant) -> bool {
        !self.all && !self.folders.contains(&folder) && self.note(Some(folder), now)
    }

    /// When a scan of these is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        Some(last.checked_add(QUIET)?.min(first.checked_add(PATIENCE)?))
    }

    /// What to scan for them; outer folders stand for those below.
    pub(super) fn scope(self) -> Scope {
        if self.all {
            return Scope::All;
        }
        let mut folders: Vec<PathBuf> = Vec::new();
        // In order, an outer folder comes before those below it.
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
    fn a_scan_waits_for_quiet_but_not_for_ever() {
        let mut changes = Changes::default();
        assert_eq!(changes.due(), None);
        let start = Instant::now();
        assert!(changes.note(Some("/music/a".into()), start));
        assert!(!changes.note(Some("/music/a".into()), start), "that is known");
        assert_eq!(changes.due(), Some(start + QUIET));
        assert!(!changes.find("/music/a".into(), start + QUIET / 2), "who asks for it again and again");
        assert_eq!(changes.due(), Some(start + QUIET), "puts the scan not off");
        assert!(changes.note(Some("/music/a/b".into()), start + PATIENCE));
        assert_eq!(changes.due(), Some(start + PATIENCE));
        assert_eq!(changes.scope(), Scope::Below(vec!["/music/a".into()]));
    }

    #[test]
    fn too_many_changes_are_a_change_of_everything() {
        let mut changes = Changes::default();
        for number in 0..=MAX_FOLDERS {
            assert!(changes.note(Some(format!("/music/{number}").into()), Instant::now()));
        }
        assert_eq!(changes.scope(), Scope::All);
    }
}
