//! The thread of requests to object storage: connections belong to the event loop that opened them, and those of servers and
//! commands come and go.

use std::{
    io,
    sync::{OnceLock, mpsc},
    thread,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// An event loop on a thread of its own, which begins with the first request and ends when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Worker(OnceLock<Running>);

#[derive(Debug)]
struct Running {
    handle: Handle,
    /// Its end ends the thread.
    _open: oneshot::Sender<()>,
}

impl Worker {
    fn start() -> io::Result<Running> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel::<()>();
        let run = move || {
            // An error says that the sender was dropped, which is what is waited for.
            drop(runtime.block_on(closed));
        };
        thread::Builder::new().name("storage".to_owned()).spawn(run)?;
        Ok(Running { handle, _open: open })
    }

    fn handle(&self) -> io::Result<&Handle> {
        if let Some(running) = self.0.get() {
            return Ok(&running.handle);
        }
        let fresh = Self::start()?;
        // Of two that were started at once one is dropped, and ends.
        Ok(&self.0.get_or_init(|| fresh).handle)
    }

    /// Does work on that thread. When what is returned is dropped, the work goes on: connections are used again.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(super) fn give<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<Given<T>> {
        let ((told, waiting), (done, result)) = (oneshot::channel(), mpsc::sync_channel(1));
        self.handle()?.spawn(async move {
            drop(done.send(work.await));
            // Who waited may have left.
            let _ = told.send(());
        });
        Ok(Given { waiting, result })
    }
}

/// Work that was given to the thread.
pub(super) struct Given<T> {
    waiting: oneshot::Receiver<()>,
    result: mpsc::Receiver<T>,
}

impl<T> Given<T> {
    /// Its result; `None` when the thread has ended.
    pub(super) async fn wait(self) -> Option<T> {
        drop(self.waiting.await);
        self.result.try_recv().ok()
    }

    /// The same; blocks, on any thread. The event loop of another runtime may be one.
    pub(super) fn wait_blocking(self) -> Option<T> {
        self.result.recv().ok()
    }
}
