//! `segue scan`: brings the catalogue up to date once, with progress.

use super::{Failure, output};
use crate::{
    catalog::scan::{Board, Progress, Scope, run_one},
    config::{SettingFlags, Settings, load},
    db::{Db, files},
    telemetry, time,
};
use clap::Args;
use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// How often the progress line is written anew on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Unreadable files that are looked up at once.
const PAGE: i64 = 500;

/// Scan the music folders once
#[derive(Debug, Args)]
pub(super) struct Scan {
    #[command(flatten)]
    settings: SettingFlags,
}

impl Scan {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        if settings.music.is_empty() {
            return Err("there are no music folders: name one with --music DIR, or in the settings file".into());
        }
        let db = Db::open(&settings.database_url, settings.database_connections)?;
        let progress = once(&db, &settings)?;
        report(&db, &progress)?;
        if progress.complete { Ok(()) } else { Err("the scan did not come to its end".into()) }
    }
}

/// Scans the music folders of `settings` with a progress line on a terminal.
pub(super) fn once(db: &Db, settings: &Settings) -> Result<Progress, Failure> {
    let Some(_lock) = db.lock_scans()? else {
        return Err("another process is scanning this library; let it finish".into());
    };
    let (board, stop, over) = (Board::default(), AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let line = scope.spawn(|| show(&board, &over));
        run_one(db, &settings.music, &Scope::All, &board, &stop);
        over.store(true, Ordering::Relaxed);
        line.thread().unpark();
    });
    Ok(board.read())
}

/// Keeps one line on a terminal that says how far the scan is.
fn show(board: &Board, over: &AtomicBool) {
    if !io::stderr().is_terminal() {
        return;
    }
    while !over.load(Ordering::Relaxed) {
        // A terminal that is gone does not end the scan.
        drop(write!(io::stderr().lock(), "\r\x1b[K{}", line(&board.read())));
        thread::park_timeout(REDRAW);
    }
    drop(write!(io::stderr().lock(), "\r\x1b[K"));
}

fn line(progress: &Progress) -> String {
    let now = time::now();
    let of = if progress.expected >= progress.done { format!(" of {}", progress.expected) } else { String::new() };
    let left = progress.eta_s(now).map_or_else(String::new, |s| format!(", {}:{:02} left", s / 60, s % 60));
    let folder: String = progress.folder.as_deref().unwrap_or_default().chars().rev().take(40).collect();
    let folder: String = folder.chars().rev().collect();
    format!("{}{of} files, {:.0}/s{left}  {folder}", progress.done, progress.rate(now))
}

fn report(db: &Db, progress: &Progress) -> Result<(), Failure> {
    output::line(format_args!(
        "{} files: {} unchanged, {} new, {} changed, {} moved, {} gone ({:.0} files/s)",
        progress.seen,
        progress.unchanged,
        progress.added,
        progress.changed,
        progress.moved,
        progress.missing,
        progress.rate(time::now()),
    ))?;
    for trouble in &progress.troubles {
        output::line(format_args!("trouble: {trouble}"))?;
    }
    let mut offset = 0;
    loop {
        let (files, total) = db.read_blocking(|connection| files::unreadable(connection, PAGE, offset))?;
        if offset == 0 && total > 0 {
            output::line(format_args!("{total} files cannot be read:"))?;
        }
        for file in &files {
            output::line(format_args!("  {}: {}", file.path.display(), file.reason))?;
        }
        offset = offset.saturating_add(PAGE);
        if offset >= total {
            return Ok(());
        }
    }
}
