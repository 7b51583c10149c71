//! `segue scan`: brings the catalogue up to date once, with progress.

use super::{Failure, database::OpenDatabase, output, signals::Signals};
use crate::{
    catalog::scan::{Board, Music, ScanProgress, Scope, run_one},
    config::{ScanFlags, Settings, at_home, load},
    db::{Db, DbConnection, DbError, claim::Unclaimed, files},
    http,
    storage::{Attempts, Storage, Traffic},
    telemetry, time,
    values::{
        object::{ObjectUrl, is_object},
        printed::{bytes, counted, escaped},
    },
};
use clap::Args;
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Time between two updates of the progress line.
const REDRAW: Duration = Duration::from_millis(200);
/// What a person is told of a scan that was stopped or failed.
const UNFINISHED: &str = "the scan did not come to its end; it goes on from there when it is run again";
/// How many files with trouble one query reads.
const PAGE: i64 = 500;

/// Scan the music folders once
///
/// The exit code is 0 when all music folders were scanned, whatever files in them cannot be read; 1 when a folder is not
/// there, or is empty although it had music, and when the scan was stopped or failed; 2 when the arguments are wrong.
#[derive(Debug, Args)]
pub(super) struct Scan {
    /// The folders to scan in place of those of the settings, such as `s3://BUCKET/PREFIX`; tracks elsewhere stay as they are
    #[arg(value_name = "FOLDER", value_parser = folder)]
    folders: Vec<PathBuf>,
    /// Read every file again, also those that seem not to have changed; as a whole where the SHA-256 is known
    #[arg(long)]
    reread_all: bool,
    #[command(flatten)]
    settings: ScanFlags,
}

impl Scan {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut settings = load(&self.settings)?;
        telemetry::start(&settings);
        let others_stay = !self.folders.is_empty();
        if others_stay {
            let is_new = |folder: &&PathBuf| !settings.music.iter().any(|outer| folder.starts_with(outer));
            for folder in self.folders.iter().filter(is_new) {
                output::line(format_args!(
                    "{} is no music folder yet: a server shows it once the setting music names it",
                    escaped(folder.display())
                ))?;
            }
            settings.music.clone_from(&self.folders);
        }
        if settings.music.is_empty() {
            return Err("there are no music folders: name one with --music DIR, or in the settings file".into());
        }
        let scope = if self.reread_all { Scope::AllAgain } else { Scope::All };
        let ended = http::block_on(async move {
            Signals::of_command()?.during(move |stop| scan(&settings, &scope, others_stay, stop)).await
        })?;
        ended.unwrap_or_else(|| Err(UNFINISHED.into()))
    }
}

/// Reads a folder or the address of objects as an argument.
fn folder(text: &str) -> Result<PathBuf, String> {
    if is_object(text) {
        return ObjectUrl::read(text).map(|url| url.to_path());
    }
    at_home(Path::new(text)).and_then(|path| std::path::absolute(path).map_err(|error| error.to_string()))
}

fn scan(settings: &Settings, scope: &Scope, others_stay: bool, stop: &AtomicBool) -> Result<(), Failure> {
    let db = OpenDatabase::open(settings, settings.database_connections)?;
    let is_served = has_server(&db)?;
    if is_served {
        output::line("a server uses this library: tracks outside of these folders stay as they are")?;
        output::line(
            "the server's next scan goes by its own settings: put scan_hidden and split_… into the settings file",
        )?;
    }
    let storage = Storage::new(settings.storage(), Attempts::Background);
    let progress = once(&db, settings, (scope, &storage), others_stay || is_served, stop)?;
    report(&db, &progress)?;
    report_traffic(&storage)?;
    if !progress.complete {
        return Err(UNFINISHED.into());
    }
    match progress.away {
        0 => Ok(()),
        away => Err(format!("{away} of the music folders could not be scanned: see above").into()),
    }
}

/// Whether a server has claimed the database: which music folders it has is not known here.
fn has_server(db: &Db) -> Result<bool, Failure> {
    match db.claim("segue scan") {
        Ok(_) => Ok(false),
        Err(Unclaimed::Taken(_)) => Ok(true),
        Err(Unclaimed::Db(error)) => Err(error.into()),
    }
}

/// Scans the music folders of `settings` with a progress line on a terminal, until it is done or `stop` is set.
/// `others_stay` is as in [`Music`].
pub(super) fn once(
    db: &Db,
    settings: &Settings,
    (scope, storage): (&Scope, &Storage),
    others_stay: bool,
    stop: &AtomicBool,
) -> Result<ScanProgress, Failure> {
    let Some(_lock) = db.lock_scans()? else {
        return Err("another process is scanning this library; let it finish".into());
    };
    let (board, over) = (Board::default(), AtomicBool::new(false));
    let (hidden, splits) = (settings.scan_hidden, settings.splits());
    let music = Music { folders: settings.music.clone(), hidden, others_stay, splits, storage: storage.clone() };
    thread::scope(|threads| {
        let line = threads.spawn(|| show(&board, &over));
        // The index belongs to a server: it follows when one runs.
        run_one(db, &music, scope, &board, stop, &|| ());
        over.store(true, Ordering::Relaxed);
        line.thread().unpark();
    });
    Ok(board.read())
}

/// Shows the progress of the scan in one line on the terminal, until `over` is set.
fn show(board: &Board, over: &AtomicBool) {
    if !io::stderr().is_terminal() {
        return;
    }
    while !over.load(Ordering::Relaxed) {
        // An error of writing to the terminal does not end the scan.
        drop(write!(io::stderr().lock(), "\r\x1b[K{}", line(&board.read())));
        thread::park_timeout(REDRAW);
    }
    drop(write!(io::stderr().lock(), "\r\x1b[K"));
}

fn line(progress: &ScanProgress) -> String {
    let now = time::now();
    let of = if progress.expected >= progress.done { format!(" of {}", progress.expected) } else { String::new() };
    let left = progress.eta_s(now).map_or_else(String::new, |s| format!(", {}:{:02} left", s / 60, s % 60));
    let folder: String = progress.folder.as_deref().unwrap_or_default().chars().rev().take(40).collect();
    let folder: String = folder.chars().rev().collect();
    format!("{}{of} files, {:.0}/s{left}  {}", progress.done, progress.rate(now), escaped(folder))
}

/// Says what was read from buckets, which services bill.
pub(super) fn report_traffic(storage: &Storage) -> io::Result<()> {
    let Traffic { requests, read, .. } = storage.traffic();
    if requests == 0 {
        return Ok(());
    }
    output::line(format_args!("read from buckets: {} in {}", bytes(read), counted(requests, "request")))
}

pub(super) fn report(db: &Db, progress: &ScanProgress) -> Result<(), Failure> {
    output::line(format_args!(
        "{}: {} unchanged, {} new, {} changed, {} moved, {} gone ({:.0} files/s)",
        counted(progress.seen, "file"),
        progress.unchanged,
        progress.added,
        progress.changed,
        progress.moved,
        progress.gone(),
        progress.rate(time::now()),
    ))?;
    if let Some(text) = progress.hidden_text() {
        output::line(escaped(text))?;
    }
    for trouble in &progress.troubles {
        output::line(format_args!("trouble: {}", escaped(trouble)))?;
    }
    let unreadable = print_files(
        db,
        files::unreadable,
        |file| (file.path, vec![file.reason]),
        |total| output::line(format_args!("{} cannot be read:", counted(total, "file"))),
    )?;
    // Those with trouble are also those that cannot be read.
    let of_tags = |total: u64| match total.saturating_sub(unreadable) {
        0 => Ok(()),
        some => output::line(format_args!("{} with tags that could not be read as they are:", counted(some, "file"))),
    };
    let reasons = |file: files::FileTrouble| (file.path, if file.is_readable { file.reasons } else { Vec::new() });
    print_files(db, files::troubles, reasons, of_tags)?;
    Ok(())
}

/// A page of files with trouble, and how many there are.
type FoundPage<T> = Result<(Vec<T>, i64), DbError>;

/// Prints the files of a list, which is read page by page: each with its reasons, none of those without reasons. First
/// `head` prints what they are; it is called with their number, if there are any. Returns that number.
fn print_files<T: Send + 'static>(
    db: &Db,
    read: fn(&mut DbConnection, i64, i64) -> FoundPage<T>,
    file: impl Fn(T) -> (PathBuf, Vec<String>),
    head: impl FnOnce(u64) -> io::Result<()>,
) -> Result<u64, Failure> {
    let (mut offset, mut head) = (0, Some(head));
    loop {
        let (found, total) = db.read_blocking(|connection| read(connection, PAGE, offset))?;
        let count = u64::try_from(total).unwrap_or(0);
        if let Some(head) = head.take().filter(|_| count > 0) {
            head(count)?;
        }
        for (path, reasons) in found.into_iter().map(&file).filter(|(_, reasons)| !reasons.is_empty()) {
            output::line(format_args!("  {}: {}", escaped(path.display()), escaped(reasons.join("; "))))?;
        }
        offset = offset.saturating_add(PAGE);
        if offset >= total {
            return Ok(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_obeys_the_name_of_a_folder() {
        let folder = Some("/music/\u{1b}[2Jalbum\u{9b}".to_owned());
        let line = line(&ScanProgress { folder, ..ScanProgress::default() });
        assert!(line.ends_with(r"/music/\u{1b}[2Jalbum\u{9b}"), "{line:?}");
    }
}
