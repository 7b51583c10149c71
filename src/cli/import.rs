//! `segue import`: copies music from a folder into a bucket.

use super::{Failure, output, path, signals::Signals};
use crate::{
    catalog::import::{Import, ImportBoard, ImportProgress},
    config::{Settings, StorageFlags, load},
    http,
    storage::{Attempts, Storage},
    telemetry,
    values::{
        object::ObjectUrl,
        printed::{bytes, counted, escaped},
    },
};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Time between two updates of the progress line.
const REDRAW: Duration = Duration::from_millis(200);
/// What a person is told of an import that was stopped.
const UNFINISHED: &str = "the import did not come to its end; it goes on from there when it is run again";

/// Copy music into a bucket of an S3-compatible service
///
/// Each file becomes an object that is named by the SHA-256 of its bytes, in the folder that it has below DIR. What is there
/// already is passed over, so that an import that was stopped goes on when it is run again. Nothing is deleted. The exit code
/// is 1 when a file could not be copied.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The folder with the music
    #[arg(value_name = "DIR", value_parser = path::parser())]
    folder: PathBuf,
    /// Where to: the start of the keys
    #[arg(long, value_name = "s3://BUCKET/PREFIX", value_parser = ObjectUrl::read)]
    to: ObjectUrl,
    /// How many files are copied at once
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    uploads: u16,
    #[command(flatten)]
    settings: StorageFlags,
}

impl ImportArgs {
    pub(super) fn run(self) -> Result<(), Failure> {
        let settings = load(&self.settings)?;
        telemetry::start(&settings);
        let folder = std::path::absolute(&self.folder)?;
        std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let ended = http::block_on(async move {
            Signals::of_command()?.during(move |stop| self.copy(&settings, &folder, stop)).await
        })?;
        ended.unwrap_or_else(|| Err(UNFINISHED.into()))
    }

    fn copy(&self, settings: &Settings, folder: &Path, stop: &AtomicBool) -> Result<(), Failure> {
        let storage = Storage::new(settings.storage(), Attempts::Background);
        let import =
            Import { from: folder, to: &self.to, hidden: settings.scan_hidden, uploads: usize::from(self.uploads) };
        let (board, over) = (ImportBoard::default(), AtomicBool::new(false));
        let outcome = thread::scope(|threads| {
            let line = threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    output::progress(progress_line(&board.read()));
                    thread::park_timeout(REDRAW);
                }
                output::end_progress();
            });
            let outcome = import.run(&storage, &board, stop);
            over.store(true, Ordering::Relaxed);
            line.thread().unpark();
            outcome
        });
        let progress = board.read();
        for trouble in &progress.troubles {
            output::line(format_args!("trouble: {}", escaped(trouble)))?;
        }
        output::line(progress_line(&progress))?;
        outcome?;
        match (stop.load(Ordering::Relaxed), progress.failed) {
            (true, _) => Err(UNFINISHED.into()),
            (false, 0) => Ok(()),
            (false, failed) => Err(format!("{} could not be copied: see above", counted(failed, "file")).into()),
        }
    }
}

fn progress_line(progress: &ImportProgress) -> String {
    let ImportProgress { found, written, bytes: size, present, failed, .. } = progress;
    format!(
        "{}: {written} copied ({}), {present} there already, {failed} failed",
        counted(*found, "file"),
        bytes(*size)
    )
}
