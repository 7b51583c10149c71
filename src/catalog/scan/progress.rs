//! The progress of a scan, shown in the terminal and by HTTP.

use crate::values::printed::counted;
use segue_client::protocol::ids::Micros;
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// How many troubles are stored as text; all are counted.
const MAX_TROUBLES: usize = 100;

/// The state of the running scan, or of the last one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanProgress {
    /// Whether a scan runs now.
    pub running: bool,
    /// Whether it ended without being stopped and without an error.
    pub complete: bool,
    /// Whether another scan was requested and has not begun.
    pub queued: bool,
    /// When it began.
    pub started: Option<Micros>,
    /// When it ended.
    pub finished: Option<Micros>,
    /// The folder that was compared last.
    pub folder: Option<String>,
    /// Files seen so far.
    pub seen: u64,
    /// Files that are finished: unchanged ones, and those that were read and written.
    pub done: u64,
    /// The estimated number of files; 0 while unknown.
    pub expected: u64,
    /// Files that were not read again because nothing changed.
    pub unchanged: u64,
    /// Files that were not in the database.
    pub added: u64,
    /// Files that were read again.
    pub changed: u64,
    /// Files that were found at another path than before.
    pub moved: u64,
    /// Files that this scan no longer found, those that it left out among them.
    pub missing: u64,
    /// Files that are there, but in no music folder any more; they were until the scan before.
    pub left_out: u64,
    /// Tracks of files that are there, but in no music folder: they are hidden until one holds them again.
    pub hidden: u64,
    /// The innermost folder that holds all of those.
    pub hidden_below: Option<PathBuf>,
    /// Music folders that are not there, or are empty although tracks are known in them.
    pub away: u64,
    /// Files that cannot be read: while the scan runs those that it tried to read, after its end all that it left.
    pub unreadable: u64,
    /// Those among them whose tracks are kept, for they could be read before and cannot be opened now.
    pub kept: u64,
    /// Parts of tags, of files read in this scan, that could not be read.
    pub losses: u64,
    /// Problems with folders, and the error that ended a scan early; the first 100 of them.
    pub troubles: Vec<String>,
    /// How many troubles there were.
    pub trouble_count: u64,
}

impl ScanProgress {
    /// Finished files per second so far.
    #[must_use]
    pub fn rate(&self, now: Micros) -> f64 {
        let elapsed_us = self.elapsed_us(now);
        if elapsed_us == 0 { 0.0 } else { float(self.done) * 1e6 / float(elapsed_us) }
    }

    /// The estimated seconds until the end; `None` when there is no estimate.
    #[must_use]
    pub fn eta_s(&self, now: Micros) -> Option<u64> {
        let left = self.expected.checked_sub(self.done).filter(|_| self.running && self.done > 0)?;
        self.elapsed_us(now).saturating_mul(left).checked_div(self.done.saturating_mul(1_000_000))
    }

    /// Files that this scan no longer found anywhere.
    #[must_use]
    pub fn gone(&self) -> u64 {
        self.missing.saturating_sub(self.left_out)
    }

    /// What became of tracks in folders that are no music folders any more; `None` when there are none.
    #[must_use]
    pub fn hidden_text(&self) -> Option<String> {
        let folder = self.hidden_below.as_deref().filter(|_| self.hidden > 0)?.display();
        let tracks = counted(self.hidden, "track");
        let (is_hidden, held, is_back) =
            if self.hidden == 1 { ("is hidden", "it", "it is back") } else { ("are hidden", "them", "they are back") };
        Some(format!(
            "{tracks} below {folder} {is_hidden}, not gone, for no music folder holds {held} now: name that folder as a \
             music folder again, and {is_back} with all plays and playlists"
        ))
    }

    fn elapsed_us(&self, now: Micros) -> u64 {
        let Some(started) = self.started else { return 0 };
        u64::try_from(self.finished.unwrap_or(now).since_us(started)).unwrap_or(0)
    }
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count / 1_000).unwrap_or(u32::MAX)) * 1e3
        + f64::from(u32::try_from(count % 1_000).unwrap_or(0))
}

/// The shared progress: written by a scan, read by any thread.
#[derive(Debug)]
pub struct Board {
    progress: Mutex<ScanProgress>,
    /// The text about hidden tracks after the scan before.
    hidden_text: Mutex<Option<String>>,
    changes: watch::Sender<u64>,
}

impl Default for Board {
    fn default() -> Self {
        Self { progress: Mutex::default(), hidden_text: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Board {
    /// Notifies whenever this process has written to the catalogue; [`crate::db::changes`] has what was written. Other
    /// processes write too, so poll the database as well.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Notifies the receivers of [`Board::changes`].
    pub fn announce(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The progress now.
    #[must_use]
    pub fn read(&self) -> ScanProgress {
        self.lock().clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut ScanProgress)) {
        change(&mut self.lock());
    }

    /// Logs and stores a problem with a folder, or with the whole scan when `path` is `None`.
    pub(super) fn trouble(&self, path: Option<&Path>, reason: &str) {
        let text = path.map_or_else(|| reason.to_owned(), |path| format!("{}: {reason}", path.display()));
        log::warn!("scan: {text}");
        let mut progress = self.lock();
        progress.trouble_count = progress.trouble_count.saturating_add(1);
        if progress.troubles.len() < MAX_TROUBLES {
            progress.troubles.push(text);
        }
    }

    /// [`ScanProgress::hidden_text`] of this scan, unless that of the last call was the same.
    pub(super) fn hidden_news(&self) -> Option<String> {
        let text = self.read().hidden_text();
        let mut last = self.hidden_text.lock().unwrap_or_else(PoisonError::into_inner);
        let news = text.clone().filter(|_| *last != text);
        *last = text;
        news
    }

    fn lock(&self) -> MutexGuard<'_, ScanProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left() {
        let progress = ScanProgress {
            running: true,
            started: Some(Micros(0)),
            done: 100,
            expected: 400,
            ..ScanProgress::default()
        };
        assert!((progress.rate(Micros(2_000_000)) - 50.0).abs() < 1e-9);
        assert_eq!(progress.eta_s(Micros(2_000_000)), Some(6));
        assert_eq!(ScanProgress { expected: 0, ..progress }.eta_s(Micros(2_000_000)), None);
    }

    #[test]
    fn hidden_tracks_are_news_until_they_are_the_same_again() {
        let board = Board::default();
        let hide = |hidden| {
            board.change(|progress| {
                *progress = ScanProgress { hidden, hidden_below: Some("/m".into()), ..ScanProgress::default() };
            });
        };
        assert_eq!(board.hidden_news(), None);
        hide(1);
        let one = board.hidden_news().expect("it is news");
        assert!(one.starts_with("1 track below /m is hidden, not gone"), "{one}");
        assert_eq!(board.hidden_news(), None);
        hide(2);
        assert!(board.hidden_news().expect("one more").starts_with("2 tracks below /m are hidden"));
        hide(0);
        assert_eq!(board.hidden_news(), None);
        hide(2);
        assert!(board.hidden_news().is_some(), "they were back in between");
    }
}
