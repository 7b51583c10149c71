//! Threads that open and read files, a limited number for each music folder: a disk that does not answer keeps those threads
//! and none that the database, log-ins or other folders need.

use super::by_folder::ByFolder;
use std::{
    error::Error,
    fmt::{self, Display, Formatter},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// The most threads for one music folder. Disks answer no faster when more than some tens of reads wait for them.
const THREADS: usize = 64;
/// How long work waits for one of them before it fails.
const TURN: Duration = Duration::from_secs(5);

/// The limits of all music folders.
#[derive(Debug)]
pub struct FileThreads(ByFolder<FolderThreads>);

impl FileThreads {
    /// A limit for each of these folders, and one for files outside of them.
    #[must_use]
    pub fn new(folders: &[PathBuf]) -> Self {
        Self::waiting(folders, TURN)
    }

    /// Limits with another time for waiting.
    fn waiting(folders: &[PathBuf], turn: Duration) -> Self {
        Self(ByFolder::new(folders, || FolderThreads::new(turn)))
    }

    /// The limit for the file at `path`: that of the innermost folder that holds it.
    #[must_use]
    pub fn of(&self, path: &Path) -> &FolderThreads {
        self.0.of(path)
    }
}

/// The limit of one music folder.
#[derive(Debug, Clone)]
pub struct FolderThreads {
    free: Arc<Semaphore>,
    /// How long work waits for a thread.
    turn: Duration,
}

impl FolderThreads {
    fn new(turn: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(THREADS)), turn }
    }

    /// Does `work`, which may block, on a thread. It goes on when the caller gives up, and keeps its thread until its end.
    ///
    /// # Errors
    /// [`NoThread`] when all threads of the folder are in use for 5 s; `work` has not begun then. Those of `work`; its panic.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let turn = timeout(self.turn, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(io::Error::other(NoThread)) };
        let done = spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(io::Error::other).flatten()
    }
}

/// All threads of the folder wait for its disk.
#[derive(Debug)]
pub struct NoThread;

impl NoThread {
    /// Whether this is why something failed.
    #[must_use]
    pub fn is(error: &io::Error) -> bool {
        matches!(error.get_ref(), Some(cause) if cause.is::<Self>())
    }
}

impl Display for NoThread {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "the disk of the file does not answer: {THREADS} reads wait for it")
    }
}

impl Error for NoThread {}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::{Mutex, mpsc};

    #[tokio::test]
    async fn a_folder_whose_reads_hang_refuses_more_and_other_folders_do_not() {
        let all = FileThreads::waiting(&["/music".into(), "/music/nas".into()], Duration::from_millis(20));
        let (hang, released) = mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let nas = all.of(Path::new("/music/nas/a.flac"));
        for _ in 0..THREADS {
            let released = Arc::clone(&released);
            let work = move || Ok(released.lock().map(|end| end.recv()).is_ok());
            // The caller gives up; the thread is in use all the same.
            assert!(nas.run(work).now_or_never().is_none());
        }
        let refused = all.of(Path::new("/music/nas/b/c.flac")).run(|| Ok(())).await.expect_err("no thread is free");
        assert!(NoThread::is(&refused), "{refused}");
        for path in ["/music/a.flac", "/music/nas2/a.flac", "/elsewhere/a.flac"] {
            assert!(all.of(Path::new(path)).run(|| Ok(())).await.is_ok(), "{path}");
        }
        drop(hang);
        while nas.run(|| Ok(())).await.is_err_and(|error| NoThread::is(&error)) {}
        let failed = nas.run(|| Err::<(), _>(io::ErrorKind::NotFound.into())).await;
        assert!(failed.is_err_and(|error| error.kind() == io::ErrorKind::NotFound && !NoThread::is(&error)));
    }
}
